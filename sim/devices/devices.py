"""All devices that are native: how accesses reach them, and how their time passes.

A device is not stepped with the cores. It is brought up to the present at every access to a
register, and at `DEVICES_AT`, the cycle at which it next does what a core could notice.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.cpu.native import native
from sim.cpu.state import NEVER, Chip

NOT_HERE = -1 << 62
_ALIAS = 0x3000
_XOR, _SET = 0x1000, 0x2000
_AT, _ON = int(Chip.DEVICES_AT), int(Chip.DEVICES_ON)


@native
def advance_devices(core: Any, other: Any, chip: Any, words: Any, now: Any) -> None:
    """Bring all devices up to a cycle."""
    chip[_AT] = NEVER


@native
def _peek(chip: Any, address: Any) -> Any:
    """The register at an address, without effect on it; NOT_HERE for others."""
    return np.int64(NOT_HERE)


@native
def read_device(core: Any, other: Any, chip: Any, now: Any, address: Any) -> Any:
    """Read the register at an address; NOT_HERE for others."""
    return _peek(chip, address & ~_ALIAS)


@native
def _write(core: Any, other: Any, chip: Any, now: Any, address: Any, value: Any) -> Any:
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
            value = before & ~value
    return _write(core, other, chip, now, plain, value)
