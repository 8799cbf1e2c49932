"""The clock outputs: how the native side (priot.sim.devices.clock_outputs) counts their periods."""

from fractions import Fraction
from functools import partial

from priot.sim.cpu.state import Chip, Machine
from priot.sim.devices.clock_outputs import CLOCK_OUTPUTS_ON, OUTPUTS, SEEN_AT, Output
from priot.sim.devices.devices import catch_up
from priot.sim.peripherals.clocks import Clocks
from priot.sim.peripherals.timebase import Line, Timebase


class ClockOutputs:
    """CLK_GPOUT0 to 3: high for half of each period, as with DC50, whatever the divider."""

    def __init__(self, machine: Machine, timebase: Timebase, clocks: Clocks) -> None:
        self._machine, self._timebase = machine, timebase
        for number in range(OUTPUTS):
            counter = timebase.counter(partial(_half_periods, clocks, f"clk_gpout{number}"))
            counter.on_move = partial(self._move, number)

    def _move(self, number: int, line: Line) -> None:
        chip = self._machine.chip
        at = int(Chip.CLOCK_OUTPUTS) + Output.SIZE * number
        if not line.step and not chip[at + Output.STEP]:
            return
        now = self._timebase.scheduler.cycles
        if not self._timebase.held:
            catch_up(self._machine, now)
        chip[at : at + Output.SIZE] = line
        chip[Chip.CLOCK_OUTPUTS + SEEN_AT] = now
        chip[Chip.DEVICES_ON] |= CLOCK_OUTPUTS_ON
        chip[Chip.DEVICES_AT] = min(int(chip[Chip.DEVICES_AT]), now)


def _half_periods(clocks: Clocks, name: str) -> Fraction:
    """Of a clock, in a second."""
    return 2 * clocks.hz(name)
