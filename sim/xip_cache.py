"""The cache through which flash is executed and read in place.

RP2040 datasheet, 2.6.3.1: 16 KB, two-way set-associative, a hit takes no extra cycle. A line is
8 bytes, filled by halves of 4 (one serial read each; pico-feedback issue 307). The top byte of
an address says how it is used: 0x10 looks up and allocates, 0x11 looks up only, 0x12 allocates
without looking up, 0x13 goes past the cache. The datasheet is silent on which way gives way;
least recently used is assumed.

What is accessed: a word is fetched when execution comes to its first instruction, in program
order with the data reads; it is fetched again after a branch (any discontinuity), even into the
same word. What the core prefetches beyond a taken branch is not counted: up to one missed word
too few for every such branch, but only as often as that word is not in the cache. Reads are
known only by a hook, so they count only in a program that has something in flash, or where the
host says that it will put data there.

All of it is native; `sim.cycle_counter` calls it from Unicorn's hooks.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit

from sim.instructions import Kind
from sim.machine import XIP_SETS
from sim.memory_map import FLASH, XIP

# Cycles that a missed word costs beyond a hit. Quad read in continuous mode: 20 SCK at half the
# system clock (boot2_w25q080.S of the SDK), so at least 40; 45 to 50 fit published times of code
# on silicon, which the SSI's clock crossing explains (RP2040 datasheet, 4.10).
DEFAULT_MISS_CYCLES = 45

_WINDOW_BITS = XIP.size.bit_length() - 1
_WINDOW = XIP.base >> _WINDOW_BITS
_FLASH_MASK = FLASH.size - 1
_PREFIX_32 = int(Kind.PREFIX_32)


@dataclass(frozen=True)
class XipStatistics:
    """Accesses of words in flash since reset, and the `stall_cycles` that the misses cost.

    `accesses` and `hits` are what the counters CTR_ACC and CTR_HIT show (datasheet, 2.6.3.4).
    """

    accesses: int
    hits: int
    stall_cycles: int

    @property
    def misses(self) -> int:
        """Accesses that had to wait for the flash chip."""
        return self.accesses - self.hits


class XipCache:
    """The host's view of the cache in a MACHINE record."""

    def __init__(self, machine: Any, miss_cycles: int) -> None:
        if miss_cycles < 0:
            raise ValueError(f"xip_miss {miss_cycles}: a miss cannot take less than no time")
        self._machine = machine
        machine["xip_miss"] = miss_cycles

    @property
    def statistics(self) -> XipStatistics:
        """The counts since reset; all zero where the cache is not modelled."""
        names = ("xip_accesses", "xip_hits", "xip_stalls")
        return XipStatistics(*(int(self._machine[name]) for name in names))

    def flush(self) -> None:
        """Forget all lines, as a write of 1 to XIP_CTRL.FLUSH does."""
        self._machine["xip_lines"] = 0

    def enable(self, on: bool) -> None:
        """Use the cache or not, as XIP_CTRL.EN says; what it held is lost when it goes off."""
        self._machine["xip_disabled"] = not on
        if not on:
            self.flush()

    @property
    def accesses(self) -> int:
        """Words accessed since reset."""
        return int(self._machine["xip_accesses"])

    @property
    def hits(self) -> int:
        """Those found in the cache."""
        return int(self._machine["xip_hits"])

    def reset(self) -> None:
        """Cold, with all counts at zero."""
        self.enable(True)
        self.flush()
        for name in ("xip_accesses", "xip_hits", "xip_stalls", "xip_stalls_at", "fetched"):
            self._machine[name] = 0


@njit
def _access(machine: Any, address: Any) -> Any:
    """Cycles that the access of the word at `address` waits."""
    machine.xip_accesses += 1
    alias = 3 if machine.xip_disabled else address >> 24 & 3
    line = np.uint32(address & 0x00FF_FFF8)
    half = np.uint32(1 << (address >> 2 & 1))  # the low bits of a line tell which halves it holds
    lines = machine.xip_lines[address >> 3 & (XIP_SETS - 1)]  # two ways, then which was used last
    way: Any = 0
    if lines[0] ^ line > 3:
        way = 1 if lines[1] ^ line <= 3 else 2
    if way < 2 and alias & 2 == 0 and lines[way] & half:
        lines[2] = way
        machine.xip_hits += 1
        return 0
    if alias & 1 == 0:
        if way == 2:
            way = 1 - np.int64(lines[2])
            lines[way] = line
        lines[way] |= half
        lines[2] = way
    machine.xip_stalls += machine.xip_miss
    machine.cycles += machine.xip_miss
    return machine.xip_miss


@njit
def start_fetching(machine: Any, address: Any) -> None:
    """A block begins at `address`; only where it continues its predecessor is its word at hand."""
    if machine.fetch_next != address:
        machine.fetched = 0
        machine.fetch_next = address


@njit
def _instruction_at(machine: Any, address: Any) -> Any:
    """The slot of the instruction that holds the halfword at `address` in the current block."""
    block = machine.blocks[machine.current]
    slot = (address & _FLASH_MASK) >> 1
    is_first = address == np.int64(block.end) - np.int64(block.size)
    # Within a block, what looks like a first halfword is one: only BL's second half does, at its
    # end.
    if not is_first and machine.kind[machine.code[slot - 1]] == _PREFIX_32:
        return slot - 1
    return slot


@njit
def fetch_until(machine: Any, end: Any) -> None:
    """Fetches what has been executed since, up to the address `end`."""
    at = np.int64(machine.fetch_next)
    machine.fetch_next = end
    end = np.int64(end)
    if at >= end or at >> _WINDOW_BITS != _WINDOW:
        return
    word = at & ~3
    if word == np.int64(machine.fetched):
        word += 4
    while word < end:
        # Most words are there, so those of a line are looked up together.
        lines = machine.xip_lines[np.uint64(word >> 3 & (XIP_SETS - 1))]
        words = 2 if word & 4 == 0 and word + 4 < end else 1
        halves = np.uint32(3) if words == 2 else np.uint32(1 << (word >> 2 & 1))
        wanted = np.uint32(word & 0x00FF_FFF8) | halves
        mask = ~np.uint32(7) | halves
        if lines[0] & mask == wanted or lines[1] & mask == wanted:
            lines[2] = np.uint32(lines[0] & mask != wanted)
            machine.xip_accesses += words
            machine.xip_hits += words
        else:
            words = 1
            stall = _access(machine, word)
            if stall:
                machine.xip_stalls_at[_instruction_at(machine, max(word, at))] += stall
        machine.fetched = word + 4 * words - 4
        word += 4 * words


@njit
def read(machine: Any, address: Any, slot: Any) -> None:
    """A data read in flash by the instruction in `slot`."""
    stall = _access(machine, np.int64(address) & ~3)
    if stall:
        machine.xip_stalls_at[slot] += stall


@njit
def _is_cached(machine: Any, address: Any) -> Any:
    wanted = np.uint32(address & 0x00FF_FFF8) | np.uint32(1 << (address >> 2 & 1))
    lines = machine.xip_lines[np.uint64(address >> 3 & (XIP_SETS - 1))]
    mask = ~np.uint32(7) | wanted & np.uint32(3)
    return lines[0] & mask == wanted or lines[1] & mask == wanted


@njit
def longest_stall(machine: Any, address: Any, slot: Any, is_first: Any) -> Any:
    """Cycles that an instruction will wait for flash at most; `is_first` of its block.

    What it reads is not known ahead, so it is taken to miss; the stack is not in flash.
    """
    misses = 0
    if address >> _WINDOW_BITS == _WINDOW:
        if is_first or address & 2 == 0:
            misses += not _is_cached(machine, address & ~3)
        if address & 2:  # it may be 32 bits wide
            misses += not _is_cached(machine, address + 2)
    halfword = machine.code[slot]
    if halfword >> 11 == 0b11001:  # LDM
        misses += 8
    elif (
        (halfword >> 12 == 0b0101 and halfword >> 9 >= 0b0101011)  # with a register as offset
        or (halfword >> 13 == 0b011 and halfword >> 11 & 1)
        or halfword >> 11 in (0b10001, 0b01001)  # LDRH, literal
    ):
        misses += 1
    return misses * machine.xip_miss
