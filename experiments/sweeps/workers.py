"""Carries out many runs of any kind: in processes of this machine, or on a Dask cluster."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import time
import warnings
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from threading import Thread
from typing import Any, Protocol, TypeVar

from priot.experiments.code import question_of
from priot.experiments.errors import UserError
from priot.experiments.progress import ProgressBar, duration
from priot.experiments.sweeps.store import RunStore
from priot.sim.interruption import interruptible

TOLD_SECONDS = 60  # of one core; what takes less begins without a word
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


Configuration = TypeVar("Configuration")
_Contra = TypeVar("_Contra", contravariant=True)


Record = TypeVar("Record")
_Co = TypeVar("_Co", covariant=True)


class Runs(Protocol[_Contra, _Co]):
    """A kind of runs, with what all of them read; it is sent to every process that computes."""

    def key(self, configuration: _Contra) -> str:
        """Of all that the run's record follows from, code included (priot.experiments.code)."""

    def run(self, configuration: _Contra) -> _Co:
        """Carry out a run and return its record, of one of the kinds that are KEPT."""

    def seconds(self, configuration: _Contra) -> float:
        """About how long a run takes on one core, for what is told beforehand."""


Result = tuple[str, Any, float]
Results = Generator[Result, None, None]


def carry_out(
    configurations: Sequence[Configuration],
    runs: Runs[Configuration, Record],
    store: RunStore,
    workers: Workers,
) -> list[Record]:
    """The records of all configurations, in their order; only missing runs are computed.

    Each record is in the store's file as soon as its run has ended, so that what is interrupted
    goes on where it stood.

    Raises:
        UserError: when a worker dies, or the cluster cannot be reached.
        Exception: whatever a run raises.
        KeyboardInterrupt: with a line that says what is kept.
    """
    keys = [runs.key(configuration) for configuration in configurations]
    wanted = dict(zip(keys, configurations, strict=True))
    if not store.records.keys() >= wanted.keys():
        try:
            with store.open_to_append():
                _compute(wanted, runs, store, workers)
        except KeyboardInterrupt as interrupt:
            kept = len(wanted.keys() & RunStore(store.path).records.keys())
            raise KeyboardInterrupt(
                f"{kept:,} of {len(wanted):,} runs are in {store.path}; the same command goes on"
            ) from interrupt
    return [store.records[key] for key in keys]


def _compute(
    wanted: Mapping[str, Configuration],
    runs: Runs[Configuration, Any],
    store: RunStore,
    workers: Workers,
) -> None:
    missing = {k: c for k, c in wanted.items() if k not in store.records}
    done = len(wanted) - len(missing)
    _announce(missing, len(wanted), runs, store, workers)
    compute = _in_processes if workers.dask is None else _on_cluster
    note = f"; finished ones are kept in {store.path}"
    with (
        ProgressBar(len(wanted), "runs", done, note=note) as bar,
        closing(compute(missing, runs, workers)) as results,
    ):
        for key, record, seconds in results:
            store.add(key, record, seconds)
            bar.update()


def _announce(
    missing: Mapping[str, Configuration],
    wanted: int,
    runs: Runs[Configuration, Any],
    store: RunStore,
    workers: Workers,
) -> None:
    """Say what begins and about how long it takes, where that is long, or why it is repeated."""
    others = {question_of(key) for key in store.records}
    if stale := sum(question_of(key) in others for key in missing):
        print(
            f"priot: {stale:,} of {wanted:,} runs are in {store.path} as other code made them, and "
            "are made anew",
            file=sys.stderr,
            flush=True,
        )
    seconds = sum(map(runs.seconds, missing.values()))
    if seconds < TOLD_SECONDS:
        return
    if workers.dask is None:
        jobs = min(os.cpu_count() or 1, len(missing)) if workers.jobs == -1 else workers.jobs
        where = f"on {jobs} process{'es' * (jobs > 1)}"
    else:
        where = "on the cluster, of one of its cores"
        jobs = 1
    print(
        f"priot: {len(missing):,} of {wanted:,} runs are not in {store.path} and begin now: some "
        f"{duration(seconds / jobs)} {where}",
        file=sys.stderr,
        flush=True,
    )


def _in_processes(
    missing: Mapping[str, Configuration], runs: Runs[Configuration, Any], workers: Workers
) -> Results:
    """Results in the order in which runs end."""
    from joblib import Parallel, delayed, effective_n_jobs
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    jobs = min(effective_n_jobs(workers.jobs), len(missing))
    if jobs <= 1:
        for key, chosen in missing.items():
            yield _run(key, chosen, runs)
        return
    # With batches a run's record would wait for others; with shared memory (max_nbytes) a sweep
    # that is killed would leave files behind. Tasks are small: what all runs read, megabytes of
    # images and weights, goes to each process once.
    parallel = Parallel(
        jobs,
        return_as="generator_unordered",
        batch_size=1,
        max_nbytes=None,
        initializer=_become_worker,
        initargs=(os.getpid(), pickle.dumps(runs)),
    )
    tasks = (delayed(_run_as_worker)(key, chosen) for key, chosen in missing.items())
    warnings.filterwarnings("ignore", ".* still being processed by the workers", module="joblib")
    try:
        with ExitStack() as stack:
            begun: list[Results] = []

            def begin() -> None:
                begun.append(stack.enter_context(closing(parallel(tasks))))  # ends processes too

            with _deaf_to_ctrl_c():
                interruptible(begin)
            yield from begun[0]
    except TerminatedWorkerError as error:
        raise UserError(
            f"a worker process died (killed, or out of memory): {_START_AGAIN}; "
            "use fewer --jobs if memory was short"
        ) from error


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Processes begun within do not hear Ctrl-C, from their first import on."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # which lets signals through as it begins
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _on_cluster(
    missing: Mapping[str, Configuration], runs: Runs[Configuration, Any], workers: Workers
) -> Results:
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
    warnings.filterwarnings("ignore", "Sending large graph")  # it holds what all runs read
    with client:
        try:
            client.wait_for_workers(1, timeout=CONNECT_SECONDS)
        except TimeoutError as error:
            raise UserError(f"{where}: the cluster has no workers; start some") from error
        try:
            # Made by a task, not scattered: what a worker that dies had of it is made anew.
            shared = client.submit(pickle.loads, pickle.dumps(runs), pure=False)
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


def _run(key: str, configuration: Configuration, runs: Runs[Configuration, Any]) -> Result:
    if runs.key(configuration) != key:
        raise UserError("a worker has another version of priot; install the same one everywhere")
    start = time.process_time()
    record = runs.run(configuration)
    return key, record, time.process_time() - start


_runs: Runs[Any, Any]  # of the runs of this process, once it is a worker


def _become_worker(parent: int, runs: bytes) -> None:
    """Take in what all runs read, leave Ctrl-C to ``parent``, and end once it is gone.

    Nobody would take the results then.
    """
    global _runs
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where it could not be held
    _runs = pickle.loads(runs)
    Thread(target=_end_after, args=(parent,), daemon=True).start()


def _run_as_worker(key: str, configuration: Any) -> Result:
    return _run(key, configuration, _runs)


def _end_after(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
