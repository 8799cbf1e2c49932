"""What the pins did: every change of a level, with its cycle and its time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from priot.sim.cpu.state import PIN_LOG_SIZE, Chip
from priot.sim.cpu.system_clock import SystemClock
from priot.sim.devices.pins import Bank

_LOGGED, _LEVELS = Chip.PINS + Bank.LOGGED, Chip.PINS + Bank.LEVELS


@dataclass(frozen=True)
class PinChanges:
    """Levels of all GPIOs since power-on, each to hold until the next; the first is at cycle 0.

    Attributes:
        cycles: of clk_sys, ascending: int64, shape (n,).
        picoseconds: the times of these cycles, each cycle at its own frequency: int64, (n,).
        levels: at the pads, bit n of GPIO n: uint32, (n,). Neighbours differ.
        end: the time in picoseconds up to which the last is known to hold.
    """

    cycles: npt.NDArray[np.int64]
    picoseconds: npt.NDArray[np.int64]
    levels: npt.NDArray[np.uint32]
    end: int


class PinLog:
    """Empties the log that native code keeps; each entry says which pins changed in a cycle."""

    def __init__(self, chip: npt.NDArray[np.int64], clock: SystemClock) -> None:
        self._chip, self._clock = chip, clock
        chip[_LOGGED] = 1
        self.reset()

    def reset(self) -> None:
        """Power-on: begin with the levels as they are."""
        self._chip[Chip.PIN_LOG_COUNT] = 0
        self._first = self._levels = int(self._chip[_LEVELS])
        self._drained: list[npt.NDArray[np.int64]] = []

    def drain(self, now: int) -> None:
        """Take what was logged; called whenever the log is a quarter full, and sooner."""
        chip = self._chip
        count = int(chip[Chip.PIN_LOG_COUNT])
        if count:
            assert count < PIN_LOG_SIZE, "changes of pins are lost"
            entries = chip[Chip.PIN_LOG : Chip.PIN_LOG + 2 * count].reshape(-1, 2).copy()
            chip[Chip.PIN_LOG_COUNT] = 0
            self._drained.append(entries)
            self._levels ^= int(np.bitwise_xor.reduce(entries[:, 1]))
        levels = int(chip[_LEVELS])
        if levels != self._levels:  # a reset takes levels away and tells nobody
            self._drained.append(np.array([[now, levels ^ self._levels]], np.int64))
            self._levels = levels

    def changes(self, now: int) -> PinChanges:
        """All until now."""
        self.drain(now)
        entries = np.concatenate([np.array([[0, 0]], np.int64), *self._drained])
        # Two devices that are brought up to a cycle one after the other log so too.
        entries = entries[np.argsort(entries[:, 0], kind="stable")]
        levels = (np.bitwise_xor.accumulate(entries[:, 1]) ^ self._first).astype(np.uint32)
        cycles = entries[:, 0]
        last = np.append(cycles[1:] != cycles[:-1], True)  # of its cycle
        cycles, levels = cycles[last], levels[last]
        differs = np.insert(levels[1:] != levels[:-1], 0, True)
        cycles, levels = cycles[differs], levels[differs]
        times = self._clock.picoseconds([*cycles.tolist(), now])
        return PinChanges(cycles, np.array(times[:-1], np.int64), levels, max(times))
