"""A slow second opinion on the XIP cache: one instruction, one access at a time, in Python."""

from dataclasses import dataclass, field
from typing import Any

from reference_counter import cost_of
from unicorn import arm_const, unicorn_const
from unicorn.unicorn_py3.unicorn import Uc

from priot.sim import Pico

_FLASH, _SRAM = 0x1000_0000, 0x2000_0000
_FLASH_SIZE = 2 << 20


class PlainCache:
    """1024 sets of two ways; a way is None or a line with the words of it that are there.

    Args:
        seed: of the random ways; None: the one that was not used last gives way.
    """

    def __init__(self, seed: int | None = None) -> None:
        self._state = seed
        self._sets: dict[int, list[tuple[int, set[int]] | None]] = {}
        self._last: dict[int, int] = {}
        self.accesses = self.hits = 0

    def access(self, address: int) -> bool:
        """Whether the word at `address` is a hit."""
        self.accesses += 1
        alias, offset = address >> 24, address & 0xFFFFFF
        looks_up, allocates = alias in (0x10, 0x11), alias in (0x10, 0x12)
        word, line = offset // 4, offset // 8
        number = line % 1024
        ways = self._sets.setdefault(number, [None, None])
        here = next((at for at, way in enumerate(ways) if way and way[0] == line), None)
        if here is not None:
            words = ways[here][1]
            if word in words and looks_up:
                self.hits += 1
                self._last[number] = here
                return True
        if allocates:
            if here is None:
                here, words = self._victim(number), set()
                ways[here] = line, words
            words.add(word)
            self._last[number] = here
        return False

    def _victim(self, number: int) -> int:
        if self._state is None:
            return 1 - self._last.get(number, 0)
        self._state = (self._state * 1664525 + 1013904223) % 2**32  # Numerical Recipes, 7.1
        return self._state // 2**31


@dataclass
class Seen:
    """What the slow model counted; `stalls` by the instruction that waited."""

    cache: PlainCache
    cycles: int = 0
    stalls: dict[int, int] = field(default_factory=dict)


def count(target: Pico, miss: int, seed: int | None, instructions: int = 1_000_000) -> Seen:
    """Execute a copy of a freshly reset Pico up to its first BKPT."""
    seen = Seen(PlainCache(seed))
    uc = Uc(
        unicorn_const.UC_ARCH_ARM, unicorn_const.UC_MODE_THUMB, cpu=arm_const.UC_CPU_ARM_CORTEX_M0
    )
    image = target.read(_FLASH, count=_FLASH_SIZE).tobytes()
    for alias in range(4):
        uc.mem_map(_FLASH + (alias << 24), _FLASH_SIZE)
        uc.mem_write(_FLASH + (alias << 24), image)
    uc.mem_map(_SRAM, target.sram.size)
    uc.mem_write(_SRAM, target.sram.tobytes())
    registers = target.registers
    for name in registers.__dataclass_fields__:
        uc.reg_write(getattr(arm_const, f"UC_ARM_REG_{name.upper()}"), getattr(registers, name))
    expected, fetched, behind, pc, done = -1, -1, 0, 0, 0

    def access(address: int) -> None:
        if not seen.cache.access(address):
            seen.cycles += miss
            seen.stalls[pc] = seen.stalls.get(pc, 0) + miss

    def step(uc: Uc, address: int, size: int, data: Any) -> None:
        nonlocal expected, fetched, behind, pc, done
        if address != expected and behind % 4 == 0 and _FLASH <= behind < _SRAM:
            access(behind)  # the word behind a taken branch was asked for already
        halfword = int.from_bytes(uc.mem_read(address, 2), "little")
        if halfword >> 8 == 0xBE or done == instructions:
            uc.emu_stop()
            return
        done += 1
        pc = address
        if address != expected:
            fetched = -1
        expected = behind = address + size
        if address < _SRAM:
            for part in range(address, address + size, 2):
                if part // 4 != fetched:
                    fetched = part // 4
                    access(part)
        xpsr = uc.reg_read(arm_const.UC_ARM_REG_XPSR)
        n, z, c, v = (bool(xpsr >> bit & 1) for bit in (31, 30, 29, 28))
        cost = cost_of(halfword, (n, z, c, v))
        seen.cycles += cost
        second = int.from_bytes(uc.mem_read(address + 2, 2), "little")
        links = halfword >> 11 == 0b11110 and second & 0xD000 == 0xD000
        if links or halfword >> 11 == 0b11100 or (halfword >> 12 == 0xD and cost == 2):
            expected = -1  # a branch, if only to the next instruction

    def read(uc: Uc, kind: int, address: int, size: int, value: int, data: Any) -> None:
        access(address)

    uc.hook_add(unicorn_const.UC_HOOK_CODE, step)
    uc.hook_add(unicorn_const.UC_HOOK_MEM_READ, read, begin=_FLASH, end=_SRAM - 1)
    uc.emu_start(registers.pc | 1, 0xFFFF_FFF0)
    return seen
