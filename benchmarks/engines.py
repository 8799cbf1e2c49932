"""The core of our own: against Unicorn, with both cores on the bus, and where a program polls."""

from __future__ import annotations

from statistics import median
from typing import Any

import firmware_elf
from benchmarks.errors import BenchmarkError
from benchmarks.timing import median_ratio, seconds
from benchmarks.training import Training, training
from experiments.clock import RATED_HZ
from experiments.device.variants import Variant
from kernels.methods import method
from sim import Engine, Pico
from sim.loading import bin as raw

IMAGES = 8  # a round
POLLED_CYCLES = 8_000_000
# ldr r0, =0x40054000 (TIMER); again: eight times ldr r1, [r0, #0x28] (TIMERAWL); b again
_POLLS = (0x4804, *(0x6A81,) * 8, 0xE7F6, 0, 0, 0x4000, 0x4005)
_READS = 8
_CYCLES = _READS * 4 + 2  # of a turn: each read takes two cycles and two of the APB


def rows(rounds: int) -> list[dict[str, Any]]:
    """A step of PRIOT on both engines and on both cores, and reads of a register."""
    of = training(method("priot"), IMAGES)
    return [
        *(_compared(of, variant, rounds) for variant in (Variant.PLAIN, Variant.FAST)),
        _both_cores(of, rounds),
        _polling(rounds),
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


def _polling(rounds: int) -> dict[str, Any]:
    image = b"".join(halfword.to_bytes(2, "little") for halfword in _POLLS)
    pico = Pico(raw.parse(image, base=0x2000_0000))
    pico.run(POLLED_CYCLES)
    times = [seconds(lambda: pico.run(POLLED_CYCLES)) for _ in range(rounds)]
    row = _row("reads of TIMER", POLLED_CYCLES / median(times), None)
    reads = POLLED_CYCLES * _READS / _CYCLES / median(times)
    return row | {"case": f"reads of TIMER, {reads / 1e6:.1f} million a second"}


def _row(case: str, speed: float, ratio: float | None) -> dict[str, Any]:
    return {
        "case": case,
        "simulated_cycles_per_second": speed,
        "real_time_factor": speed / RATED_HZ,
        "times_as_fast_as_unicorn": "" if ratio is None else ratio,
    }
