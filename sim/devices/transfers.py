"""What the DMA's channels do: one transfer a cycle at most, all together. RP2040 datasheet, 2.5.

A transfer reads in one cycle and writes in the next, while the read of the next one goes on; it
takes longer as far as what it reads or writes does. Channels with high priority come first, others
by turns (2.5.2.3).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from priot.sim.cpu.native import native
from priot.sim.cpu.places import place
from priot.sim.cpu.state import FLASH_AT, NEVER, ROM_AT, XIP_SRAM_AT, Chip
from priot.sim.devices.dma import (
    AHB_ERROR,
    BASE,
    CHANNELS,
    DMA_ON,
    EN,
    HIGH_PRIORITY,
    INCREMENTS_READ,
    INCREMENTS_WRITE,
    NOT_HERE,
    PERMANENT,
    READ_ERROR,
    RING_WRITES,
    SHARED_AT,
    SNIFFED,
    SWAPS,
    TIMER0,
    TIMERS,
    WRITE_ERROR,
    Ask,
    Channel,
    Dma,
    cycle_of_request,
    finish,
    peek_dma,
    requests_of_timer,
    stop,
    write_dma,
)
from priot.sim.devices.dma_bus import time_of_read, time_of_write
from priot.sim.devices.pio.machines import advance_pio, schedule_pio
from priot.sim.devices.pio.registers import PIO_ON, is_pio, read_pio, write_pio
from priot.sim.devices.sniffer import sniffed, swapped

AHEAD = 16  # cycles that memory may be behind what the cores see of it
_PIPELINE = 2  # cycles from a read to the end of its write
_MOST_CREDITS = 63  # 2.5.3.2
_AT, _SIZE = int(Chip.DMA), int(Channel.SIZE)
_SHARED = _AT + SHARED_AT
_READ, _WRITE, _COUNT, _CTRL = (
    *(int(Channel.READ), int(Channel.WRITE), int(Channel.COUNT), int(Channel.CTRL)),
)
_BEGINS, _ENDS, _FIRED = int(Channel.BEGINS), int(Channel.ENDS), int(Channel.FIRED)
_SNIFF_CTRL, _SNIFF_DATA = _SHARED + int(Dma.SNIFF_CTRL), _SHARED + int(Dma.SNIFF_DATA)
_TURN, _CYCLE, _ACTIVE = (_SHARED + int(n) for n in (Dma.TURN, Dma.CYCLE, Dma.ACTIVE))
_ASKS, _ASKED_BY = _SHARED + int(Dma.ASKS), _SHARED + int(Dma.CHANNEL)
_ADDRESS, _VALUE = _SHARED + int(Dma.ADDRESS), _SHARED + int(Dma.VALUE)
_NOTHING, _ASK_READ, _ASK_WRITE, _HAS_READ, _HAS_WRITTEN = (int(ask) for ask in Ask)
_DEVICES_AT, _DEVICES_ON = int(Chip.DEVICES_AT), int(Chip.DEVICES_ON)
_EVENT_AT, _REQUESTS = int(Chip.EVENT_AT), int(Chip.DATA_REQUESTS)
_AWAITED, _PIO_AT, _PIO_REQUESTS = int(Chip.REQUESTS_AWAITED), int(Chip.PIO_AT), 16
_DMA_END = BASE + 0x1000
_FAILED = -1 << 61
_PWM_WRAP0, _PWM_WRAP7 = 24, 31
_ALIAS = 0x3000


@native
def _is_asked_for(chip: Any, channel: Any, cycle: Any) -> Any:
    """Whether a transfer of a channel may begin in a cycle."""
    by = chip[channel + _CTRL] >> 15 & 0x3F
    if by == PERMANENT:
        return True
    if by >= TIMER0 and by < TIMER0 + TIMERS:
        fired = requests_of_timer(chip, by - TIMER0, cycle)
        chip[channel + _FIRED] = max(chip[channel + _FIRED], fired - _MOST_CREDITS)
        return fired > chip[channel + _FIRED]
    return chip[_REQUESTS] >> by & 1 != 0


@native
def _chosen(chip: Any, cycle: Any) -> Any:
    """The channel whose turn it is; -1 if none may transfer."""
    found = np.int64(-1)
    for step in range(CHANNELS):
        number = (chip[_TURN] + step) % CHANNELS
        channel = _AT + _SIZE * number
        if chip[_ACTIVE] >> number & 1 == 0 or chip[channel + _COUNT] == 0:
            continue
        control = chip[channel + _CTRL]
        if control & EN == 0 or chip[channel + _BEGINS] > cycle:
            continue
        if found >= 0 and control & HIGH_PRIORITY == 0:
            continue
        if not _is_asked_for(chip, channel, cycle):
            continue
        if control & HIGH_PRIORITY:
            return number
        found = number
    return found


@native
def _end_of_something(chip: Any) -> Any:
    """The channel that ends first, and NEVER or more as its cycle if none is about to."""
    first = np.int64(0)
    for number in range(1, CHANNELS):
        if chip[_AT + _SIZE * number + _ENDS] < chip[_AT + _SIZE * first + _ENDS]:
            first = np.int64(number)
    return first


@native
def _next_chance(chip: Any, cycle: Any) -> Any:
    """The next cycle in which a channel may transfer, as far as that is known now."""
    chance = np.int64(NEVER)
    for number in range(CHANNELS):
        channel = _AT + _SIZE * number
        if chip[_ACTIVE] >> number & 1 == 0:
            continue
        chance = min(chance, chip[channel + _ENDS])
        control = chip[channel + _CTRL]
        if control & EN == 0 or chip[channel + _COUNT] == 0:
            continue
        begins = max(chip[channel + _BEGINS], cycle)
        by = control >> 15 & 0x3F
        if by >= TIMER0 and by < TIMER0 + TIMERS:
            request = cycle_of_request(chip, by - TIMER0, chip[channel + _FIRED] + 1)
            chance = min(chance, max(begins, request))
        elif by == PERMANENT or chip[_REQUESTS] >> by & 1:
            chance = min(chance, begins)
        elif by < _PIO_REQUESTS:
            chance = min(chance, max(begins, chip[_PIO_AT]))
    return chance


@native
def _load(core: Any, other: Any, chip: Any, words: Any, now: Any, address: Any) -> Any:
    """What lies at an address; NOT_HERE where Python knows, _FAILED where nothing is."""
    at = place(address)
    if at >= 0:
        return np.int64(words[at >> 2]) >> 8 * (at & 3)
    top = address >> 28
    if top != 1 and top != 4 and top != 5:
        return np.int64(_FAILED)  # SIO and the cores' own registers are not on this bus
    if address >= BASE and address < _DMA_END:
        return peek_dma(chip, address & 0xFFC) >> 8 * (address & 3)
    if is_pio(address) and address & _ALIAS == 0:
        value = read_pio(core, other, chip, now, address & ~3, NOT_HERE)
        return value >> 8 * (address & 3) if value != NOT_HERE else value
    return np.int64(NOT_HERE)


@native
def _store(
    core: Any, other: Any, chip: Any, words: Any, now: Any, address: Any, size: Any, value: Any
) -> Any:
    """Store; answers as `_load` does."""
    at = place(address)
    if at >= 0:
        if at >= FLASH_AT or (at >= ROM_AT and at < XIP_SRAM_AT):
            return np.int64(_FAILED)
        shift = 8 * (at & 3)
        kept = np.int64(words[at >> 2]) & ~(((np.int64(1) << 8 * size) - 1) << shift)
        words[at >> 2] = np.uint32(kept | value << shift)
        return np.int64(0)
    top = address >> 28
    if top != 1 and top != 4 and top != 5:
        return np.int64(_FAILED)
    if address >= BASE and address < _DMA_END:
        lanes = value * (0x0101_0101 if size == 1 else 0x0001_0001 if size == 2 else 1)
        write_dma(core, other, chip, now, address & 0xFFC, lanes)
        return np.int64(0)
    if is_pio(address) and address & _ALIAS == 0:
        lanes = value * (0x0101_0101 if size == 1 else 0x0001_0001 if size == 2 else 1)
        done = write_pio(core, other, chip, now, address & ~3, lanes, NOT_HERE)
        return done if done == NOT_HERE else np.int64(0)
    return np.int64(NOT_HERE)


@native
def _moved(address: Any, size: Any, ring: Any) -> Any:
    """The address behind a transfer, within a ring of 2**ring bytes. 2.5.2.1."""
    if ring == 0:
        return address + size & 0xFFFF_FFFF
    mask = (np.int64(1) << ring) - 1
    return address & ~mask | address + size & mask


@native
def _fail(chip: Any, number: Any, error: Any) -> None:
    """A bus error halts the channel."""
    chip[_AT + _SIZE * number + _CTRL] |= error | AHB_ERROR
    stop(chip, number)


@native
def _transfer(
    core: Any, other: Any, chip: Any, lines: Any, words: Any, number: Any, cycle: Any
) -> Any:
    """One transfer of a channel; the cycles that it takes, 0 if Python has to answer first."""
    channel = _AT + _SIZE * number
    control = chip[channel + _CTRL]
    size = np.int64(1) << min(control >> 2 & 3, 2)
    source, target = chip[channel + _READ] & -size, chip[channel + _WRITE] & -size
    if chip[_ASKS] == _HAS_READ or chip[_ASKS] == _HAS_WRITTEN:
        value = chip[_VALUE]
    else:
        value = _load(core, other, chip, words, cycle, source)
        if value == _FAILED:
            _fail(chip, number, READ_ERROR)
            return np.int64(1)
        if value == NOT_HERE:
            chip[_ASKS], chip[_ASKED_BY], chip[_ADDRESS] = _ASK_READ, number, source
            return np.int64(0)
    value &= (np.int64(1) << 8 * size) - 1
    moved = swapped(value, size) if control & SWAPS else value
    if chip[_ASKS] != _HAS_WRITTEN:
        done = _store(core, other, chip, words, cycle + 1, target, size, moved)
        if done == _FAILED:
            _fail(chip, number, WRITE_ERROR)
            return np.int64(1)
        if done == NOT_HERE:
            chip[_ASKS], chip[_ASKED_BY], chip[_ADDRESS] = _ASK_WRITE, number, target
            chip[_VALUE] = moved
            return np.int64(0)
    if chip[_ASKS] == _HAS_WRITTEN:
        moved = value
    chip[_ASKS] = _NOTHING
    sniffs = chip[_SNIFF_CTRL]
    if sniffs & 1 and sniffs >> 1 & 15 == number and control & SNIFFED:
        chip[_SNIFF_DATA] = sniffed(sniffs, chip[_SNIFF_DATA], moved, size)
    ring = control >> 6 & 15
    if control & INCREMENTS_READ:
        chip[channel + _READ] = _moved(source, size, 0 if control & RING_WRITES else ring)
    if control & INCREMENTS_WRITE:
        chip[channel + _WRITE] = _moved(target, size, ring if control & RING_WRITES else 0)
    chip[channel + _COUNT] -= 1
    chip[channel + _FIRED] += 1
    by = control >> 15 & 0x3F
    if by >= _PWM_WRAP0 and by <= _PWM_WRAP7:  # which asks for one transfer each time
        chip[_REQUESTS] &= ~(np.int64(1) << by)
    takes = time_of_read(core, other, chip, lines, cycle, source)
    takes = max(takes, time_of_write(core, other, chip, cycle + takes, target))
    if chip[channel + _COUNT] == 0:
        chip[channel + _ENDS] = cycle + takes - 1 + _PIPELINE
    chip[_TURN] = (number + 1) % CHANNELS
    return takes


@native
def _awaited_of_pio(chip: Any) -> Any:
    """The data requests of PIO that channels wait for."""
    awaited = np.int64(0)
    for number in range(CHANNELS):
        by = chip[_AT + _SIZE * number + _CTRL] >> 15 & 0x3F
        if chip[_ACTIVE] >> number & 1 and by < _PIO_REQUESTS:
            awaited |= np.int64(1) << by
    return awaited


@native
def _listen(chip: Any) -> None:
    """Let PIO know the requests that channels wait for: a transfer may have triggered one."""
    awaited = _awaited_of_pio(chip)
    if awaited != chip[_AWAITED]:
        chip[_AWAITED] = awaited
        schedule_pio(chip)


@native
def advance_dma(core: Any, other: Any, chip: Any, lines: Any, words: Any, now: Any) -> Any:
    """Do all transfers that begin before a cycle; the cycle at which to do so again.

    Where Python has to answer an access, what comes behind it waits.
    """
    cycle = chip[_CYCLE]
    _listen(chip)
    while chip[_ACTIVE] and chip[_ASKS] != _ASK_READ and chip[_ASKS] != _ASK_WRITE:
        ending = _end_of_something(chip)
        ends = chip[_AT + _SIZE * ending + _ENDS]
        if ends <= cycle and ends <= now:
            chip[_AT + _SIZE * ending + _ENDS] = NEVER
            finish(core, other, chip, ending, ends)
            continue
        if cycle >= now:
            break
        if chip[_DEVICES_ON] & PIO_ON:
            advance_pio(core, other, chip, cycle)
        number = chip[_ASKED_BY] if chip[_ASKS] != _NOTHING else _chosen(chip, cycle)
        if number < 0:
            _listen(chip)
            cycle = min(max(_next_chance(chip, cycle), cycle + 1), now)
            continue
        takes = _transfer(core, other, chip, lines, words, number, cycle)
        cycle += takes
        if takes == 0:
            chip[_EVENT_AT] = min(chip[_EVENT_AT], now)
    chip[_CYCLE] = max(cycle, now) if chip[_ACTIVE] == 0 else cycle
    if chip[_ACTIVE] == 0:
        chip[_DEVICES_ON] &= ~DMA_ON
        return np.int64(NEVER)
    if chip[_ASKS] == _ASK_READ or chip[_ASKS] == _ASK_WRITE:
        return np.int64(NEVER)
    _listen(chip)
    chance = _next_chance(chip, cycle)
    if chance > now + AHEAD:
        return chance
    return max(_first_end(chip, now), now + 1)


@native
def _first_end(chip: Any, now: Any) -> Any:
    """When to look again while transfers go on: at the first end, or so that none is late."""
    until = now + AHEAD
    for number in range(CHANNELS):
        channel = _AT + _SIZE * number
        if chip[_ACTIVE] >> number & 1:
            ends = chip[channel + _ENDS]
            if chip[channel + _COUNT]:
                ends = now + chip[channel + _COUNT] - 1 + _PIPELINE
            until = min(until, ends)
    return until


@native
def request_data(
    core: Any,
    other: Any,
    chip: Any,
    lines: Any,
    words: Any,
    number: Any,
    level: Any,
    now: Any,
) -> None:
    """A peripheral's request changes: what was not asked for until now was not transferred."""
    if chip[_ACTIVE]:
        chip[_DEVICES_AT] = min(
            chip[_DEVICES_AT], advance_dma(core, other, chip, lines, words, now)
        )
    bit = np.int64(1) << number
    chip[_REQUESTS] = chip[_REQUESTS] | bit if level else chip[_REQUESTS] & ~bit
    if level and chip[_ACTIVE]:
        chip[_DEVICES_AT] = min(chip[_DEVICES_AT], now)
