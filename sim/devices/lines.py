"""Lines of UARTs, SPI and I2C at the pins: what their controllers have planned comes in its cycle.

A controller in Python (priot.sim.peripherals.serial_lines) knows at the beginning of a word what it
will do to its pins until the end, and leaves that here. Nothing of UART, SPI or I2C is known here.
"""

from __future__ import annotations

from enum import IntEnum, auto
from typing import Any

import numpy as np

from priot.sim.cpu.native import native
from priot.sim.cpu.state import LINES_SIZE, NEVER, Chip
from priot.sim.devices.pins import Bank, drive_pins

LINES_ON = 16  # of DEVICES_ON
PLANS = 6  # one for each controller
DEPTH = 64  # of a plan: a word of 25 bits in Microwire's format has 54 changes


class Plan(IntEnum):
    """Places of what a controller has planned."""

    FUNCTION = 0
    PINS = auto()  # all that are its own
    HEAD = auto()  # the next change
    COUNT = auto()
    CHANGES = auto()  # a ring: cycle, levels and output enables of each
    SIZE = CHANGES + 3 * DEPTH  # type: ignore[operator]


assert PLANS * Plan.SIZE <= LINES_SIZE
_AT, _SIZE, _CHANGES = int(Chip.SERIAL_LINES), int(Plan.SIZE), int(Plan.CHANGES)
_FUNCTION, _PINS, _HEAD, _COUNT = (
    *(int(Plan.FUNCTION), int(Plan.PINS), int(Plan.HEAD), int(Plan.COUNT)),
)
_BANK, _OUT, _ENABLE = int(Chip.PINS), int(Bank.OUT), int(Bank.ENABLE)
_DEVICES_ON, _OFF = int(Chip.DEVICES_ON), ~LINES_ON


@native
def _next_plan(chip: Any) -> Any:
    """The plan with the earliest change, or -1."""
    plan, first = np.int64(-1), np.int64(NEVER)
    for number in range(PLANS):
        at = _AT + _SIZE * number
        if chip[at + _COUNT] and chip[at + _CHANGES + 3 * chip[at + _HEAD]] < first:
            plan, first = np.int64(at), chip[at + _CHANGES + 3 * chip[at + _HEAD]]
    return plan


@native
def next_change(chip: Any) -> Any:
    """The cycle of the next change."""
    plan = _next_plan(chip)
    return np.int64(NEVER) if plan < 0 else chip[plan + _CHANGES + 3 * chip[plan + _HEAD]]


@native
def advance_lines(core: Any, other: Any, chip: Any, now: Any) -> Any:
    """Do what was planned up to a cycle; the cycle of the next change."""
    while True:
        plan = _next_plan(chip)
        if plan < 0:
            chip[_DEVICES_ON] &= _OFF
            return np.int64(NEVER)
        change = plan + _CHANGES + 3 * chip[plan + _HEAD]
        if chip[change] > now:
            return chip[change]
        chip[plan + _HEAD] = (chip[plan + _HEAD] + 1) % DEPTH
        chip[plan + _COUNT] -= 1
        show(core, other, chip, plan, chip[change + 1], chip[change + 2], chip[change])


@native
def show(core: Any, other: Any, chip: Any, plan: Any, out: Any, enable: Any, now: Any) -> None:
    """Levels and output enables of a controller's pins; the others of its function stay."""
    function, pins = chip[plan + _FUNCTION], chip[plan + _PINS]
    out = chip[_BANK + _OUT + function] & ~pins | out & pins
    enable = chip[_BANK + _ENABLE + function] & ~pins | enable & pins
    drive_pins(core, other, chip, _BANK, function, out, enable, now)
