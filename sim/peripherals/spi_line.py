"""SCK, CSn and TX of one SPI controller, bit by bit while somebody may look at them."""

from __future__ import annotations

from collections.abc import Iterable

from priot.sim.cpu.state import Machine
from priot.sim.peripherals.io_bank import SPI
from priot.sim.peripherals.scheduler import Scheduler
from priot.sim.peripherals.serial_lines import Change, SerialLines
from priot.sim.peripherals.serial_pins import SpiPins
from priot.sim.peripherals.spi_waves import Frame, Lines
from priot.sim.peripherals.timebase import ClockCounter

_PLAN = 2  # of SPI0 among the plans


class SpiLine:
    """What one controller does to its pins.

    Args:
        number: of the controller.
        counter: counts cycles of clk_peri.
        pins: of the controller.
    """

    def __init__(
        self,
        machine: Machine,
        scheduler: Scheduler,
        number: int,
        counter: ClockCounter,
        pins: SpiPins,
    ) -> None:
        self._counter = counter
        self._select, self._clock, self._data = pins.outputs
        every = self._select | self._clock | self._data
        self._lines = SerialLines(machine, scheduler, _PLAN + number, SPI, every)

    @property
    def is_seen(self) -> bool:
        """Whether anybody may look at them."""
        return self._lines.are_seen

    def rest(self, frame: Frame, is_master: bool) -> None:
        """Between frames, from now on. The clock and chip select of a slave are inputs."""
        _, out, enable = self._change(frame.idle(), 0, is_master)
        self._lines.set(out, enable)

    def plan(self, lines: Iterable[Lines], begin: int, half: int, is_master: bool) -> None:
        """What comes from a count on, of which half a period takes `half`."""
        cycle_of = self._counter.cycle_of
        self._lines.plan(
            self._change(one, cycle_of(begin + one.half * half), is_master) for one in lines
        )

    def _change(self, lines: Lines, cycle: int, is_master: bool) -> Change:
        levels = self._select * lines.select | self._clock * lines.clock
        own = (self._select | self._clock) * is_master
        data = self._data * (lines.data is not None)
        return Change(cycle, levels & own | data * bool(lines.data), own | data)
