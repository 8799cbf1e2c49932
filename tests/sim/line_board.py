"""A Pico's peripherals whose pins are looked at in every cycle."""

from __future__ import annotations

from collections.abc import Iterator

from native_board import NativeBoard

from priot.sim.cpu.state import Chip
from priot.sim.devices.pins import Bank


class LineBoard(NativeBoard):
    """Events of peripherals and of native devices come in the order of time, as in a chip.

    Attributes:
        changes: of the GPIOs: cycle, and all levels from then on.
    """

    def __init__(self) -> None:
        super().__init__()
        self.init_clocks()
        self.machine.chip[Chip.PINS + Bank.LOGGED] = 1
        self.forget()

    def forget(self) -> None:
        """Begin anew with the levels as they are."""
        self._advance()
        chip = self.machine.chip
        chip[Chip.PIN_LOG_COUNT] = 0
        self.changes = [(self.clock.cycles, int(chip[Chip.PINS + Bank.LEVELS]))]

    def pass_time(self, cycles: int) -> None:
        """Let so many go by."""
        chip, end = self.machine.chip, self.clock.cycles + cycles
        while self.clock.cycles < end:
            self.clock.advance(min(end, self.clock.next, int(chip[Chip.DEVICES_AT])))
            self._advance()
            self.chip.io_bank0.tell_watched()
        count = int(chip[Chip.PIN_LOG_COUNT])
        log = chip[Chip.PIN_LOG : Chip.PIN_LOG + 2 * count].reshape(-1, 2).tolist()
        chip[Chip.PIN_LOG_COUNT] = 0
        for cycle, changed in log:
            self.changes.append((cycle, self.changes[-1][1] ^ changed))

    def edges(self, pin: int) -> list[int]:
        """The cycles in which a pin changed, since the changes began."""
        (begin, before), *rest = self.changes
        found = []
        for cycle, levels in rest:
            if (levels ^ before) >> pin & 1:
                found.append(cycle - begin)
            before = levels
        return found

    def level(self, pin: int, at: int) -> int:
        """Of a pin, so many cycles after the changes began."""
        begin = self.changes[0][0]
        return [levels for cycle, levels in self.changes if cycle - begin <= at][-1] >> pin & 1

    def levels(self, pin: int, times: Iterator[int] | range | list[int]) -> list[int]:
        """Of a pin at several times."""
        return [self.level(pin, at) for at in times]
