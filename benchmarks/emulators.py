"""The same ELF files here and in rp2040js: speed, cycles, and the bytes that come out."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import Any

import firmware_elf
from benchmarks.rp2040js.machine import Rp2040js
from benchmarks.timing import REAL_TIME_HZ, median_ratio, seconds
from benchmarks.training import Training, training
from experiments.device.simulator import simulated_pico, trainer_elf
from experiments.device.variants import Variant
from kernels.methods import method
from sim import Pico
from sim.memory_map import SRAM
from sim.session import Console, Limits, run_session

PROGRAMS = {
    "workload, code in SRAM": "workload.no_flash",
    "workload, code in flash": "workload.default",
    "divider (tests itself), code in SRAM": "divider.no_flash",
}
IMAGES = 3  # a round
MAX_CYCLES = 10_000_000_000


class DifferenceError(RuntimeError):
    """The two emulators came to different results: the figures are void."""


def rows(rounds: int) -> list[dict[str, Any]]:
    """A row for each program, and for training by PRIOT with both variants of the firmware."""
    programs = [_program(case, name, rounds) for case, name in PROGRAMS.items()]
    priot = training(method("priot"), IMAGES)
    return [*programs, *(_training(priot, variant, rounds) for variant in Variant)]


def _program(case: str, name: str, rounds: int) -> dict[str, Any]:
    """A program from reset to its end; what it sends by UART0 has to be the same."""
    elf = firmware_elf.BUILT / f"{name}.elf"
    console = Console()
    pico = Pico(elf, uart=console.uart)
    with Rp2040js(elf) as other:

        def here() -> None:
            console.output.clear()
            pico.reset()
            run_session(pico, console, Limits())

        def there() -> None:
            other.reset()
            other.run(MAX_CYCLES)

        figures = _figures(case, pico, other, here, there, rounds)
        if console.output != other.output:
            raise DifferenceError(f"{case}: {bytes(console.output)!r} here, {other.output!r} there")
    return figures


def _training(training: Training, variant: Variant, rounds: int) -> dict[str, Any]:
    """Steps on images, sent as to any other target; all of SRAM has to be the same afterwards."""
    case = f"{training.settings.label}, {IMAGES} steps, {variant} firmware"
    pico = simulated_pico(None, variant)
    with Rp2040js(trainer_elf(variant)) as other:

        def here() -> None:
            pico.reset()
            training.steps(training.device(pico, variant))

        def there() -> None:
            other.reset()
            training.steps(training.device(other, variant))

        figures = _figures(case, pico, other, here, there, rounds)
        different = int((other.read(SRAM.base, "u1", SRAM.size) != pico.sram).sum())
        if different:
            raise DifferenceError(f"{case}: {different:,} bytes of SRAM differ")
    return figures


def _figures(
    case: str,
    pico: Pico,
    other: Rp2040js,
    here: Callable[[], None],
    there: Callable[[], None],
    rounds: int,
) -> dict[str, Any]:
    """Rounds of both in turn, after one that lets both compile.

    Each speed is in the emulator's own cycles. rp2040js is timed inside Node, without the way there.
    """
    here()
    there()
    times: list[float] = []
    other_times: list[float] = []
    for _ in range(rounds):
        times.append(seconds(here))
        there()
        other_times.append(other.seconds)
    speed = pico.cycles / median(times)
    other_speed = other.cycles / median(other_times)
    return {
        "case": case,
        "cycles": pico.cycles,
        "rp2040js_cycles": other.cycles,
        "rp2040js_over_our_cycles": other.cycles / pico.cycles,
        "cycles_per_second": speed,
        "rp2040js_cycles_per_second": other_speed,
        "real_time_factor": speed / REAL_TIME_HZ,
        "rp2040js_real_time_factor": other_speed / REAL_TIME_HZ,
        "times_as_fast_as_rp2040js": median_ratio(other_times, times),
    }
