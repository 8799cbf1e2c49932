"""SIO: core number, GPIO, mailbox, spinlocks and divider. RP2040 datasheet, 2.3.1.

The interpolators are modelled in Python (priot.sim.peripherals.sio).
"""

from __future__ import annotations

from enum import IntEnum, auto
from typing import Any

import numpy as np

from priot.sim.cpu.lines import set_line
from priot.sim.cpu.native import native
from priot.sim.cpu.state import Chip, Core
from priot.sim.devices.pins import SIO_FUNCTION, Bank, drive_pins

DEPTH = 8  # words in a FIFO
DIVIDE_CYCLES = 8
GPIO_IN, GPIO_HI_IN, GPIO_OUT, GPIO_END = 0x04, 0x08, 0x10, 0x50
CPUID, FIFO_ST, FIFO_WR, FIFO_RD, SPINLOCK_ST = 0x00, 0x50, 0x54, 0x58, 0x5C
UDIVIDEND, UDIVISOR, SDIVIDEND, SDIVISOR = 0x60, 0x64, 0x68, 0x6C
QUOTIENT, REMAINDER, DIV_CSR, SPINLOCK0, SPINLOCK_END = 0x70, 0x74, 0x78, 0x100, 0x180
NOT_HERE = -1 << 62  # no register of this file

_VLD, _RDY, _WOF, _ROE = 1, 1 << 1, 1 << 2, 1 << 3  # FIFO_ST
_SLEEPS, _CYCLES, _WINDOW = int(Core.SLEEPS), int(Core.CYCLES), int(Core.WINDOW)
_MAILBOX_IRQ = 15  # of core 0; core 1 has the next
_ALL, _SIGN = 0xFFFF_FFFF, 1 << 31


class Sio(IntEnum):
    """Places of what both cores share; a FIFO is that into which the core of its number writes."""

    LOCKS = 0
    COUNTS = auto()
    HEADS = COUNTS + 2  # type: ignore[operator]
    ERRORS = HEADS + 2  # of each core
    WORDS = ERRORS + 2
    END = WORDS + 2 * DEPTH


_LOCKS, _COUNTS, _HEADS = int(Sio.LOCKS), int(Sio.COUNTS), int(Sio.HEADS)
_ERRORS, _WORDS = int(Sio.ERRORS), int(Sio.WORDS)
_NUMBER, _PENDING = int(Core.NUMBER), int(Core.PENDING)
_BANKS, _BANK_SIZE = int(Chip.PINS), int(Chip.PINS_HI) - int(Chip.PINS)
_OUT, _ENABLE = int(Bank.OUT) + SIO_FUNCTION, int(Bank.ENABLE) + SIO_FUNCTION
_ALL_PINS, _INPUTS = int(Bank.ALL), int(Bank.INPUTS)
_EVENT_AT, _DEVICES_AT = int(Chip.EVENT_AT), int(Chip.DEVICES_AT)
_DIVIDEND, _DIVISOR = int(Core.DIVIDEND), int(Core.DIVISOR)
_QUOTIENT, _REMAINDER = int(Core.QUOTIENT), int(Core.REMAINDER)
_READY_AT, _DIRTY, _RUNS = int(Core.READY_AT), int(Core.DIRTY), int(Core.RUNS)


@native
def tell(core: Any, sio: Any, now: Any) -> None:
    """Drive a core's mailbox interrupt: a word to read, or an error."""
    number = core[_NUMBER]
    level = sio[_COUNTS + 1 - number] or sio[_ERRORS + number]
    set_line(core, _MAILBOX_IRQ + number, level, now)


@native
def push(sio: Any, number: Any, word: Any) -> Any:
    """A word into the FIFO that core `number` writes; whether there was room."""
    count = sio[_COUNTS + number]
    if count == DEPTH:
        return False
    at = (sio[_HEADS + number] + count) % DEPTH
    sio[_WORDS + DEPTH * number + at] = word
    sio[_COUNTS + number] = count + 1
    return True


@native
def pop(sio: Any, number: Any) -> Any:
    """The oldest word of the FIFO that core `number` writes; -1 if it is empty."""
    if sio[_COUNTS + number] == 0:
        return np.int64(-1)
    head = sio[_HEADS + number]
    sio[_HEADS + number] = (head + 1) % DEPTH
    sio[_COUNTS + number] -= 1
    return sio[_WORDS + DEPTH * number + head]


@native
def _signed(value: Any) -> Any:
    return value - ((value & _SIGN) << 1)


@native
def divide(core: Any, now: Any, signed: Any) -> None:
    """Start a division; 2.3.1.5. Results are there at once, though undefined until ready."""
    dividend, divisor = core[_DIVIDEND], core[_DIVISOR]
    if signed:
        dividend, divisor = _signed(dividend), _signed(divisor)
    if divisor == 0:
        quotient = np.int64(1) if signed and dividend < 0 else np.int64(-1)
        remainder = dividend
    else:
        quotient = abs(dividend) // abs(divisor)
        remainder = abs(dividend) - quotient * abs(divisor)
        if (dividend < 0) != (divisor < 0):
            quotient = -quotient
        if dividend < 0:
            remainder = -remainder
    core[_QUOTIENT], core[_REMAINDER] = quotient & _ALL, remainder & _ALL
    core[_DIRTY] = 1
    core[_READY_AT] = now + DIVIDE_CYCLES


@native
def _write_gpio(core: Any, other: Any, chip: Any, now: Any, offset: Any, value: Any) -> Any:
    """GPIO_OUT, GPIO_OE and those of GPIO_HI, each with its SET, CLR and XOR.

    Whether an interrupt may follow.
    """
    bank = _BANKS + _BANK_SIZE * (offset >= 0x30)
    value &= chip[bank + _ALL_PINS]
    out, enable = chip[bank + _OUT], chip[bank + _ENABLE]
    before = enable if offset & 0x10 == 0 else out
    how = offset & 0xC
    if how == 4:
        value |= before
    elif how == 8:
        value = before & ~value
    elif how == 12:
        value ^= before
    pending, of_other = core[_PENDING], other[_PENDING]
    if offset & 0x10 == 0:
        drive_pins(core, other, chip, bank, SIO_FUNCTION, out, value, now)
    else:
        drive_pins(core, other, chip, bank, SIO_FUNCTION, value, enable, now)
    if other[_RUNS] and other[_PENDING] != of_other:
        core[_WINDOW] = 0
        return np.int64(1)
    at = min(chip[_EVENT_AT], chip[_DEVICES_AT])
    return np.int64(core[_PENDING] != pending or at <= now)


@native
def _read_gpio(chip: Any, offset: Any) -> Any:
    if offset <= GPIO_HI_IN:
        return chip[_BANKS + _BANK_SIZE * (offset == GPIO_HI_IN) + _INPUTS]
    if offset & 0xC:  # SET, CLR and XOR are to write alone
        return np.int64(0)
    bank = _BANKS + _BANK_SIZE * (offset >= 0x30)
    return chip[bank + (_ENABLE if offset & 0x10 == 0 else _OUT)]


@native
def read_sio(core: Any, chip: Any, sio: Any, now: Any, offset: Any) -> Any:
    """The register at a word offset; NOT_HERE for others."""
    number = core[_NUMBER]
    if offset >= GPIO_IN and offset < GPIO_END and offset != 0x0C:
        return _read_gpio(chip, offset)
    if offset >= SPINLOCK0 and offset < SPINLOCK_END:  # a read claims the lock
        bit = np.int64(1) << (offset - SPINLOCK0 >> 2)
        claimed = bit & ~sio[_LOCKS]
        sio[_LOCKS] |= bit
        return claimed
    if offset == CPUID:
        return number
    if offset == FIFO_ST:
        valid = np.int64(_VLD) if sio[_COUNTS + 1 - number] else np.int64(0)
        ready = np.int64(_RDY) if sio[_COUNTS + number] < DEPTH else np.int64(0)
        return valid | ready | sio[_ERRORS + number]
    if offset == FIFO_RD:
        word = pop(sio, 1 - number)
        if word < 0:
            sio[_ERRORS + number] |= _ROE
            word = np.int64(0)
        tell(core, sio, now)
        return word
    if offset == FIFO_WR:
        return np.int64(0)
    if offset == SPINLOCK_ST:
        return sio[_LOCKS]
    if offset in (UDIVIDEND, SDIVIDEND):
        return core[_DIVIDEND]
    if offset in (UDIVISOR, SDIVISOR):
        return core[_DIVISOR]
    if offset == QUOTIENT:
        core[_DIRTY] = 0
        return core[_QUOTIENT]
    if offset == REMAINDER:
        return core[_REMAINDER]
    if offset == DIV_CSR:
        return np.int64(now >= core[_READY_AT]) | core[_DIRTY] << 1
    return np.int64(NOT_HERE)


@native
def write_sio(core: Any, other: Any, chip: Any, sio: Any, now: Any, offset: Any, value: Any) -> Any:
    """Write the register at a word offset; 1 if an interrupt may follow, NOT_HERE for others."""
    number = core[_NUMBER]
    if offset >= GPIO_OUT and offset < GPIO_END:
        return _write_gpio(core, other, chip, now, offset, value)
    if offset >= UDIVIDEND and offset <= SDIVISOR:
        core[_DIVIDEND if offset in (UDIVIDEND, SDIVIDEND) else _DIVISOR] = value
        divide(core, now, offset >= SDIVIDEND)
        return np.int64(0)
    if offset in (QUOTIENT, REMAINDER):
        core[_QUOTIENT if offset == QUOTIENT else _REMAINDER] = value
        core[_DIRTY] = 1
        core[_READY_AT] = now
        return np.int64(0)
    if offset >= SPINLOCK0 and offset < SPINLOCK_END:
        sio[_LOCKS] &= ~(np.int64(1) << (offset - SPINLOCK0 >> 2))
        return np.int64(0)
    if offset == FIFO_WR and (other[_RUNS] or number == 1):
        if not push(sio, number, value):
            sio[_ERRORS + number] |= _WOF
        tell(core, sio, now)
        tell(other, sio, now)
        if other[_RUNS] and other[_SLEEPS]:
            other[_CYCLES] = max(other[_CYCLES], now + number)
            core[_WINDOW] = 0
        return np.int64(1)
    if offset == FIFO_ST:
        sio[_ERRORS + number] = 0
        tell(core, sio, now)
        return np.int64(1)
    return np.int64(NOT_HERE)
