"""Carries out many runs: in processes of this machine, or on a Dask cluster."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from joblib import Parallel, delayed
from joblib.externals.loky.process_executor import TerminatedWorkerError
from tqdm import tqdm

from experiments.configuration import Configuration
from experiments.errors import UserError
from experiments.inputs import Inputs
from experiments.sweeps.store import RunStore
from experiments.train import train


@dataclass(frozen=True)
class Workers:
    """Who computes: ``jobs`` processes here (-1: one per core), or the cluster at ``dask``."""

    jobs: int = -1
    dask: str | None = None
    """Address of a Dask scheduler, such as tcp://10.0.0.1:8786."""


def run_sweep(
    configurations: Sequence[Configuration], inputs: Inputs, store: RunStore, workers: Workers
) -> list[dict[str, Any]]:
    """The records of all configurations, in their order; only missing runs are computed.

    Each record is in the store's file as soon as its run has ended, so that a sweep that is
    interrupted goes on where it stood.

    Raises:
        UserError: when a configuration does not fit the inputs, a worker dies, or the cluster
            cannot be reached.
    """
    keys = [configuration.key(inputs.hashes) for configuration in configurations]
    wanted = dict(zip(keys, configurations, strict=True))
    if not store.records.keys() >= wanted.keys():
        with store.open_to_append():
            missing = {k: c for k, c in wanted.items() if k not in store.records}
            done = len(wanted) - len(missing)
            with tqdm(total=len(wanted), initial=done, unit=" runs", disable=None) as bar:
                for key, record, seconds in _results(missing, inputs, workers):
                    store.add(key, record, seconds)
                    bar.update()
    return [store.records[key] for key in keys]


Result = tuple[str, dict[str, Any], float]


def _results(
    missing: dict[str, Configuration], inputs: Inputs, workers: Workers
) -> Iterator[Result]:
    """Results in the order in which runs end."""
    if workers.dask is not None:
        yield from _on_cluster(missing, inputs, workers.dask)
        return
    tasks = (delayed(_run)(key, configuration, inputs) for key, configuration in missing.items())
    try:
        yield from Parallel(workers.jobs, return_as="generator_unordered")(tasks)
    except TerminatedWorkerError as error:
        raise UserError(
            "a worker process died (out of memory, or killed); finished runs are kept: "
            "start again, with fewer --jobs if memory was short"
        ) from error


def _on_cluster(
    missing: dict[str, Configuration], inputs: Inputs, address: str
) -> Iterator[Result]:
    try:
        from dask.distributed import Client, as_completed
    except ImportError as error:
        raise UserError("--dask needs Dask: pip install 'priot[dask]'") from error
    try:
        client = Client(address, timeout=20)
    except (OSError, ValueError) as error:
        raise UserError(f"--dask {address}: no Dask scheduler answers there ({error})") from error
    with client:
        shared = client.scatter(inputs, broadcast=True)
        futures = [
            client.submit(_run, key, configuration, shared, key=f"priot-{key}", pure=False)
            for key, configuration in missing.items()
        ]
        for future in as_completed(futures):
            yield future.result()


def _run(key: str, configuration: Configuration, inputs: Inputs) -> Result:
    start = time.process_time()
    record = train(configuration, inputs)
    return key, record, time.process_time() - start
