"""Registers that programs poll: what they last gave, for the loop to answer by itself."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from priot.sim.cpu.state import STEADY_SIZE, Chip


class SteadyRegisters:
    """A small table among the chip's integers, so that a loop may poll several in turn."""

    def __init__(self, chip: npt.NDArray[np.int64]) -> None:
        self._chip = chip

    def note(self, address: int, value: int, until: int) -> None:
        """A register gives this value up to a cycle, that excluded, if nothing is written."""
        chip = self._chip
        count = int(chip[Chip.STEADY_COUNT])
        found = chip[Chip.STEADY : Chip.STEADY + 3 * count : 3].tolist()
        if address in found:
            entry = found.index(address)
        else:
            entry = count if count < STEADY_SIZE else 0
            chip[Chip.STEADY_COUNT] = entry + 1
        at = Chip.STEADY + 3 * entry
        chip[at : at + 3] = address, value, until

    def forget(self) -> None:
        """Something happened that may change any of them."""
        self._chip[Chip.STEADY_COUNT] = 0
