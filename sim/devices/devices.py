"""All devices that are native: how accesses reach them, and how their time passes.

A device is not stepped with the cores. It is brought up to the present at every access to a
register, and at `DEVICES_AT`, the cycle at which it next does what a core could notice.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.cpu.native import native
from sim.cpu.state import Chip
from sim.devices.pio.machines import advance_pio
from sim.devices.pio.registers import clears_pio, is_pio, peek_pio, read_pio, write_pio

NOT_HERE = -1 << 62
_ALIAS = 0x3000
_XOR, _SET = 0x1000, 0x2000
_AT, _PIO_AT = int(Chip.DEVICES_AT), int(Chip.PIO_AT)


@native
def advance_devices(core: Any, other: Any, chip: Any, words: Any, now: Any) -> None:
    """Bring all devices up to a cycle."""
    advance_pio(core, other, chip, now)
    chip[_AT] = chip[_PIO_AT]


@native
def _peek(chip: Any, address: Any) -> Any:
    """The register at an address, without effect on it; NOT_HERE for others."""
    if is_pio(address):
        return peek_pio(chip, address, NOT_HERE)
    return np.int64(NOT_HERE)


@native
def _clears(address: Any) -> Any:
    """Of the register at an address: the bits that a written 1 clears."""
    return clears_pio(address) if is_pio(address) else np.int64(0)


@native
def read_device(core: Any, other: Any, chip: Any, now: Any, address: Any) -> Any:
    """Read the register at an address; NOT_HERE for others."""
    plain = address & ~_ALIAS
    if is_pio(plain):
        return read_pio(core, other, chip, now, plain, NOT_HERE)
    return np.int64(NOT_HERE)


@native
def _write(core: Any, other: Any, chip: Any, now: Any, address: Any, value: Any) -> Any:
    if is_pio(address):
        return write_pio(core, other, chip, now, address, value, NOT_HERE)
    return np.int64(NOT_HERE)


@native
def write_device(core: Any, other: Any, chip: Any, now: Any, address: Any, value: Any) -> Any:
    """Write the register at an address or one of its aliases; NOT_HERE for others."""
    alias = address & _ALIAS
    plain = address & ~_ALIAS
    if alias:
        before = _peek(chip, plain)
        if before == NOT_HERE:
            return before
        if alias == _XOR:
            value ^= before
        elif alias == _SET:
            value |= before
        else:
            clears = _clears(plain)
            value = before & ~value & ~clears | value & clears
    return _write(core, other, chip, now, plain, value)
