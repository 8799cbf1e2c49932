"""Reads the block counter's books: how often each instruction ran, and what that cost."""

from typing import Any

import numpy as np
import numpy.typing as npt

from priot.sim.instructions import TAKEN_EXTRA_CYCLES
from priot.sim.kernel_engine.books import MAX_BLOCKS, SLOTS, addresses_of, slots_of
from priot.sim.loading.elf import Program
from priot.sim.reports.profile import Profile


class Tally:
    """Sums over the blocks of the books.

    The books have room for a fixed number of blocks. When they are full they are folded into
    sums per slot, which takes longer but loses nothing.
    """

    def __init__(self, books: Any) -> None:
        self._books = books
        self._cycles = np.zeros(SLOTS, np.int64)
        self._executions = np.zeros(SLOTS, np.int64)
        self._instructions = 0

    @property
    def is_full(self) -> bool:
        """Whether the books must be folded before the core goes on."""
        return bool(self._books["block_count"] >= MAX_BLOCKS - 1)

    @property
    def instructions(self) -> int:
        """Executions of all instructions since the last `clear`."""
        blocks = self._books["blocks"][1 : self._books["block_count"]]
        return self._instructions + int((blocks["count"] * blocks["instructions"]).sum())

    def clear(self) -> None:
        """Forget everything, totals included."""
        self._drop_blocks()
        self._cycles[:] = 0
        self._executions[:] = 0
        self._instructions = 0
        self._books["cycles"] = 0

    def fold(self) -> None:
        """Move the blocks' counts into the sums and empty the books."""
        self._instructions = self.instructions
        self._add_to(self._cycles, self._executions)
        self._drop_blocks()

    def profile(self, program: Program) -> Profile:
        """The counts since the last `clear`."""
        cycles, executions = self._cycles.copy(), self._executions.copy()
        self._add_to(cycles, executions)
        slots = np.flatnonzero(executions)
        addresses = addresses_of(slots)
        slots = slots[np.argsort(addresses)]
        columns = cycles[slots], executions[slots], np.zeros_like(slots)
        waits = int(self._books["cycles"] - cycles.sum())
        return Profile(program, np.sort(addresses), *columns, waits)

    def _drop_blocks(self) -> None:
        self._books["index"][:] = 0
        self._books["block_count"] = 1
        self._books["cost_count"] = 0

    def _add_to(self, cycles: npt.NDArray[np.int64], executions: npt.NDArray[np.int64]) -> None:
        blocks = self._books["blocks"][1 : self._books["block_count"]]
        blocks = blocks[blocks["count"] > 0]
        if not blocks.size:
            return
        lengths = blocks["size"].astype(np.int64) // 2
        ends = np.cumsum(lengths)
        inside = np.arange(ends[-1]) - np.repeat(ends - lengths, lengths)
        starts = blocks["end"].astype(np.int64) - blocks["size"]
        first = slots_of(starts)
        slots = np.repeat(first, lengths) + inside
        costs = self._books["costs"][np.repeat(blocks["costs"], lengths) + inside]
        counts = np.repeat(blocks["count"], lengths) * (costs > 0)
        np.add.at(executions, slots, counts)
        np.add.at(cycles, slots, counts * (costs.astype(np.int64) - 1))
        branches = first + lengths - 1
        np.add.at(cycles, branches, blocks["taken"] * TAKEN_EXTRA_CYCLES)
