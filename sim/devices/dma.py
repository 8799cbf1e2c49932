"""The registers of the DMA: twelve channels. RP2040 datasheet, 2.5.

What channels do is in priot.sim.devices.transfers.
"""

from __future__ import annotations

from enum import IntEnum, auto
from typing import Any

import numpy as np

from priot.sim.cpu.lines import set_line
from priot.sim.cpu.native import native
from priot.sim.cpu.state import DMA_SIZE, NEVER, Chip

BASE = 0x5000_0000
CHANNELS = 12
DMA_ON = 1  # of DEVICES_ON
NOT_HERE = -1 << 62
START_CYCLES = 3
"""From the write that triggers a channel to its first read, and from the end of one channel to the
first read of the one that it is chained to. Our assumption: the datasheet names no latency."""

# CTRL
EN, HIGH_PRIORITY, INCREMENTS_READ, INCREMENTS_WRITE = 1, 1 << 1, 1 << 4, 1 << 5
RING_WRITES, IRQ_QUIET, SWAPS, SNIFFED = 1 << 10, 1 << 21, 1 << 22, 1 << 23
BUSY, WRITE_ERROR, READ_ERROR, AHB_ERROR = 1 << 24, 1 << 29, 1 << 30, 1 << 31
_WRITABLE = 0x00FF_FFFF
_CHAIN_TO, _TREQ = 11, 15  # the low bits of fields
TIMER0, TIMERS, PERMANENT = 0x3B, 4, 0x3F  # TREQ_SEL


class Channel(IntEnum):
    """Places of a channel."""

    READ = 0
    WRITE = auto()
    COUNT = auto()  # transfers that are still to come
    CTRL = auto()
    RELOAD = auto()  # what COUNT begins with
    BEGINS = auto()  # the cycle of its first read
    ENDS = auto()  # the cycle in which its last write is done; NEVER before that is known
    FIRED = auto()  # of the timer that paces it: requests that it has answered or let pass
    SIZE = auto()


class Dma(IntEnum):
    """Places of what the channels share, behind those of the channels."""

    INTR = 0
    INTE0 = auto()
    INTF0 = auto()
    INTE1 = auto()
    INTF1 = auto()
    TIMER = auto()
    TIMER_SINCE = TIMER + TIMERS  # type: ignore[operator]
    SNIFF_CTRL = TIMER_SINCE + TIMERS
    SNIFF_DATA = auto()
    TURN = auto()  # the channel that is asked first
    CYCLE = auto()  # until which transfers are done
    ACTIVE = auto()  # a bit for each channel that is busy
    # An access that Python performs.
    ASKS = auto()  # an Ask
    CHANNEL = auto()
    ADDRESS = auto()
    VALUE = auto()
    END = auto()


class Ask(IntEnum):
    """What the DMA wants of Python."""

    NOTHING = 0
    READ = 1
    WRITE = 2
    ANSWERED_READ = 3
    ANSWERED_WRITE = 4


SHARED_AT = CHANNELS * int(Channel.SIZE)
assert SHARED_AT + Dma.END <= DMA_SIZE
_AT, _SIZE = int(Chip.DMA), int(Channel.SIZE)
_SHARED = _AT + SHARED_AT
_READ, _WRITE, _COUNT, _CTRL = (
    *(int(Channel.READ), int(Channel.WRITE), int(Channel.COUNT), int(Channel.CTRL)),
)
_RELOAD, _BEGINS, _ENDS = int(Channel.RELOAD), int(Channel.BEGINS), int(Channel.ENDS)
_FIRED = int(Channel.FIRED)
_INTR, _INTE0, _INTF0 = (_SHARED + int(n) for n in (Dma.INTR, Dma.INTE0, Dma.INTF0))
_INTE1, _INTF1 = _SHARED + int(Dma.INTE1), _SHARED + int(Dma.INTF1)
_TIMER, _TIMER_SINCE = _SHARED + int(Dma.TIMER), _SHARED + int(Dma.TIMER_SINCE)
_SNIFF_CTRL, _SNIFF_DATA = _SHARED + int(Dma.SNIFF_CTRL), _SHARED + int(Dma.SNIFF_DATA)
_CYCLE, _ACTIVE, _ASKS = (_SHARED + int(n) for n in (Dma.CYCLE, Dma.ACTIVE, Dma.ASKS))
_ASKED_BY = _SHARED + int(Dma.CHANNEL)
_DEVICES_AT, _DEVICES_ON = int(Chip.DEVICES_AT), int(Chip.DEVICES_ON)
_EVENT_AT, _SHARED_BUS = int(Chip.EVENT_AT), int(Chip.BUS_SHARED)
_IRQ0, _IRQ1 = 11, 12
_ALL_CHANNELS = (1 << CHANNELS) - 1
# By alias and word: which register it is; the last of four triggers. 2.5.2.1.
_ORDER = np.array([0, 1, 2, 3, 3, 0, 1, 2, 3, 2, 0, 1, 3, 1, 2, 0])
_NOT_BUSY = ~BUSY


@native
def drive_lines(core: Any, other: Any, chip: Any, now: Any) -> None:
    """Request the interrupts that are enabled."""
    first = chip[_INTR] & chip[_INTE0] | chip[_INTF0]
    second = chip[_INTR] & chip[_INTE1] | chip[_INTF1]
    set_line(core, _IRQ0, first != 0, now)
    set_line(other, _IRQ0, first != 0, now)
    set_line(core, _IRQ1, second != 0, now)
    set_line(other, _IRQ1, second != 0, now)


@native
def requests_of_timer(chip: Any, number: Any, now: Any) -> Any:
    """How often a timer has fired until a cycle: X times in Y cycles. 2.5.5.1."""
    x, y = chip[_TIMER + number] >> 16, chip[_TIMER + number] & 0xFFFF
    if x == 0 or y == 0:
        return np.int64(0)
    return (now - chip[_TIMER_SINCE + number]) * min(x, y) // y


@native
def cycle_of_request(chip: Any, number: Any, count: Any) -> Any:
    """The cycle in which a timer has fired so often; NEVER if it does not."""
    x, y = chip[_TIMER + number] >> 16, chip[_TIMER + number] & 0xFFFF
    if x == 0 or y == 0:
        return np.int64(NEVER)
    x = min(x, y)
    return chip[_TIMER_SINCE + number] + (count * y + x - 1) // x


@native
def trigger(chip: Any, number: Any, at: Any) -> None:
    """Begin, unless the channel is disabled or busy; the first read comes at a cycle."""
    channel = _AT + _SIZE * number
    control = chip[channel + _CTRL]
    if control & EN == 0 or control & BUSY:
        return
    chip[channel + _CTRL] |= BUSY
    chip[channel + _COUNT] = chip[channel + _RELOAD]
    chip[channel + _BEGINS] = at
    chip[channel + _ENDS] = NEVER if chip[channel + _COUNT] else at
    paced_by = (control >> _TREQ & 0x3F) - TIMER0
    if paced_by >= 0 and paced_by < TIMERS:
        chip[channel + _FIRED] = requests_of_timer(chip, paced_by, at)
    if chip[_ACTIVE] == 0:
        chip[_CYCLE] = at
    chip[_ACTIVE] |= 1 << number
    chip[_DEVICES_ON] |= DMA_ON
    chip[_DEVICES_AT] = min(chip[_DEVICES_AT], at)
    if chip[_SHARED_BUS]:  # for the loop in which cores note what they access
        chip[_EVENT_AT] = 0


@native
def stop(chip: Any, number: Any) -> None:
    """A channel is no longer busy."""
    chip[_AT + _SIZE * number + _CTRL] &= _NOT_BUSY
    chip[_AT + _SIZE * number + _ENDS] = NEVER
    chip[_ACTIVE] &= ~(1 << number)


@native
def finish(core: Any, other: Any, chip: Any, number: Any, now: Any) -> None:
    """A channel's last write is done: its interrupt, and the channel that it is chained to."""
    control = chip[_AT + _SIZE * number + _CTRL]
    stop(chip, number)
    if control & IRQ_QUIET == 0:
        chip[_INTR] |= 1 << number
        drive_lines(core, other, chip, now)
    chained = control >> _CHAIN_TO & 15
    if chained != number and chained < CHANNELS:
        trigger(chip, chained, now + START_CYCLES)


@native
def _abort(chip: Any, channels: Any) -> None:
    """Transfers that are under way have been done by now; it raises no interrupt. 2.5.5.3."""
    for number in range(CHANNELS):
        if channels >> number & 1:
            stop(chip, number)
            chip[_AT + _SIZE * number + _COUNT] = 0
            if chip[_ASKED_BY] == number:
                chip[_ASKS] = 0


@native
def _reversed(word: Any) -> Any:
    result = np.int64(0)
    for bit in range(32):
        result |= (word >> bit & 1) << 31 - bit
    return result


@native
def peek_dma(chip: Any, offset: Any) -> Any:
    """The register at an offset; reading has no effect on any."""
    if offset < 0x40 * CHANNELS:
        channel = _AT + _SIZE * (offset >> 6)
        register = _ORDER[offset >> 2 & 15]
        return chip[channel + register]
    if offset in (0x400, 0x410):
        return chip[_INTR]
    if offset == 0x404:
        return chip[_INTE0]
    if offset == 0x408:
        return chip[_INTF0]
    if offset == 0x40C:
        return chip[_INTR] & chip[_INTE0] | chip[_INTF0]
    if offset == 0x414:
        return chip[_INTE1]
    if offset == 0x418:
        return chip[_INTF1]
    if offset == 0x41C:
        return chip[_INTR] & chip[_INTE1] | chip[_INTF1]
    if offset >= 0x420 and offset < 0x430:
        return chip[_TIMER + (offset >> 2 & 3)]
    if offset == 0x434:
        return chip[_SNIFF_CTRL]
    if offset == 0x438:
        data = chip[_SNIFF_DATA]
        if chip[_SNIFF_CTRL] & 1 << 10:
            data = _reversed(data)
        return data ^ 0xFFFF_FFFF if chip[_SNIFF_CTRL] & 1 << 11 else data
    if offset in (0x430, 0x440, 0x444):  # triggers, FIFO_LEVELS, aborts: none is under way
        return np.int64(0)
    if offset == 0x448:
        return np.int64(CHANNELS)
    if offset >= 0x800 and offset < 0x800 + 0x40 * CHANNELS:
        if offset & 0x3C == 4:
            return chip[_AT + _SIZE * (offset - 0x800 >> 6) + _RELOAD]  # DBG_TCR
        if offset & 0x3C == 0:
            return np.int64(0)  # DBG_CTDREQ
    return np.int64(NOT_HERE)


@native
def clearing_bits_of_dma(offset: Any) -> Any:
    """Of the register at an offset: the bits that a written 1 clears."""
    if offset < 0x40 * CHANNELS:
        return np.int64(WRITE_ERROR | READ_ERROR if _ORDER[offset >> 2 & 15] == _CTRL else 0)
    return np.int64(0xFFFF if offset in (0x400, 0x40C, 0x410, 0x41C) else 0)


@native
def write_dma(core: Any, other: Any, chip: Any, now: Any, offset: Any, value: Any) -> Any:
    """Write the register at an offset; 1 if something may follow, NOT_HERE for others."""
    if offset < 0x40 * CHANNELS:
        number = offset >> 6
        channel, word = _AT + _SIZE * number, offset >> 2 & 15
        register = _ORDER[word]
        if register == _CTRL:
            errors = chip[channel + _CTRL] & ~value & (WRITE_ERROR | READ_ERROR)
            kept = chip[channel + _CTRL] & BUSY | errors | (AHB_ERROR if errors else 0)
            chip[channel + _CTRL] = value & _WRITABLE | kept
        elif register == _COUNT:
            chip[channel + _RELOAD] = value
            if chip[channel + _CTRL] & BUSY == 0:
                chip[channel + _COUNT] = value
        else:
            chip[channel + register] = value
        if chip[channel + _CTRL] & BUSY:
            chip[_DEVICES_AT] = min(chip[_DEVICES_AT], now + 1)  # it may have been paused
        if word & 3 == 3 and value:
            trigger(chip, number, now + START_CYCLES)
        elif word & 3 == 3 and chip[channel + _CTRL] & IRQ_QUIET:  # a null trigger: 2.5.2.2
            chip[_INTR] |= 1 << number
            drive_lines(core, other, chip, now)
    elif offset < 0x420:
        if peek_dma(chip, offset) == NOT_HERE:
            return np.int64(NOT_HERE)
        if clearing_bits_of_dma(offset):
            chip[_INTR] &= ~value
        elif offset == 0x404:
            chip[_INTE0] = value & 0xFFFF
        elif offset == 0x408:
            chip[_INTF0] = value & 0xFFFF
        elif offset == 0x414:
            chip[_INTE1] = value & 0xFFFF
        elif offset == 0x418:
            chip[_INTF1] = value & 0xFFFF
        drive_lines(core, other, chip, now)
    elif offset < 0x430:
        chip[_TIMER + (offset >> 2 & 3)], chip[_TIMER_SINCE + (offset >> 2 & 3)] = value, now
    elif offset == 0x430:
        for number in range(CHANNELS):
            if value >> number & 1:
                trigger(chip, number, now + START_CYCLES)
    elif offset == 0x434:
        chip[_SNIFF_CTRL] = value & 0xFFF
    elif offset == 0x438:
        chip[_SNIFF_DATA] = value
    elif offset == 0x444:
        _abort(chip, value & _ALL_CHANNELS)
    elif peek_dma(chip, offset) == NOT_HERE:
        return np.int64(NOT_HERE)
    return np.int64(1)


def reset_dma(chip: Any) -> None:
    """All channels idle."""
    chip[_AT : _AT + DMA_SIZE] = 0
    for number in range(CHANNELS):
        chip[_AT + _SIZE * number + _ENDS] = NEVER
