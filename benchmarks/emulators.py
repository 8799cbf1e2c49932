"""The same ELF files here and in rp2040js: speed, cycles, and the bytes that come out."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import Any

from benchmarks.errors import BenchmarkError
from benchmarks.loops import Loop, loops
from benchmarks.rp2040js.machine import Rp2040js
from benchmarks.timing import median_ratio, seconds
from benchmarks.training import Training, training
from priot import firmware_elf
from priot.experiments.clock import RATED_HZ
from priot.experiments.device.simulator import simulated_pico, trainer_elf
from priot.experiments.device.variants import ON_ONE_CORE, Variant
from priot.kernels.methods import method
from priot.sim import Pico
from priot.sim.memory_map import SRAM
from priot.sim.session import Console, Limits, run_session

PROGRAMS = {
    "workload, code in SRAM": "workload.no_flash",
    "workload, code in flash": "workload.default",
    "divider (tests itself), code in SRAM": "divider.no_flash",
}
IMAGES = 3  # a round
OURS, THEIRS = "priot", "rp2040js"
MAX_CYCLES = 1_000_000_000
LOOP_CYCLES = 2_000_000

Measured = tuple[int, float]
"""Cycles and seconds of one run."""


def rows(rounds: int) -> list[dict[str, Any]]:
    """Two rows for each program, each loop, and PRIOT with each variant of the firmware."""
    priot = training(method("priot"), IMAGES)
    cases = [
        *(_program(case, name, rounds) for case, name in PROGRAMS.items()),
        *(_loop(loop, rounds) for loop in loops()),
        *(_training(priot, variant, rounds) for variant in ON_ONE_CORE),
    ]
    return [row for rows in cases for row in rows]


def _program(case: str, name: str, rounds: int) -> list[dict[str, Any]]:
    """A program from reset to its end; what it sends by UART0 has to be the same."""
    elf = firmware_elf.BUILT / f"{name}.elf"
    console = Console()
    pico = Pico(elf, uart=console.uart)
    with Rp2040js(elf) as other:

        def here() -> Measured:
            console.output.clear()
            pico.reset()
            time = seconds(lambda: run_session(pico, console, Limits()))
            return pico.cycles, time

        def there() -> Measured:
            other.reset()
            other.run(MAX_CYCLES)
            return other.cycles, other.seconds

        rows = _rows(case, here, there, rounds)
        if console.output != other.output:
            raise BenchmarkError(f"{case}: {bytes(console.output)!r} here, {other.output!r} there")
    return rows


def _loop(loop: Loop, rounds: int) -> list[dict[str, Any]]:
    """As many cycles of a program without an end; PIO runs from the second run on."""
    pico = Pico(loop.program)
    with Rp2040js(loop.program) as other:

        def here() -> Measured:
            before = pico.cycles
            time = seconds(lambda: pico.run(LOOP_CYCLES))
            return pico.cycles - before, time

        def there() -> Measured:
            before = other.cycles, other.seconds
            other.run(LOOP_CYCLES)
            return other.cycles - before[0], other.seconds - before[1]

        return _rows(loop.case, here, there, rounds)


def _training(training: Training, variant: Variant, rounds: int) -> list[dict[str, Any]]:
    """Steps on images, sent as to any other target; all of SRAM has to be the same afterwards."""
    case = f"{training.settings.label}, {IMAGES} steps, {variant} firmware"
    pico = simulated_pico(None, variant)
    with Rp2040js(trainer_elf(variant)) as other:
        device, other_device = training.device(pico, variant), training.device(other, variant)

        def here() -> Measured:
            before = pico.cycles
            time = seconds(lambda: training.steps(device))
            return pico.cycles - before, time

        def there() -> Measured:
            before = other.cycles, other.seconds
            training.steps(other_device)
            return other.cycles - before[0], other.seconds - before[1]

        rows = _rows(case, here, there, rounds)
        different = int((other.read(SRAM.base, "u1", SRAM.size) != pico.sram).sum())
        if different:
            raise BenchmarkError(f"{case}: {different:,} bytes of SRAM differ")
    return rows


def _rows(
    case: str, here: Callable[[], Measured], there: Callable[[], Measured], rounds: int
) -> list[dict[str, Any]]:
    """A row for each emulator: cycles of a first run, in which both compile, and speeds of rounds.

    Speeds are in an emulator's own cycles. rp2040js is timed inside Node, without the way there.
    """
    runs = {OURS: here, THEIRS: there}
    cycles = {emulator: run()[0] for emulator, run in runs.items()}
    speeds: dict[str, list[float]] = {emulator: [] for emulator in runs}
    times: dict[str, list[float]] = {emulator: [] for emulator in runs}
    for _ in range(rounds):
        for emulator, run in runs.items():
            count, time = run()
            speeds[emulator].append(count / time)
            times[emulator].append(time)
    return [
        {
            "case": case,
            "emulator": emulator,
            "cycles": cycles[emulator],
            "cycles_over_ours": cycles[emulator] / cycles[OURS],
            "cycles_per_second": median(speeds[emulator]),
            "real_time_factor": median(speeds[emulator]) / RATED_HZ,
            "time_over_ours": median_ratio(times[emulator], times[OURS]),
        }
        for emulator in runs
    ]
