"""Where the cycles went, exactly: by instruction, function and source line."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.instructions import TAKEN_EXTRA_CYCLES
from sim.loading.elf import Program, SourceLine
from sim.machine import MAX_BLOCKS, SLOTS, addresses_of, slots_of

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


class Tally:
    """Reads the cycle counter's books.

    The books have room for a fixed number of blocks. When they are full they are folded into
    sums per slot, which takes longer but loses nothing.

    Attributes:
        cycles_elsewhere: of a second core, which enters the same books.
    """

    def __init__(self, machine: Any) -> None:
        self._machine = machine
        self._cycles = np.zeros(SLOTS, np.int64)
        self._executions = np.zeros(SLOTS, np.int64)
        self._instructions = 0
        self.cycles_elsewhere = 0

    @property
    def is_full(self) -> bool:
        """Whether the books must be folded before the core goes on."""
        return bool(self._machine["block_count"] >= MAX_BLOCKS - 1)

    @property
    def instructions(self) -> int:
        """Executions of all instructions since the last `clear`."""
        blocks = self._machine["blocks"][1 : self._machine["block_count"]]
        return self._instructions + int((blocks["count"] * blocks["instructions"]).sum())

    def clear(self) -> None:
        """Forget everything, totals included."""
        self._drop_blocks()
        self._cycles[:] = 0
        self._executions[:] = 0
        self._instructions = 0
        self._machine["cycles"] = self.cycles_elsewhere = 0
        self._machine["extra_cycles"][:] = 0

    def fold(self) -> None:
        """Move the blocks' counts into the sums and empty the books."""
        self._instructions = self.instructions
        self._add_to(self._cycles, self._executions)
        self._drop_blocks()

    def profile(self, program: Program) -> Profile:
        """The counts since the last `clear`."""
        cycles, executions = self._cycles.copy(), self._executions.copy()
        self._add_to(cycles, executions)
        cycles += self._machine["extra_cycles"][:SLOTS]
        stalls_at = self._machine["xip_stalls_at"][:SLOTS]
        slots = np.flatnonzero(executions | stalls_at)
        stalls = stalls_at[slots]
        total = self._machine["cycles"] + self.cycles_elsewhere
        waits = int(total - cycles.sum() - stalls.sum())
        return Profile(
            program, addresses_of(slots), cycles[slots], executions[slots], stalls, waits
        )

    def _drop_blocks(self) -> None:
        self._machine["index"][:] = 0
        self._machine["block_count"] = 1
        self._machine["cost_count"] = 0

    def _add_to(self, cycles: npt.NDArray[np.int64], executions: npt.NDArray[np.int64]) -> None:
        blocks = self._machine["blocks"][1 : self._machine["block_count"]]
        blocks = blocks[blocks["count"] > 0]
        if not blocks.size:
            return
        lengths = blocks["size"].astype(np.int64) // 2
        ends = np.cumsum(lengths)
        inside = np.arange(ends[-1]) - np.repeat(ends - lengths, lengths)
        starts = blocks["end"].astype(np.int64) - blocks["size"]
        first = slots_of(starts)
        slots = np.repeat(first, lengths) + inside
        costs = self._machine["costs"][np.repeat(blocks["costs"], lengths) + inside]
        counts = np.repeat(blocks["count"], lengths) * (costs > 0)
        np.add.at(executions, slots, counts)
        np.add.at(cycles, slots, counts * (costs.astype(np.int64) - 1))
        branches = first + lengths - 1
        np.add.at(cycles, branches, blocks["taken"] * TAKEN_EXTRA_CYCLES)
