"""All devices that are native: how accesses reach them, and how their time passes.

A device is not stepped with the cores. It is brought up to the present at every access to a
register, and at `DEVICES_AT`, the cycle at which it next does what a core could notice.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.cpu.native import native
from sim.cpu.state import NEVER, PIN_LOG_SIZE, Chip
from sim.devices.dma import BASE as DMA_BASE
from sim.devices.dma import DMA_ON, clearing_bits_of_dma, peek_dma, write_dma
from sim.devices.pins import Bank
from sim.devices.pwm import BASE as PWM_BASE
from sim.devices.pwm import PWM_ON, advance_pwm, clearing_bits_of_pwm, peek_pwm, write_pwm
from sim.devices.transfers import advance_dma

NOT_HERE = -1 << 62
_DMA_PAGE, _PWM_PAGE = DMA_BASE >> 12, PWM_BASE >> 12
_ALIAS = 0x3000
_XOR, _SET = 0x1000, 0x2000
_AT, _ON, _SINCE = int(Chip.DEVICES_AT), int(Chip.DEVICES_ON), int(Chip.DEVICES_SINCE)
_LOGGED = int(Chip.PINS) + int(Bank.LOGGED)
# Cycles between two looks at a log that is emptied from a quarter on: the rest has room for them,
# and for an instruction whose words all miss the XIP cache.
_LOG_SPAN = PIN_LOG_SIZE // 8


@native
def _advance(core: Any, other: Any, chip: Any, words: Any, now: Any) -> None:
    at = np.int64(NEVER)
    if chip[_ON] & PWM_ON:
        at = advance_pwm(core, other, chip, now)
    if chip[_ON] & DMA_ON:
        at = min(at, advance_dma(core, other, chip, words, now))
    chip[_AT], chip[_SINCE] = at, now


@native
def advance_devices(core: Any, other: Any, chip: Any, words: Any, now: Any) -> None:
    """Bring all devices up to a cycle; where pins are logged, from event to event."""
    if chip[_LOGGED]:
        until = max(chip[_AT], chip[_SINCE] + 1)
        while until < now:
            _advance(core, other, chip, words, until)
            until = max(chip[_AT], until + 1)
    _advance(core, other, chip, words, now)
    if chip[_LOGGED] and chip[_ON]:
        chip[_AT] = min(chip[_AT], now + _LOG_SPAN)


@native
def _peek(chip: Any, address: Any) -> Any:
    """The register at an address, without effect on it; NOT_HERE for others."""
    if address >> 12 == _DMA_PAGE:
        return peek_dma(chip, address & 0xFFF)
    if address >> 12 == _PWM_PAGE:
        return peek_pwm(chip, address & 0xFFF)
    return np.int64(NOT_HERE)


@native
def _clearing_bits(address: Any) -> Any:
    """Of the register at an address: the bits that a written 1 clears."""
    if address >> 12 == _DMA_PAGE:
        return clearing_bits_of_dma(address & 0xFFF)
    return clearing_bits_of_pwm(address & 0xFFF) if address >> 12 == _PWM_PAGE else np.int64(0)


@native
def read_device(core: Any, other: Any, chip: Any, now: Any, address: Any) -> Any:
    """Read the register at an address; NOT_HERE for others."""
    return _peek(chip, address & ~_ALIAS)


@native
def _write(core: Any, other: Any, chip: Any, now: Any, address: Any, value: Any) -> Any:
    if address >> 12 == _DMA_PAGE:
        return write_dma(core, other, chip, now, address & 0xFFF, value)
    if address >> 12 == _PWM_PAGE:
        return write_pwm(core, other, chip, now, address & 0xFFF, value)
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
        # Bits that a written 1 clears: as on the Python side, sim.bus.
        clears = _clearing_bits(plain)
        cleared = (before | value if alias in (_XOR, _SET) else value) & clears
        if alias == _XOR:
            value ^= before
        elif alias == _SET:
            value |= before
        else:
            value = before & ~value
        value = value & ~clears | cleared
    return _write(core, other, chip, now, plain, value)
