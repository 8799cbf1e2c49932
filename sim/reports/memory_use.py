"""How much SRAM a program takes: what it declares, and the peaks that a run reached."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from priot.sim.loading.elf import Program, Section
from priot.sim.memory_map import SRAM

KEPT_FREE = (".heap", ".stack", ".arena")  # sections that are room, not use


@dataclass(frozen=True)
class MemoryUse:
    """Bytes of SRAM.

    Attributes:
        static_data: writable sections (.data, .bss and the like), without the arena.
        arena: from the arena's start to the last byte that differs from the power-on pattern.
            What the host wrote counts too; a byte that happens to equal the pattern does not.
        stack: from the initial SP down to the lowest SP that was reached.
        code: executable and read-only sections placed in SRAM.
        total: the sum of these.
        capacity: SRAM of an RP2040.
    """

    static_data: int
    arena: int
    stack: int
    code: int
    capacity: int = SRAM.size

    @property
    def total(self) -> int:
        """The sum of all four."""
        return self.static_data + self.arena + self.stack + self.code


def measure(program: Program, touched: npt.NDArray[np.bool_], stack: int) -> MemoryUse:
    """Memory use of a run.

    Args:
        touched: shape (SRAM.size,); which bytes differ from the power-on pattern.
        stack: bytes, measured by SP.

    The arena lies between the symbols `__arena_start__` and `__arena_end__`, else between
    `__end__` and `__HeapLimit` or `__StackLimit` (the heap of the Pico SDK and of newlib).
    """
    start, end = _arena(program)
    used = np.flatnonzero(touched[start - SRAM.base : end - SRAM.base])
    static_data = code = 0
    for section in program.sections:
        if not SRAM.holds(section.address) or section.name.startswith(KEPT_FREE):
            continue
        if section.writable and not section.executable:
            static_data += section.size - _overlap(section, start, end)
        else:
            code += section.size
    return MemoryUse(static_data, int(used[-1]) + 1 if used.size else 0, stack, code)


def _arena(program: Program) -> tuple[int, int]:
    symbols = program.symbols
    for first, last in (
        ("__arena_start__", "__arena_end__"),
        ("__end__", "__HeapLimit"),
        ("__end__", "__StackLimit"),
    ):
        if first in symbols and last in symbols:
            start, end = symbols[first].address, symbols[last].address
            if SRAM.base <= start <= end <= SRAM.end:
                return start, end
    return SRAM.base, SRAM.base


def _overlap(section: Section, start: int, end: int) -> int:
    return max(0, min(section.end, end) - max(section.address, start))
