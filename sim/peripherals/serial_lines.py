"""What a UART, SPI or I2C controller does to its pins, planned ahead: priot.sim.devices.lines."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from priot.sim.cpu.native import from_python
from priot.sim.cpu.state import Chip, Machine
from priot.sim.devices.devices import catch_up
from priot.sim.devices.lines import DEPTH, LINES_ON, Plan, show
from priot.sim.devices.observers import is_observed
from priot.sim.devices.pins import Bank
from priot.sim.peripherals.scheduler import Scheduler

_show = from_python(show)
_is_observed = from_python(is_observed)
_GIVEN = Chip.PINS + Bank.FUNCTION


class Change(NamedTuple):
    """From a cycle on: levels and output enables of a controller's pins, as masks."""

    cycle: int
    out: int
    enable: int


class SerialLines:
    """The pins that one controller may have.

    Args:
        number: of the controller among those that have plans.
        function: FUNCSEL that gives it pins.
        pins: all that there are.
    """

    def __init__(
        self, machine: Machine, scheduler: Scheduler, number: int, function: int, pins: int
    ) -> None:
        self._machine, self._scheduler = machine, scheduler
        self._at = Chip.SERIAL_LINES + Plan.SIZE * number
        self._given, self._pins = _GIVEN + function, pins
        machine.chip[self._at + Plan.FUNCTION] = function
        machine.chip[self._at + Plan.PINS] = pins

    @property
    def are_seen(self) -> bool:
        """Whether somebody notices: a wire, PIO, an interrupt, or who keeps what pins do."""
        chip = self._machine.chip
        pins = int(chip[self._given]) & self._pins
        return bool(pins and _is_observed(chip, pins))

    def set(self, out: int, enable: int) -> None:
        """Now; what was planned is dropped."""
        machine, now = self._machine, self._scheduler.cycles
        catch_up(machine, now)
        machine.chip[self._at + Plan.COUNT] = 0
        _show(*machine.cores, machine.chip, self._at, out, enable, now)

    def plan(self, changes: Iterable[Change]) -> None:
        """In the order of their cycles; what was planned from the first of them on is dropped."""
        catch_up(self._machine, self._scheduler.cycles)
        chip, added = self._machine.chip, list(changes)
        head = int(chip[self._at + Plan.HEAD])
        count = int(chip[self._at + Plan.COUNT])
        while count and chip[self._place(head + count - 1)] >= added[0].cycle:
            count -= 1
        assert count + len(added) <= DEPTH, "a word has more changes than there is room for"
        for number, change in enumerate(added, head + count):
            at = self._place(number)
            chip[at : at + 3] = change
        chip[self._at + Plan.COUNT] = count + len(added)
        chip[Chip.DEVICES_ON] |= LINES_ON
        chip[Chip.DEVICES_AT] = min(int(chip[Chip.DEVICES_AT]), int(chip[self._place(head)]))

    def _place(self, number: int) -> int:
        return self._at + Plan.CHANGES + 3 * (number % DEPTH)
