"""The core of our own: against Unicorn, with both cores on the bus, where a program polls, and
beside state machines of PIO."""

from __future__ import annotations

from statistics import median
from typing import Any

from benchmarks.errors import BenchmarkError
from benchmarks.loops import Loop, loops
from benchmarks.timing import median_ratio, seconds
from benchmarks.training import Training, training
from priot import firmware_elf
from priot.experiments.clock import RATED_HZ
from priot.experiments.device.variants import Variant
from priot.kernels.methods import method
from priot.sim import Engine, Pico

IMAGES = 8  # a round
LOOP_CYCLES = 10_000_000


def rows(rounds: int) -> list[dict[str, Any]]:
    """A step of PRIOT on both engines and on both cores, and reads of a register."""
    of = training(method("priot"), IMAGES)
    return [
        *(_compared(of, variant, rounds) for variant in (Variant.PLAIN, Variant.FAST)),
        _both_cores(of, rounds),
        *(_looping(loop, rounds) for loop in loops()),
    ]


def _compared(of: Training, variant: Variant, rounds: int) -> dict[str, Any]:
    picos = [Pico(firmware_elf.TRAINERS[variant], engine=engine) for engine in Engine]
    devices = [of.device(pico, variant) for pico in picos]
    for device in devices:
        of.steps(device)  # compiles, and translates
    times: list[list[float]] = [[], []]
    cycles = []
    for _ in range(rounds):
        before = picos[0].cycles
        for device, taken in zip(devices, times, strict=True):
            taken.append(seconds(lambda device=device: of.steps(device)))  # type: ignore[misc]
        cycles.append(picos[0].cycles - before)
    if devices[0].model.state_hash() != devices[1].model.state_hash():
        raise BenchmarkError(f"{variant}: the engines disagree")
    own, unicorn = times
    speed = median(count / time for count, time in zip(cycles, own, strict=True))
    return _row(f"step, {variant}", speed, median_ratio(unicorn, own))


def _both_cores(of: Training, rounds: int) -> dict[str, Any]:
    pico = Pico(firmware_elf.TRAINERS[Variant.DUAL])
    device = of.device(pico, Variant.DUAL)
    of.steps(device)
    speeds = []
    for _ in range(rounds):
        before = pico.cycles
        time = seconds(lambda: of.steps(device))
        speeds.append((pico.cycles - before) / time)
    return _row("step, both cores", median(speeds), None)


def _looping(loop: Loop, rounds: int) -> dict[str, Any]:
    pico = Pico(loop.program)
    pico.run(LOOP_CYCLES)
    times = [seconds(lambda: pico.run(LOOP_CYCLES)) for _ in range(rounds)]
    speed = LOOP_CYCLES / median(times)
    reads = f", {loop.reads * speed / 1e6:.1f} million a second" if loop.reads else ""
    return _row(loop.case + reads, speed, None)


def _row(case: str, speed: float, ratio: float | None) -> dict[str, Any]:
    return {
        "case": case,
        "simulated_cycles_per_second": speed,
        "real_time_factor": speed / RATED_HZ,
        "times_as_fast_as_unicorn": "" if ratio is None else ratio,
    }
