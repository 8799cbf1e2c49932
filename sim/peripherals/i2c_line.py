"""SDA and SCL of one I2C master, bit by bit while somebody may look at them.

Source: RP2040 datasheet, 4.3.14; NXP UM10204, 3.1. The pins show what the bus does, whoever pulls a
line low: an acknowledgement is seen at the master's own pins too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from priot.sim.cpu.state import Machine
from priot.sim.peripherals.io_bank import I2C
from priot.sim.peripherals.scheduler import Scheduler
from priot.sim.peripherals.serial_lines import Change, SerialLines
from priot.sim.peripherals.serial_pins import I2cPins

_PLAN = 4  # of I2C0 among the plans


class Times(NamedTuple):
    """Cycles of clk_sys: SCL low and high, set-up of a repeated START, bus free before a START,
    and from SCL's fall to a change of SDA."""

    low: int
    high: int
    setup: int
    free: int
    hold: int

    @property
    def bit(self) -> int:
        """One bit."""
        return self.low + self.high


class I2cLine:
    """What one controller does to its pins, from the present cycle on. Lines are left to their
    pull-ups where they are high.

    Args:
        number: of the controller.
        pins: of the controller.
    """

    def __init__(self, machine: Machine, scheduler: Scheduler, number: int, pins: I2cPins) -> None:
        self._scheduler = scheduler
        self._sda, self._scl = pins.lines
        self._lines = SerialLines(machine, scheduler, _PLAN + number, I2C, self._sda | self._scl)
        self._data = True  # the last level of SDA that was planned

    def rest(self) -> None:
        """Both lines are left alone."""
        self._data = True
        self._lines.set(0, 0)

    def start(self) -> None:
        """SDA falls while SCL is high."""
        self._plan((0, False, True))

    def bits(self, levels: Sequence[bool], times: Times) -> None:
        """From SCL low to SCL low again."""
        self._plan(*self._of(levels, times), (len(levels) * times.bit, levels[-1], False))

    def release(self, times: Times) -> None:
        """Both lines high, for a repeated START."""
        self._plan(*self._of([True], times))

    def stop(self, times: Times) -> None:
        """SDA rises while SCL is high."""
        self._plan(*self._of([False], times), (times.bit, True, True))

    def _of(self, levels: Sequence[bool], times: Times) -> Iterator[tuple[int, bool, bool]]:
        before = self._data
        for number, level in enumerate(levels):
            at = number * times.bit
            yield at, before, False
            yield at + times.hold, level, False
            yield at + times.low, level, True
            before = level

    def _plan(self, *changes: tuple[int, bool, bool]) -> None:
        """When, SDA and SCL."""
        self._data = changes[-1][1]
        if not self._lines.are_seen:
            return
        now = self._scheduler.cycles
        self._lines.plan(
            Change(now + after, 0, self._sda * (not sda) | self._scl * (not scl))
            for after, sda, scl in changes
        )
