"""PWM: eight slices, each a counter with two compare levels. RP2040 datasheet, 4.5.

A slice is not stepped: how often it has counted follows from the time since it was looked at last,
or from what its B pin did meanwhile. Whatever divides by 0 divides by 256.
"""

from __future__ import annotations

from enum import IntEnum, auto
from typing import Any

import numpy as np

from priot.sim.cpu.lines import set_line
from priot.sim.cpu.native import native
from priot.sim.cpu.state import NEVER, PWM_SIZE, Chip
from priot.sim.devices.observers import is_observed
from priot.sim.devices.pins import (
    PWM_FUNCTION,
    PWM_INPUTS_AT,
    SLICES,
    Bank,
    Input,
    drive_pins,
)

BASE = 0x4005_0000
PWM_ON = 2  # of DEVICES_ON
NOT_HERE = -1 << 62
_IRQ = 4
_FIRST_DREQ = 24

# CSR
_EN, _PH_CORRECT, _A_INV, _B_INV, _PH_RET, _PH_ADV = 1, 1 << 1, 1 << 2, 1 << 3, 1 << 6, 1 << 7
_KEPT = 0x3F
_FREE, _LEVEL, _RISE, _FALL = 0, 1, 2, 3  # DIVMODE


class Slice(IntEnum):
    """Places of a slice."""

    CSR = 0
    DIV = auto()
    CTR = auto()
    CC = auto()
    TOP = auto()
    # What it counts with: taken over from CC and TOP when it wraps.
    LEVEL_A = auto()
    LEVEL_B = auto()
    WRAP = auto()
    FALLS = auto()  # phase-correct: whether it counts down
    SINCE = auto()  # the cycle when it was looked at last
    PHASE = auto()  # sixteenths of what is divided, since it counted last
    SIZE = auto()


class Pwm(IntEnum):
    """Places of what the slices share, behind those of the slices."""

    INTR = 0
    INTE = auto()
    INTF = auto()
    END = auto()


SHARED_AT = SLICES * int(Slice.SIZE)
assert SHARED_AT + Pwm.END <= PWM_INPUTS_AT
_AT, _SIZE = int(Chip.PWM), int(Slice.SIZE)
_SHARED, _INPUTS = _AT + SHARED_AT, _AT + PWM_INPUTS_AT
_CSR, _DIV, _CTR, _CC, _TOP = (
    *(int(Slice.CSR), int(Slice.DIV), int(Slice.CTR), int(Slice.CC), int(Slice.TOP)),
)
_LEVEL_A, _LEVEL_B, _WRAP = int(Slice.LEVEL_A), int(Slice.LEVEL_B), int(Slice.WRAP)
_FALLS, _SINCE, _PHASE = int(Slice.FALLS), int(Slice.SINCE), int(Slice.PHASE)
_INTR, _INTE, _INTF = (_SHARED + int(place) for place in (Pwm.INTR, Pwm.INTE, Pwm.INTF))
_ROSE, _FELL, _HIGH, _HIGH_SINCE, _IS_HIGH = (
    _INPUTS + int(place)
    for place in (Input.ROSE, Input.FELL, Input.HIGH, Input.HIGH_SINCE, Input.IS_HIGH)
)
_WATCHED = _INPUTS + int(Input.WATCHED)
_PINS = int(Chip.PINS)
_FUNCTION = _PINS + int(Bank.FUNCTION) + PWM_FUNCTION
_PIN_INPUTS = _PINS + int(Bank.INPUTS)
_DEVICES_AT, _DEVICES_ON = int(Chip.DEVICES_AT), int(Chip.DEVICES_ON)
_REQUESTS = int(Chip.DATA_REQUESTS)
_STRIDE = 0x14


@native
def drive_line(core: Any, other: Any, chip: Any, now: Any) -> None:
    """Request the interrupt of wraps."""
    level = (chip[_INTR] & chip[_INTE] | chip[_INTF]) != 0
    set_line(core, _IRQ, level, now)
    set_line(other, _IRQ, level, now)


@native
def _take_over(chip: Any, at: Any) -> None:
    chip[at + _LEVEL_A], chip[at + _LEVEL_B] = chip[at + _CC] & 0xFFFF, chip[at + _CC] >> 16
    chip[at + _WRAP] = chip[at + _TOP]


@native
def _until_turn(chip: Any, at: Any) -> Any:
    """Counts until the one that wraps or, phase-correct, turns it round. 4.5.2.1, 4.5.2.3."""
    count, top = chip[at + _CTR], chip[at + _WRAP]
    if chip[at + _FALLS]:
        return count + 1  # the step from 0 to 0
    return (top if count <= top else np.int64(0xFFFF)) - count + 1


@native
def _count(chip: Any, at: Any, number: Any, counts: Any) -> None:
    """Count so often."""
    while counts > 0:
        turn = _until_turn(chip, at)
        if counts < turn:
            chip[at + _CTR] += -counts if chip[at + _FALLS] else counts
            return
        counts -= turn
        if chip[at + _CSR] & _PH_CORRECT and not chip[at + _FALLS]:
            chip[at + _FALLS] = 1
            chip[at + _CTR] = min(chip[at + _WRAP], 0xFFFF)  # stays there for a count
            continue
        chip[at + _FALLS] = chip[at + _CTR] = 0
        _take_over(chip, at)
        chip[_INTR] |= 1 << number
        chip[_REQUESTS] |= np.int64(1) << _FIRST_DREQ + number


@native
def _divisor(chip: Any, at: Any) -> Any:
    """In sixteenths."""
    divisor = chip[at + _DIV]
    return divisor if divisor >= 16 else divisor + 0x1000


@native
def _units(chip: Any, at: Any, number: Any, now: Any) -> Any:
    """What the divider saw since the last look: cycles, cycles with B high, or edges."""
    mode = chip[at + _CSR] >> 4 & 3
    if mode == _FREE:
        units = now - chip[at + _SINCE]
    elif mode == _LEVEL:
        units = chip[_HIGH + number]
        if chip[_IS_HIGH] >> number & 1:
            units += now - chip[_HIGH_SINCE + number]
    else:
        units = chip[(_ROSE if mode == _RISE else _FELL) + number]
    _forget_inputs(chip, number, now)
    chip[at + _SINCE] = now
    return units


@native
def _forget_inputs(chip: Any, number: Any, now: Any) -> None:
    chip[_ROSE + number] = chip[_FELL + number] = chip[_HIGH + number] = 0
    chip[_HIGH_SINCE + number] = now


@native
def _until_change(chip: Any, at: Any) -> Any:
    """Counts until an output may change."""
    counts = _until_turn(chip, at)
    count = chip[at + _CTR]
    for level in (chip[at + _LEVEL_A], chip[at + _LEVEL_B]):
        if chip[at + _FALLS] and count >= level:
            counts = min(counts, count - level + 1)
        elif not chip[at + _FALLS] and count < level:
            counts = min(counts, level - count)
    return counts


@native
def _next_event(chip: Any, at: Any, number: Any, is_seen: Any) -> Any:
    """The cycle in which a slice next does what somebody notices."""
    if chip[at + _CSR] & _EN == 0:
        return np.int64(NEVER)
    bit = np.int64(1) << number
    wraps = chip[_INTE] & bit and not chip[_INTR] & bit
    if not is_seen and not wraps and chip[_DEVICES_ON] & 1 == 0:
        return np.int64(NEVER)
    mode = chip[at + _CSR] >> 4 & 3
    if mode >= _RISE or (mode == _LEVEL and not chip[_IS_HIGH] & bit):
        return np.int64(NEVER)  # the pin says when
    counts = _until_change(chip, at) if is_seen else _until_turn(chip, at)
    sixteenths = counts * _divisor(chip, at) - chip[at + _PHASE]
    return chip[at + _SINCE] + max((sixteenths + 15) // 16, 1)


@native
def _drive(core: Any, other: Any, chip: Any, now: Any) -> None:
    """All outputs as the counters stand; a B pin that is counted is an input."""
    high = inputs = np.int64(0)
    for number in range(SLICES):
        at = _AT + _SIZE * number
        control = chip[at + _CSR]
        first = (chip[at + _CTR] < chip[at + _LEVEL_A]) != (control & _A_INV != 0)
        second = (chip[at + _CTR] < chip[at + _LEVEL_B]) != (control & _B_INV != 0)
        high |= (np.int64(first) | np.int64(second) << 1) << 2 * number
        if control >> 4 & 3:
            inputs |= np.int64(2) << 2 * number
    out, enable = high | high << 16, ~(inputs | inputs << 16) & 0xFFFF_FFFF
    drive_pins(core, other, chip, _PINS, PWM_FUNCTION, out, enable, now)


@native
def advance_pwm(core: Any, other: Any, chip: Any, now: Any) -> Any:
    """Bring all slices up to a cycle; the cycle of the next event."""
    raw = chip[_INTR]
    for number in range(SLICES):
        at = _AT + _SIZE * number
        if chip[at + _CSR] & _EN == 0:
            continue
        sixteenths = chip[at + _PHASE] + 16 * _units(chip, at, number, now)
        divisor = _divisor(chip, at)
        if sixteenths >= divisor:
            _count(chip, at, number, sixteenths // divisor)
            sixteenths %= divisor
        chip[at + _PHASE] = sixteenths
    _drive(core, other, chip, now)
    if chip[_INTR] != raw:
        drive_line(core, other, chip, now)
    return next_event_of_pwm(chip)


@native
def next_event_of_pwm(chip: Any) -> Any:
    """The cycle in which any slice next does what somebody notices."""
    first, is_seen = np.int64(NEVER), is_observed(chip, chip[_FUNCTION])
    for number in range(SLICES):
        first = min(first, _next_event(chip, _AT + _SIZE * number, number, is_seen))
    return first


@native
def _write_control(chip: Any, number: Any, now: Any, value: Any) -> None:
    at = _AT + _SIZE * number
    if value & _EN and not chip[at + _CSR] & _EN:
        chip[at + _SINCE] = now
        _forget_inputs(chip, number, now)
    chip[at + _CSR] = value & _KEPT
    if value & _PH_CORRECT == 0:
        chip[at + _FALLS] = 0
    if value & _PH_ADV:
        _count(chip, at, number, np.int64(1))
    if value & _PH_RET:
        chip[at + _PHASE] -= _divisor(chip, at)


@native
def _follow_inputs(chip: Any) -> None:
    """Which pins are counted, and whether any slice runs."""
    watched, running = np.int64(0), False
    for number in range(SLICES):
        control = chip[_AT + _SIZE * number + _CSR]
        running = running or control & _EN != 0
        if control & _EN and control >> 4 & 3:
            watched |= (np.int64(2) | np.int64(2) << 16) << 2 * number
    chip[_WATCHED] = watched
    high = chip[_PIN_INPUTS] & chip[_FUNCTION] & watched
    chip[_IS_HIGH] = 0
    for number in range(SLICES):
        if high >> 2 * number + 1 & 0x1_0001:
            chip[_IS_HIGH] |= 1 << number
    on = chip[_DEVICES_ON] & ~PWM_ON
    chip[_DEVICES_ON] = on | PWM_ON if running else on


@native
def peek_pwm(chip: Any, offset: Any) -> Any:
    """The register at an offset; reading has no effect on any."""
    if offset < _STRIDE * SLICES:
        return chip[_AT + _SIZE * (offset // _STRIDE) + offset % _STRIDE // 4]
    if offset == 0xA0:
        enabled = np.int64(0)
        for number in range(SLICES):
            enabled |= (chip[_AT + _SIZE * number + _CSR] & _EN) << number
        return enabled
    if offset == 0xA4:
        return chip[_INTR]
    if offset == 0xA8:
        return chip[_INTE]
    if offset == 0xAC:
        return chip[_INTF]
    if offset == 0xB0:
        return chip[_INTR] & chip[_INTE] | chip[_INTF]
    return np.int64(NOT_HERE)


@native
def clearing_bits_of_pwm(offset: Any) -> Any:
    """Of the register at an offset: the bits that a written 1 clears."""
    return np.int64(0xFF if offset == 0xA4 else 0)


@native
def write_pwm(core: Any, other: Any, chip: Any, now: Any, offset: Any, value: Any) -> Any:
    """Write the register at an offset; 1 if something may follow, NOT_HERE for others."""
    if peek_pwm(chip, offset) == NOT_HERE:
        return np.int64(NOT_HERE)
    if offset < _STRIDE * SLICES:
        number, register = offset // _STRIDE, offset % _STRIDE // 4
        at = _AT + _SIZE * number
        if register == _CSR:
            _write_control(chip, number, now, value)
        elif register == _DIV:
            chip[at + _DIV] = value & 0xFFF
            chip[at + _PHASE] = 0
        elif register == _CTR:
            chip[at + _CTR] = value & 0xFFFF
            chip[at + _FALLS] = 0
        else:
            chip[at + register] = value if register == _CC else value & 0xFFFF
        if chip[at + _CSR] & _EN == 0:
            _take_over(chip, at)
    elif offset == 0xA0:
        for number in range(SLICES):
            control = chip[_AT + _SIZE * number + _CSR] & ~_EN
            _write_control(chip, number, now, control | (value >> number & 1))
    elif offset == 0xA4:
        chip[_INTR] &= ~value
    elif offset == 0xA8:
        chip[_INTE] = value & 0xFF
    elif offset == 0xAC:
        chip[_INTF] = value & 0xFF
    _drive(core, other, chip, now)
    _follow_inputs(chip)
    drive_line(core, other, chip, now)
    chip[_DEVICES_AT] = min(chip[_DEVICES_AT], next_event_of_pwm(chip))
    return np.int64(1)


def reset_pwm(chip: Any) -> None:
    """All slices off; each counts every cycle up to 0xFFFF once it is enabled."""
    chip[_AT : _AT + PWM_SIZE] = 0
    for number in range(SLICES):
        at = _AT + _SIZE * number
        chip[at + _DIV], chip[at + _TOP], chip[at + _WRAP] = 16, 0xFFFF, 0xFFFF
    chip[_DEVICES_ON] &= ~PWM_ON
