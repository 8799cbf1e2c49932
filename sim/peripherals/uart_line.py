"""What UARTs do on pins. RP2040 datasheet, 4.2 and 1.4.3; Arm DDI0183G, 2.7.2."""

from __future__ import annotations

from priot.sim.cpu.state import Machine
from priot.sim.peripherals.io_bank import UART
from priot.sim.peripherals.scheduler import Scheduler
from priot.sim.peripherals.serial_lines import Change, SerialLines
from priot.sim.peripherals.serial_pins import GPIOS
from priot.sim.peripherals.timebase import ClockCounter
from priot.sim.peripherals.uart_frame import levels_of

_RX, _RTS = 1, 3  # pins behind TX


class UartLine:
    """TX of one UART, bit by bit while somebody may look at it. RTS is inactive: high.

    1.4.3: pins come in fours (TX, RX, CTS, RTS), of UART 0, 1, 1, 0 and so on.

    Args:
        number: of the UART.
        counter: of the UART.

    Attributes:
        rx: the pins that may be its input.
    """

    def __init__(
        self, machine: Machine, scheduler: Scheduler, number: int, counter: ClockCounter
    ) -> None:
        self._counter = counter
        self._tx = sum(1 << pin for pin in range(0, GPIOS, 4) if (pin + 4) // 8 % 2 == number)
        self.rx = self._tx << _RX
        self._rts = self._tx << _RTS & (1 << GPIOS) - 1
        self._lines = SerialLines(machine, scheduler, number, UART, self._tx | self._rts)

    def set(self, level: bool) -> None:
        """From now on, whatever was on its way."""
        self._lines.set(self._tx * level | self._rts, self._tx | self._rts)

    @property
    def is_seen(self) -> bool:
        """Whether anybody may look at it."""
        return self._lines.are_seen

    def send(self, word: int, control: int, at: int, bit: int) -> None:
        """A frame begins: its data, LCR_H, when in counts, and the counts of a bit."""
        if not self.is_seen:
            return
        levels = levels_of(word, control)
        self._lines.plan(
            self._change(at + place * bit, level)
            for place, level in enumerate(levels)
            if place == 0 or level != levels[place - 1]
        )

    def hold(self, level: bool, at: int) -> None:
        """A break begins, or ends, at a count."""
        if self.is_seen:
            self._lines.plan([self._change(at, level)])

    def _change(self, count: int, level: bool) -> Change:
        pins = self._tx | self._rts
        return Change(self._counter.cycle_of(count), self._tx * level | self._rts, pins)
