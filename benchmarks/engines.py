"""The core of our own: against Unicorn, with both cores on the bus, where a program polls, and
beside state machines of PIO."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from benchmarks.errors import BenchmarkError
from benchmarks.timing import median_ratio, seconds
from benchmarks.training import Training, training
from priot import firmware_elf
from priot.experiments.clock import RATED_HZ
from priot.experiments.device.variants import Variant
from priot.kernels.methods import method
from priot.sim import Engine, Pico
from priot.sim.loading import bin as raw

IMAGES = 8  # a round
POLLED_CYCLES = 8_000_000
# ldr r0, =0x40054000 (TIMER); again: eight times ldr r1, [r0, #0x28] (TIMERAWL); b again
_POLLS = (0x4804, *(0x6A81,) * 8, 0xE7F6, 0, 0, 0x4000, 0x4005)
# ldr r0, =0x40044070 (IC_STATUS); again: ldr r1, [r0, #0x10]; ldr r1, [r0]; ldr r1, [r0, #8];
# b again: as the SDK's i2c_read_blocking reads IC_TX_ABRT_SOURCE, a status and IC_RXFLR
_POLLS_IN_TURN = (0x4802, 0x6901, 0x6801, 0x6881, 0xE7FB, 0, 0x4070, 0x4004)
_RESETS, _IO_BANK0, _PIO0 = 0x4000_C000, 0x4001_4000, 0x5020_0000
_SET_1, _SET_0 = 0xE001, 0xE000  # set pins, 1; set pins, 0
_PIO_CYCLES = 20_000_000


def rows(rounds: int) -> list[dict[str, Any]]:
    """A step of PRIOT on both engines and on both cores, and reads of a register."""
    of = training(method("priot"), IMAGES)
    return [
        *(_compared(of, variant, rounds) for variant in (Variant.PLAIN, Variant.FAST)),
        _both_cores(of, rounds),
        _polling("TIMER", _POLLS, 8, rounds),
        _polling("three of I2C in turn", _POLLS_IN_TURN, 3, rounds),
        *(_machines(count, rounds) for count in (1, 4)),
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


def _polling(what: str, loop: Sequence[int], reads_of_a_turn: int, rounds: int) -> dict[str, Any]:
    image = b"".join(halfword.to_bytes(2, "little") for halfword in loop)
    pico = Pico(raw.parse(image, base=0x2000_0000))
    pico.run(POLLED_CYCLES)
    times = [seconds(lambda: pico.run(POLLED_CYCLES)) for _ in range(rounds)]
    name = f"reads of {what}"
    row = _row(name, POLLED_CYCLES / median(times), None)
    cycles = reads_of_a_turn * 4 + 2  # of a turn: each read takes two cycles and two of the APB
    reads = POLLED_CYCLES * reads_of_a_turn / cycles / median(times)
    return row | {"case": f"{name}, {reads / 1e6:.1f} million a second"}


def _machines(count: int, rounds: int) -> dict[str, Any]:
    """State machines that toggle a pin each in every cycle, while a core spins."""
    stores = [(_RESETS, 0), (_PIO0 + 0x48, _SET_1), (_PIO0 + 0x4C, _SET_0)]
    for number in range(count):
        registers = _PIO0 + 0xC8 + 0x18 * number
        stores += [(registers + 0x14, 1 << 26 | number << 5), (registers + 4, 1 << 12)]
        stores += [(registers + 0x10, 0xE081), (_IO_BANK0 + 4 + 8 * number, 6)]
    stores.append((_PIO0, (1 << count) - 1))
    pico = Pico(raw.parse(_storing(stores), base=0x2000_0000))
    pico.run(_PIO_CYCLES)
    times = [seconds(lambda: pico.run(_PIO_CYCLES)) for _ in range(rounds)]
    name = "a machine of PIO" if count == 1 else f"{count} machines of PIO"
    return _row(f"{name} at full clock", _PIO_CYCLES / median(times), None)


def _storing(stores: list[tuple[int, int]]) -> bytes:
    """A program that stores words at addresses, and then spins.

    adr r2, list; again: ldmia r2!, {r0, r1}; cmp r0, #0; beq .; str r1, [r0]; b again
    """
    code = (0xA202, 0xCA03, 0x2800, 0xD0FE, 0x6001, 0xE7FA)
    image = b"".join(halfword.to_bytes(2, "little") for halfword in code)
    words = [word for store in (*stores, (0, 0)) for word in store]
    return image + b"".join(word.to_bytes(4, "little") for word in words)


def _row(case: str, speed: float, ratio: float | None) -> dict[str, Any]:
    return {
        "case": case,
        "simulated_cycles_per_second": speed,
        "real_time_factor": speed / RATED_HZ,
        "times_as_fast_as_unicorn": "" if ratio is None else ratio,
    }
