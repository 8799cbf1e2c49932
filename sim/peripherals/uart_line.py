"""What UARTs do on pins. RP2040 datasheet, 4.2 and 1.4.3; Arm DDI0183G, 2.7.2 and 3.3.6."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from priot.sim.cpu.state import Chip, Machine
from priot.sim.devices.pins import Bank
from priot.sim.devices.pio.registers import PIO_ON
from priot.sim.peripherals.io_bank import IoBank
from priot.sim.peripherals.registers import field
from priot.sim.peripherals.scheduler import NEVER, Scheduler
from priot.sim.peripherals.serial_pins import GPIOS
from priot.sim.peripherals.timebase import ClockCounter

_FUNCTION = 2
_PEN, _EPS, _SPS = 1 << 1, 1 << 2, 1 << 7  # LCR_H
_OUTPUTS = (0, 3)  # TX and RTS, of each four pins


class UartPins:
    """The pins of both UARTs: TX of one that sends nothing, and RTS, which is inactive, are high.

    1.4.3: pins come in fours, of UART 0, 1, 1, 0 and so on.
    """

    def __init__(self, bank: IoBank, machine: Machine) -> None:
        self._bank, self._chip = bank, machine.chip
        self._enable = sum(1 << pin for pin in range(GPIOS) if pin % 4 in _OUTPUTS)
        self._tx = [
            sum(1 << pin for pin in range(0, GPIOS, 4) if (pin + 4) // 8 % 2 == number)
            for number in (0, 1)
        ]
        self._out = self._enable

    def set_tx(self, number: int, level: bool) -> None:
        """Drive a UART's TX."""
        self._out = self._out | self._tx[number] if level else self._out & ~self._tx[number]
        self._bank.drive(_FUNCTION, self._out, self._enable)

    def shows(self, number: int) -> bool:
        """Whether somebody may look at a UART's TX: a wire, PIO, or who keeps what pins do."""
        pins = self._tx[number] & self._bank.pins_of(_FUNCTION)
        if not pins:
            return False
        chip = self._chip
        watched = chip[Chip.PINS + Bank.LOGGED] or chip[Chip.DEVICES_ON] & PIO_ON
        return bool(watched) or any(wire & pins for wire in self._bank.wires)


class UartLine:
    """TX of one UART, bit by bit while somebody may look at it.

    Args:
        counter: of the UART.
        set_level: drives its pins.
        is_seen: whether anybody may look at them.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        counter: ClockCounter,
        set_level: Callable[[bool], None],
        is_seen: Callable[[], bool],
    ) -> None:
        self._counter = counter
        self._set_level, self._is_seen = set_level, is_seen
        self._edges: deque[tuple[int, bool]] = deque()  # count, level
        self._wakeup = scheduler.wakeup(self)

    def reset(self) -> None:
        """Idle."""
        self._edges.clear()
        self._set_level(True)
        self._wakeup.refresh()

    def send(self, word: int, control: int, at: int, bit: int) -> None:
        """A frame begins: its data, LCR_H, when in counts, and the counts of a bit."""
        if not self._is_seen():
            return
        data = 5 + field(control, 6, 5)
        levels = [False, *(bool(word >> place & 1) for place in range(data))]
        if control & _PEN:
            # Even parity makes the number of ones even; a stick bit is the complement of EPS.
            odd = not control & _SPS and word.bit_count() & 1
            levels.append(bool(odd) == bool(control & _EPS))
        levels.append(True)
        before = True
        for place, level in enumerate(levels):
            if level != before:
                self._edges.append((at + place * bit, level))
            before = level
        self.advance()
        self._wakeup.refresh()

    def due(self) -> int:
        """See Timed."""
        return self._counter.cycle_of(self._edges[0][0]) if self._edges else NEVER

    def advance(self) -> None:
        """See Timed."""
        now = self._counter.count
        while self._edges and self._edges[0][0] <= now:
            self._set_level(self._edges.popleft()[1])
