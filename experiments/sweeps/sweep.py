"""Carries out many runs: in processes of this machine, or on a Dask cluster."""

from __future__ import annotations

import os
import signal
import time
import warnings
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import closing
from dataclasses import dataclass
from threading import Thread
from typing import Any

from tqdm import tqdm

from experiments.errors import UserError
from experiments.sweeps.store import RunStore
from experiments.training.configuration import Configuration
from experiments.training.inputs import Inputs
from experiments.training.learners import learner_on
from experiments.training.train import train
from kernels.errors import KernelError

CONNECT_SECONDS = 10  # until a Dask scheduler, and a first worker, must have answered
_START_AGAIN = "finished runs are kept, and the same command goes on"


@dataclass(frozen=True)
class Workers:
    """Who computes: ``jobs`` processes here (-1: one per core), or the cluster at ``dask``.

    Raises:
        UserError: for any other number of processes below 1.
    """

    jobs: int = -1
    dask: str | None = None
    """Address of a Dask scheduler, such as tcp://10.0.0.1:8786."""

    def __post_init__(self) -> None:
        if self.jobs < 1 and self.jobs != -1:
            raise UserError(f"--jobs {self.jobs}: name 1 or more processes, or -1: one per core")


Result = tuple[str, dict[str, Any], float]
Results = Generator[Result, None, None]


def run_sweep(
    configurations: Sequence[Configuration], inputs: Inputs, store: RunStore, workers: Workers
) -> list[dict[str, Any]]:
    """The records of all configurations, in their order; only missing runs are computed.

    Each record is in the store's file as soon as its run has ended, so that a sweep that is
    interrupted goes on where it stood.

    Raises:
        UserError: when a configuration does not fit the inputs (before any run starts), a run
            fails, a worker dies, or the cluster cannot be reached.
        KeyboardInterrupt: with a line that says what is kept.
    """
    wanted = {}
    keys = []
    for configuration in map(inputs.fitted, configurations):
        keys.append(configuration.key(inputs.identity))
        wanted[keys[-1]] = configuration
    if not store.records.keys() >= wanted.keys():
        try:
            with store.open_to_append():
                _compute(wanted, inputs, store, workers)
        except KeyboardInterrupt as interrupt:
            kept = len(wanted.keys() & RunStore(store.path).records.keys())
            raise KeyboardInterrupt(
                f"{kept:,} of {len(wanted):,} runs are in {store.path}; the same command goes on"
            ) from interrupt
    return [store.records[key] for key in keys]


def _compute(
    wanted: Mapping[str, Configuration], inputs: Inputs, store: RunStore, workers: Workers
) -> None:
    missing = {k: c for k, c in wanted.items() if k not in store.records}
    done = len(wanted) - len(missing)
    compute = _in_processes if workers.dask is None else _on_cluster
    with (
        tqdm(total=len(wanted), initial=done, unit=" runs", smoothing=0, disable=None) as bar,
        closing(compute(missing, inputs, workers)) as results,
    ):
        for key, record, seconds in results:
            store.add(key, record, seconds)
            bar.update()


def _in_processes(
    missing: Mapping[str, Configuration], inputs: Inputs, workers: Workers
) -> Results:
    """Results in the order in which runs end."""
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    here = os.getpid()
    tasks = (delayed(_run_for)(here, key, chosen, inputs) for key, chosen in missing.items())
    # With batches a run's record would wait for others; with shared memory (max_nbytes) a sweep
    # that is killed would leave files behind.
    jobs = min(workers.jobs, max(1, len(missing)))
    parallel = Parallel(jobs, return_as="generator_unordered", batch_size=1, max_nbytes=None)
    warnings.filterwarnings("ignore", ".* still being processed by the workers", module="joblib")
    try:
        yield from parallel(tasks)
    except TerminatedWorkerError as error:
        raise UserError(
            f"a worker process died (killed, or out of memory): {_START_AGAIN}; "
            "use fewer --jobs if memory was short"
        ) from error


def _on_cluster(missing: Mapping[str, Configuration], inputs: Inputs, workers: Workers) -> Results:
    """Results in the order in which runs end."""
    try:
        from distributed import Client, KilledWorker, as_completed
    except ImportError as error:
        raise UserError("--dask needs Dask: pip install 'priot[dask]'") from error
    where = f"--dask {workers.dask}"
    try:
        client = Client(workers.dask, timeout=CONNECT_SECONDS)
    except (OSError, ValueError, TypeError) as error:
        raise UserError(
            f"{where}: no Dask scheduler answers there; name one, such as tcp://10.0.0.1:8786"
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=CONNECT_SECONDS)
        except TimeoutError as error:
            raise UserError(f"{where}: the cluster has no workers; start some") from error
        try:
            shared = client.scatter(inputs, broadcast=True)
            futures = [
                client.submit(_run, key, chosen, shared, key=f"priot-{key}")
                for key, chosen in missing.items()
            ]
            for future in as_completed(futures):
                yield future.result()
        except KilledWorker as error:
            raise UserError(
                f"{where}: workers died of a run (killed, or out of memory): {_START_AGAIN}"
            ) from error
        except ImportError as error:
            raise UserError(
                f"{where}: a worker lacks a package ({error}); install the same priot there"
            ) from error
        except (OSError, CancelledError) as error:
            raise UserError(
                f"{where}: the scheduler or all of its workers are gone: {_START_AGAIN}"
            ) from error


def _run(key: str, configuration: Configuration, inputs: Inputs) -> Result:
    if configuration.key(inputs.identity) != key:
        raise UserError("a worker has another version of priot; install the same one everywhere")
    start = time.process_time()
    try:
        backend = "reference" if inputs.variant is None else "pico"
        record = train(configuration, inputs, learner_on(backend, variant=inputs.variant))
    except (UserError, KernelError) as error:
        settings = ", ".join(f"{name} {value}" for name, value in configuration.to_json().items())
        raise UserError(f"{error} (the run with {settings})") from error
    return key, record, time.process_time() - start


def _run_for(parent: int, key: str, configuration: Configuration, inputs: Inputs) -> Result:
    """``_run`` in a process of this machine, which shall end when ``parent`` does."""
    if os.getpid() != parent:
        _belong_to(parent)
    return _run(key, configuration, inputs)


_watching = False


def _belong_to(parent: int) -> None:
    """Leave Ctrl-C to the parent, and end once it is gone: nobody would take the results."""
    global _watching
    if not _watching:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        Thread(target=_end_after, args=(parent,), daemon=True).start()
        _watching = True


def _end_after(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
