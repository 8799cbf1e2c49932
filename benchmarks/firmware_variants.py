"""The plain firmware against the fast one: cycles on the chip, and time on the simulator."""

from __future__ import annotations

from typing import Any

from benchmarks.errors import BenchmarkError
from benchmarks.timing import median_ratio, seconds
from benchmarks.training import Training, trainings
from priot.experiments.device.simulator import simulated_pico
from priot.experiments.device.variants import ON_ONE_CORE, Variant

IMAGES = 32  # those of priot costs


def rows(rounds: int) -> list[dict[str, Any]]:
    """One row for every method of the cost table."""
    return [_row(training, rounds) for training in trainings(IMAGES)]


def _row(training: Training, rounds: int) -> dict[str, Any]:
    """Cycles are exact: those of the first pass over the images, which is not timed."""
    picos = {variant: simulated_pico(None, variant) for variant in ON_ONE_CORE}
    devices = {variant: training.device(pico, variant) for variant, pico in picos.items()}
    cycles = {}
    for variant, device in devices.items():
        before = picos[variant].cycles
        training.steps(device)
        cycles[variant] = (picos[variant].cycles - before) / IMAGES
    times: dict[Variant, list[float]] = {variant: [] for variant in ON_ONE_CORE}
    for _ in range(rounds):
        for variant, device in devices.items():
            times[variant].append(seconds(lambda device=device: training.steps(device)))  # type: ignore[misc]
    if len({device.model.state_hash() for device in devices.values()}) > 1:
        raise BenchmarkError(f"{training.settings.label}: the two variants disagree")
    plain, fast = Variant.PLAIN, Variant.FAST
    return {
        "case": training.settings.label,
        "plain_cycles_per_image": cycles[plain],
        "fast_cycles_per_image": cycles[fast],
        "fast_over_plain_cycles": cycles[fast] / cycles[plain],
        "fast_over_plain_host_time": median_ratio(times[fast], times[plain]),
    }
