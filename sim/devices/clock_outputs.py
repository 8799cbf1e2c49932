"""Clock outputs: CLK_GPOUT0 to 3 at GPIO 21, 23, 24 and 25. RP2040 datasheet, 2.15 and 2.19.2.

An output is not stepped: its level follows from the half periods that have passed, as
priot.sim.peripherals.clock_outputs tells how to count them. It is seen at cycles of clk_sys, so of
a clock above half of that what an observer as slow would see.
"""

from __future__ import annotations

from enum import IntEnum, auto
from typing import Any

import numpy as np

from priot.sim.cpu.native import native
from priot.sim.cpu.state import CLOCK_OUTPUTS_SIZE, NEVER, Chip
from priot.sim.devices.observers import is_observed
from priot.sim.devices.pins import Bank, drive_pins

OUTPUTS = 4
CLOCK_OUTPUTS_ON = 8  # of DEVICES_ON
CLOCK_FUNCTION = 8
_GPIOS = 1 << 21 | 1 << 23 | 1 << 24 | 1 << 25


class Output(IntEnum):
    """Places of an output: as in timebase.Line, for half periods."""

    BASE = 0
    START = auto()
    STEP = auto()  # 0: no clock, and low
    SINCE = auto()
    SCALE = auto()
    SIZE = auto()


SEEN_AT = OUTPUTS * int(Output.SIZE)  # behind the outputs: the cycle whose levels the pins have
assert SEEN_AT < CLOCK_OUTPUTS_SIZE
_AT, _SIZE = int(Chip.CLOCK_OUTPUTS), int(Output.SIZE)
_BASE, _START, _STEP = int(Output.BASE), int(Output.START), int(Output.STEP)
_SINCE, _SCALE = int(Output.SINCE), int(Output.SCALE)
_SEEN, _PINS = _AT + SEEN_AT, int(Chip.PINS)
_GIVEN = _PINS + int(Bank.FUNCTION) + CLOCK_FUNCTION


@native
def advance_clock_outputs(core: Any, other: Any, chip: Any, now: Any) -> Any:
    """Let the pins have the levels of a cycle; the cycle of the next edge that somebody notices."""
    chip[_SEEN] = now
    if chip[_GIVEN] & _GPIOS == 0:
        return np.int64(NEVER)
    out = np.int64(0)
    for number in range(OUTPUTS):
        if _halves(chip, _AT + _SIZE * number, now) & 1:
            out |= np.int64(1) << (21 if number == 0 else 22 + number)
    drive_pins(core, other, chip, _PINS, CLOCK_FUNCTION, out, np.int64(_GPIOS), now)
    return next_edge(chip)


@native
def next_edge(chip: Any) -> Any:
    """The first cycle behind the one seen in which an output does what somebody notices."""
    first = np.int64(NEVER)
    if not is_observed(chip, chip[_GIVEN] & _GPIOS):
        return first
    for number in range(OUTPUTS):
        at = _AT + _SIZE * number
        step = chip[at + _STEP]
        if step:
            halves = _halves(chip, at, chip[_SEEN]) + 1 - chip[at + _BASE]
            missing = halves * chip[at + _SCALE] - chip[at + _START]
            first = min(first, chip[at + _SINCE] + (missing + step - 1) // step)
    return first


@native
def _halves(chip: Any, at: Any, now: Any) -> Any:
    """Half periods until a cycle; an even number without a clock."""
    step = chip[at + _STEP]
    if step == 0:
        return np.int64(0)
    passed = chip[at + _START] + step * (now - chip[at + _SINCE])
    return chip[at + _BASE] + passed // chip[at + _SCALE]
