"""Judges a stack that leaves the room which the program gives it.

Nothing on the chip watches a stack. Below its room something of the program's may lie, which a
push would overwrite; or nothing, and then it does no harm.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from priot.sim.loading.boot import stack_limit_of_core1
from priot.sim.loading.elf import Program
from priot.sim.memory_map import SRAM
from priot.sim.reports.memory_use import KEPT_FREE

_AT_ONCE = 256  # bytes that a stack may go on before it is judged again
_WORD = 4


@dataclass(frozen=True)
class StackWarning:
    """A stack left its room and did no harm.

    Attributes:
        core: whose stack it is.
        pc: the instruction that lowered SP, or ahead of which an exception came.
        function: where that lies; None if that is unknown.
        sp: what SP became.
        limit: the lowest address of the stack's room.
    """

    core: int
    pc: int
    function: str | None
    sp: int
    limit: int

    def __str__(self) -> str:
        place = f"{self.pc:#010x} ({self.function})" if self.function else f"{self.pc:#010x}"
        return (
            f"the stack of core {self.core} left its room: SP {self.sp:#010x} at {place}, limit "
            f"{self.limit:#010x}; nothing of the program's lies there"
        )


class StackGuard:
    """Knows what a program owns.

    Args:
        untouched: shape (SRAM.size,); what SRAM holds where nobody wrote.

    Attributes:
        warnings: one for each core whose stack left its room.
    """

    def __init__(self, program: Program, untouched: npt.NDArray[np.uint8]) -> None:
        self._program, self._untouched = program, untouched
        self._sections = [
            (section.address, section.end)
            for section in program.sections
            if SRAM.holds(section.address) and not section.name.startswith(KEPT_FREE)
        ]
        self.warnings: list[StackWarning] = []
        self._lowest: dict[int, int] = {}  # by core: what is its stack's own already

    def reset(self) -> None:
        """Power-on."""
        self.warnings.clear()
        self._lowest.clear()

    def limit_of(self, sp: int) -> int:
        """The lowest address of the room of core 1's stack, which begins at `sp`."""
        return stack_limit_of_core1(self._program, sp)

    def judge(
        self,
        core: int,
        sp: int,
        limit: int,
        pc: int,
        sram: npt.NDArray[np.uint8],
        others: Iterable[tuple[int, int]],
    ) -> int | None:
        """The limit from now on of a stack that goes below its limit; None if it does harm.

        Args:
            sp: what SP is to become.
            pc: the instruction at work.
            others: first and end of what is in use by other stacks.
        """
        end = min(limit, self._lowest.get(core, limit))
        if not SRAM.base <= sp or end > SRAM.end:
            return None
        first = max(SRAM.base, sp & -_AT_ONCE)
        span = slice(first - SRAM.base, max(first, end) - SRAM.base)
        used = sram[span] != self._untouched[span]
        for start, behind in (*self._sections, *others):
            used[max(0, start - first) : max(0, behind - first)] = True
        if used[sp - first :].any():
            return None
        if all(warning.core != core for warning in self.warnings):
            function = self._program.function_at(pc)
            name = function.name if function else None
            self.warnings.append(StackWarning(core, pc, name, sp, limit))
        in_the_way = np.flatnonzero(used[: sp - first])
        if in_the_way.size:
            first += (int(in_the_way[-1]) // _WORD + 1) * _WORD
        self._lowest[core] = min(end, first)
        return first
