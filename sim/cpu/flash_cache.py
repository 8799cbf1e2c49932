"""The cache through which flash is executed and read in place. RP2040 datasheet, 2.6.3.1.

16 KB in two ways, lines of 8 bytes, filled by halves of 4: one serial read each (pico-feedback
issue 307). On which way gives way the datasheet is silent: see docs/cycle-model.md.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from priot.sim.cpu.crossbar import XIP, is_ahead, occupy
from priot.sim.cpu.native import native
from priot.sim.cpu.state import XIP_SETS, Chip, Core

_MODELLED, _OFF, _MISS = int(Chip.XIP_MODELLED), int(Chip.XIP_OFF), int(Chip.XIP_MISS)
_ACCESSES, _HITS, _STALLS = int(Chip.XIP_ACCESSES), int(Chip.XIP_HITS), int(Chip.XIP_STALLS)
_RANDOM, _LRU = int(Chip.XIP_RANDOM), int(Chip.XIP_LRU)
_WAITED, _SHARED = int(Core.WAITED), int(Chip.BUS_SHARED)
_XIP = XIP
NOT_YET = -1


@native
def _index(address: Any) -> Any:
    """Where the set of an address begins in the cache's lines: two ways, and the one used last."""
    return (address >> 3 & (XIP_SETS - 1)) * 3


@native
def _holds(lines: Any, address: Any, way: Any) -> Any:
    """Whether a way has some of the line of an address; its low bits tell which halves."""
    entry = np.int64(lines[_index(address) + way])
    return entry & ~7 == address & 0x00FF_FFF8 and entry & 3 != 0


@native
def _way(lines: Any, address: Any) -> Any:
    """The way that has the line of an address; 2 if none."""
    if _holds(lines, address, 0):
        return np.int64(0)
    return np.int64(1 if _holds(lines, address, 1) else 2)


@native
def drop(lines: Any, address: Any) -> None:
    """Forget the line of an address."""
    for way in range(2):
        if _holds(lines, address, way):
            lines[_index(address) + way] = 0


@native
def _way_hit(chip: Any, lines: Any, address: Any) -> Any:
    """The way in which a word is found, 2 if none: 0x12 and 0x13, the top byte, do not look."""
    if chip[_OFF] or address >> 25 & 1:
        return np.int64(2)
    index, half = _index(address), np.int64(1 << (address >> 2 & 1))
    wanted = address & 0x00FF_FFF8 | half
    if np.int64(lines[index]) & (~np.int64(3) | half) == wanted:
        return np.int64(0)
    return np.int64(1 if np.int64(lines[index + 1]) & (~np.int64(3) | half) == wanted else 2)


@native
def _note_hit(chip: Any, lines: Any, address: Any, way: Any) -> None:
    """In a way, which is the one used last."""
    chip[_ACCESSES] += 1
    chip[_HITS] += 1
    lines[_index(address) + 2] = np.uint32(way)


@native
def costs_nothing(chip: Any, lines: Any, address: Any) -> Any:
    """Access a word of flash if that takes no time, where one core runs alone."""
    if chip[_MODELLED] == 0:
        return True
    way = _way_hit(chip, lines, address)
    if way == 2:
        return False
    _note_hit(chip, lines, address, way)
    return True


@native
def look_up(chip: Any, lines: Any, address: Any) -> Any:
    """Access a word: the cycles that a miss takes, 0 of a hit.

    0x10 and 0x12 put it into the cache, 0x11 and 0x13 do not.
    """
    way = _way_hit(chip, lines, address)
    if way < 2:
        _note_hit(chip, lines, address, way)
        return np.int64(0)
    chip[_ACCESSES] += 1
    if chip[_OFF] == 0 and address >> 24 & 1 == 0:
        way, index = _way(lines, address), _index(address)
        if way == 2:
            way = _way_to_give_way(chip, lines, index)
            lines[index + way] = np.uint32(address & 0x00FF_FFF8)
        lines[index + way] |= np.uint32(1 << (address >> 2 & 1))
        lines[index + 2] = way
    chip[_STALLS] += chip[_MISS]
    return chip[_MISS]


@native
def _read(core: Any, other: Any, chip: Any, lines: Any, cycle: Any, address: Any) -> Any:
    """Cycles that a core's access of a word waits."""
    missed = look_up(chip, lines, address)
    core[_WAITED] += missed
    return missed + occupy(core, other, chip, cycle, _XIP, missed + 1)


@native
def _way_to_give_way(chip: Any, lines: Any, index: Any) -> Any:
    """The one used last stays; or any, full or empty, by a generator of 32 bits (period 2^32)."""
    if chip[_LRU]:
        return 1 - np.int64(lines[index + 2])
    chip[_RANDOM] = chip[_RANDOM] * 1664525 + 1013904223 & 0xFFFF_FFFF
    return chip[_RANDOM] >> 31


@native
def read_at_once(core: Any, other: Any, chip: Any, lines: Any, cycle: Any, address: Any) -> Any:
    """Cycles that an access of the word at `address` waits, though the other core may be behind."""
    if chip[_MODELLED] == 0:
        return occupy(core, other, chip, cycle, _XIP, np.int64(1))
    return _read(core, other, chip, lines, cycle, address)


@native
def read_flash(
    core: Any, other: Any, chip: Any, lines: Any, now: Any, late: Any, address: Any
) -> Any:
    """Cycles that an access of the word at `address`, `late` cycles behind `now`, waits.

    NOT_YET where two cores run and the other has to come as far first: what fills a line, which
    takes long, is done in the order of time.
    """
    is_early = chip[_MODELLED] and chip[_SHARED] and is_ahead(core, other, now)
    if is_early and _way_hit(chip, lines, address) == 2:
        return np.int64(NOT_YET)
    return read_at_once(core, other, chip, lines, now + late, address)
