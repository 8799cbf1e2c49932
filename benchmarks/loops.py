"""Programs without an end, in SRAM: a core that polls registers, and one that spins beside PIO."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from priot.sim.loading import bin as raw
from priot.sim.loading.elf import Program
from priot.sim.memory_map import SRAM

# ldr r0, =0x40054000 (TIMER); again: eight times ldr r1, [r0, #0x28] (TIMERAWL); b again
_TIMER = (0x4804, *(0x6A81,) * 8, 0xE7F6, 0, 0, 0x4000, 0x4005)
# ldr r0, =0x40044070 (IC_STATUS); again: ldr r1, [r0, #0x10]; ldr r1, [r0]; ldr r1, [r0, #8];
# b again: as the SDK's i2c_read_blocking reads IC_TX_ABRT_SOURCE, a status and IC_RXFLR
_I2C = (0x4802, 0x6901, 0x6801, 0x6881, 0xE7FB, 0, 0x4070, 0x4004)
_RESETS, _IO_BANK0, _PIO0 = 0x4000_C000, 0x4001_4000, 0x5020_0000
_SET_1, _SET_0 = 0xE001, 0xE000  # set pins, 1; set pins, 0


class Loop(NamedTuple):
    """A program that goes on for ever."""

    case: str
    program: Program
    reads: float = 0.0
    """Of registers, in a cycle of a Pico."""


def loops() -> list[Loop]:
    """Polls of TIMER and of I2C; one and four state machines of PIO at full clock."""
    polls = [("TIMER", _TIMER, 8), ("three of I2C in turn", _I2C, 3)]
    return [
        *(
            # each read takes two cycles and two of the APB; a branch takes two
            Loop(f"reads of {what}", _program(_bytes(code)), reads / (reads * 4 + 2))
            for what, code, reads in polls
        ),
        Loop("a machine of PIO at full clock", _machines(1)),
        Loop("4 machines of PIO at full clock", _machines(4)),
    ]


def _machines(count: int) -> Program:
    """State machines that toggle a pin each in every cycle, while a core spins."""
    stores = [(_RESETS, 0), (_PIO0 + 0x48, _SET_1), (_PIO0 + 0x4C, _SET_0)]
    for number in range(count):
        registers = _PIO0 + 0xC8 + 0x18 * number
        stores += [(registers + 0x14, 1 << 26 | number << 5), (registers + 4, 1 << 12)]
        stores += [(registers + 0x10, 0xE081), (_IO_BANK0 + 4 + 8 * number, 6)]
    stores.append((_PIO0, (1 << count) - 1))
    return _storing(stores)


def _storing(stores: list[tuple[int, int]]) -> Program:
    """A program that stores words at addresses, and then spins.

    adr r2, list; again: ldmia r2!, {r0, r1}; cmp r0, #0; beq .; str r1, [r0]; b again
    """
    code = _bytes((0xA202, 0xCA03, 0x2800, 0xD0FE, 0x6001, 0xE7FA))
    words = [word for store in (*stores, (0, 0)) for word in store]
    return _program(code + b"".join(word.to_bytes(4, "little") for word in words))


def _bytes(code: Sequence[int]) -> bytes:
    return b"".join(halfword.to_bytes(2, "little") for halfword in code)


def _program(image: bytes) -> Program:
    return raw.parse(image, base=SRAM.base)
