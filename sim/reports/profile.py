"""Where the cycles went, exactly: by instruction, function and source line."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from priot.sim.loading.elf import Program, SourceLine

UNKNOWN = "?"  # a function or a line
XIP_STALL = "[XIP stall]"
WAITS = "[waits and exceptions]"


@dataclass(frozen=True)
class Entry:
    """A function's or line's share."""

    name: str
    cycles: int
    instructions: int


@dataclass(frozen=True)
class InstructionCost:
    """One instruction's share; `cycles` without its `stalls`."""

    address: int
    executions: int
    cycles: int
    stalls: int
    function: str
    line: SourceLine | None


@dataclass(frozen=True)
class Profile:
    """Cycles and executions of every instruction that ran.

    Attributes:
        addresses: int64, shape (n,), ascending.
        cycles: int64, shape (n,).
        executions: int64, shape (n,).
        stalls: int64, shape (n,); cycles spent waiting for flash, not contained in `cycles`.
        waits: cycles that no instruction took: exception entries, sleep, slow buses.
    """

    program: Program
    addresses: npt.NDArray[np.int64]
    cycles: npt.NDArray[np.int64]
    executions: npt.NDArray[np.int64]
    stalls: npt.NDArray[np.int64]
    waits: int

    @property
    def total(self) -> int:
        """All cycles of the run."""
        return int(self.cycles.sum() + self.stalls.sum()) + self.waits

    def since(self, earlier: "Profile") -> "Profile":
        """What came after ``earlier``, an earlier profile of the same run.

        Raises:
            ValueError: that one has instructions that this one has not.
        """
        at = np.searchsorted(self.addresses, earlier.addresses)
        if not np.array_equal(self.addresses.take(at, mode="clip"), earlier.addresses):
            raise ValueError("these are not two profiles of one run, the earlier one given")
        cycles, executions, stalls = (
            getattr(self, name).copy() for name in ("cycles", "executions", "stalls")
        )
        cycles[at] -= earlier.cycles
        executions[at] -= earlier.executions
        stalls[at] -= earlier.stalls
        ran = (executions | stalls) != 0
        return Profile(
            self.program,
            self.addresses[ran],
            cycles[ran],
            executions[ran],
            stalls[ran],
            self.waits - earlier.waits,
        )

    def by_function(self) -> list[Entry]:
        """Entries by function, the costliest first; "?" is code outside of all functions.

        Stalls and waits are entries of their own, here and in `by_line`.
        """

        return self._grouped(self._function)

    def by_line(self) -> list[Entry]:
        """Entries by "file:line", the costliest first; "?" is code without debug information."""
        return self._grouped(lambda address: str(self.program.line_at(address) or UNKNOWN))

    def by_instruction(self) -> list[InstructionCost]:
        """Every instruction that ran, by ascending address; waits belong to none."""
        columns = (self.addresses, self.executions, self.cycles, self.stalls)
        rows: Iterable[tuple[int, int, int, int]] = zip(
            *(column.tolist() for column in columns), strict=True
        )
        return [
            InstructionCost(*row, self._function(row[0]), self.program.line_at(row[0]))
            for row in rows
        ]

    def _function(self, address: int) -> str:
        function = self.program.function_at(address)
        return function.name if function else UNKNOWN

    def _grouped(self, name: Callable[[int], str]) -> list[Entry]:
        sums: dict[str, tuple[int, int]] = {}
        rows: Iterable[tuple[int, int, int]] = zip(
            self.addresses.tolist(), self.cycles.tolist(), self.executions.tolist(), strict=True
        )
        for address, cycles, executions in rows:
            before = sums.get(key := name(address), (0, 0))
            sums[key] = (before[0] + cycles, before[1] + executions)
        entries = [Entry(key, *values) for key, values in sums.items()]
        others = {XIP_STALL: int(self.stalls.sum()), WAITS: self.waits}
        entries += [Entry(key, cycles, 0) for key, cycles in others.items() if cycles]
        return sorted(entries, key=lambda entry: (-entry.cycles, entry.name))
