"""How fast a training step runs on the simulator, against bare Unicorn and a real Pico."""

from __future__ import annotations

from statistics import median
from typing import Any

from benchmarks.bare_unicorn import BareUnicorn
from benchmarks.errors import BenchmarkError
from benchmarks.timing import median_ratio, seconds
from benchmarks.training import Training, trainings
from priot import firmware_elf
from priot.experiments.clock import RATED_HZ
from priot.experiments.device.simulator import simulated_pico

IMAGES = 3  # a round


def rows(rounds: int) -> list[dict[str, Any]]:
    """One row for every method of the cost table."""
    return [_row(training, rounds) for training in trainings(IMAGES)]


def _row(training: Training, rounds: int) -> dict[str, Any]:
    pico = simulated_pico(None)
    simulated = training.device(pico)
    bare = training.device(BareUnicorn(firmware_elf.TRAINER))
    for device in (simulated, bare):  # both translate the code beforehand
        training.steps(device)
    cycles, here, there = [], [], []
    for _ in range(rounds):
        before = pico.cycles
        here.append(seconds(lambda: training.steps(simulated)))
        there.append(seconds(lambda: training.steps(bare)))
        cycles.append(pico.cycles - before)
    if simulated.model.state_hash() != bare.model.state_hash():
        raise BenchmarkError(f"{training.settings.label}: the simulator and bare Unicorn disagree")
    speed = median(count / time for count, time in zip(cycles, here, strict=True))
    return {
        "case": training.settings.label,
        "simulated_cycles_per_second": speed,
        "real_time_factor": speed / RATED_HZ,
        "time_over_bare_unicorn": median_ratio(here, there),
    }
