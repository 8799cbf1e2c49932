"""How fast a training step runs on the simulator, against bare Unicorn and a real Pico."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import firmware_elf
from benchmarks.bare_unicorn import BareUnicorn
from experiments.datasets.mnist import mnist_sample
from experiments.datasets.transfer import Transfer, transfer_task
from experiments.device.costs import compared_methods
from experiments.device.host import Device
from experiments.device.simulator import simulated_pico
from experiments.pretraining.backbone import load_backbone
from experiments.training.train import starting_point
from kernels.methods import Method

REAL_TIME_HZ = 133_000_000
ROUNDS = 9
DEVICE_IMAGES = 3


def simulator_row(settings: Method) -> dict[str, Any]:
    """Simulated cycles per second against a real Pico, and time against bare Unicorn.

    Each round times both on the same images, one after the other; figures are medians of rounds.
    """
    task = _task(DEVICE_IMAGES)
    model, scales = starting_point(load_backbone(None), settings, task, seed=0)
    pico = simulated_pico(None)
    simulated = Device(pico, model, settings, scales)
    bare = Device(BareUnicorn(firmware_elf.TRAINER), model, settings, scales)
    _steps(simulated.step, task), _steps(bare.step, task)  # both translate the code beforehand
    speeds, overheads = [], []
    for _ in range(ROUNDS):
        before = pico.cycles
        simulated_seconds = _steps(simulated.step, task)
        bare_seconds = _steps(bare.step, task)
        speeds.append((pico.cycles - before) / simulated_seconds)
        overheads.append(simulated_seconds / bare_seconds)
    if simulated.model.state_hash() != bare.model.state_hash():
        raise RuntimeError("the simulator and bare Unicorn disagree: the figures are void")
    return {
        "benchmark": "simulated training step",
        "method": settings.label,
        "simulated_cycles_per_second": median(speeds),
        "real_time_factor": median(speeds) / REAL_TIME_HZ,
        "time_over_bare_unicorn": median(overheads),
    }


def rows() -> list[dict[str, Any]]:
    """One row for every method of the cost table."""
    return [*map(simulator_row, compared_methods())]


def _task(images: int) -> Transfer:
    return transfer_task(mnist_sample(), angle=30.0, images=images, test_images=0, seed=0)


def _steps(step: Callable[..., int], task: Transfer) -> float:
    """Seconds that one pass over the task's images takes."""
    start = time.perf_counter()
    for image, label in zip(task.images, task.labels, strict=True):
        step(image, int(label))
    return time.perf_counter() - start
