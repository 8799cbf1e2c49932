"""Who notices when a pin changes, so that devices make edges only where somebody does."""

from __future__ import annotations

from typing import Any

import numpy as np

from priot.sim.cpu.native import native
from priot.sim.cpu.state import Chip
from priot.sim.devices.pins import OWNERS, PWM_INPUTS_AT, Bank, Input
from priot.sim.devices.pio.registers import PIO_ON

_PINS, _DEVICES_ON = int(Chip.PINS), int(Chip.DEVICES_ON)
_LOGGED, _WATCHED = _PINS + int(Bank.LOGGED), _PINS + int(Bank.WATCHED)
_WANTED, _EVENTS = _PINS + int(Bank.WANTED), 4 * OWNERS
_WIRES, _WIRE = _PINS + int(Bank.WIRES), _PINS + int(Bank.WIRE)
_COUNTED = int(Chip.PWM) + PWM_INPUTS_AT + int(Input.WATCHED)


@native
def is_observed(chip: Any, pins: Any) -> Any:
    """Whether somebody notices when one of these GPIOs changes: a log, PIO, the PWM's counters,
    an interrupt, a wire, or Python."""
    if chip[_LOGGED] or chip[_DEVICES_ON] & PIO_ON or chip[_COUNTED]:
        return pins != 0
    observed = chip[_WATCHED]
    for event in range(_EVENTS):
        observed |= chip[_WANTED + event]
    for wire in range(chip[_WIRES]):
        observed |= chip[_WIRE + wire]
    return pins & observed != np.int64(0)
