"""A Pico's peripherals with memory, and time that passes for native devices too."""

import numpy as np
from peripheral_board import Board

from priot.sim.cpu.state import Chip
from priot.sim.devices.devices import catch_up


class NativeBoard(Board):
    """As the cores' loop does, it asks devices when they want to be, and before every access.

    Attributes:
        sram: all of it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.sram = self.machine.words.view(np.uint8)[:0x4_2000]

    def _advance(self) -> None:
        catch_up(self.machine, self.clock.cycles)

    def pass_time(self, cycles: int) -> None:
        """Let devices do what they do in so many cycles."""
        chip = self.machine.chip
        end = self.clock.cycles + cycles
        while chip[Chip.DEVICES_AT] <= end:
            self.clock.advance(int(chip[Chip.DEVICES_AT]))
            self._advance()
        self.clock.advance(end)

    def read(self, block: str, register: str) -> int:
        """See Board."""
        self._advance()
        return super().read(block, register)

    def write(self, block: str, register: str, value: int) -> None:
        """See Board."""
        self._advance()
        super().write(block, register, value)
