"""WATCHDOG: countdown, scratch registers and the tick of 1 us. Source: RP2040 datasheet, 4.7.

The counter falls by two for each tick (erratum RP2040-E1).
"""

from collections.abc import Callable
from fractions import Fraction

from priot.sim.peripherals.registers import Register, field
from priot.sim.peripherals.scheduler import NEVER
from priot.sim.peripherals.timebase import Timebase
from priot.sim.peripherals.timed_block import TimedBlock

_TRIGGER, _ENABLE = 1 << 31, 1 << 30  # CTRL
_REASON_FORCE, _REASON_TIMER = 2, 1
_TICK_RUNNING, _TICK_ENABLE = 1 << 10, 1 << 9
_PER_TICK = 2


class Watchdog(TimedBlock):
    """Countdown and tick generator.

    Args:
        ref_hz: gives the frequency of clk_ref.
        on_timeout: called when the countdown ends or CTRL.TRIGGER is written: the chip resets.

    Attributes:
        ticks: counts the ticks, for TIMER as well: clk_ref / TICK.CYCLES.
    """

    name = "WATCHDOG"
    base = 0x4005_8000

    def __init__(
        self,
        timebase: Timebase,
        ref_hz: Callable[[], Fraction],
        on_timeout: Callable[[], None],
    ) -> None:
        self._timebase = timebase
        self._ref_hz = ref_hz
        self._on_timeout = on_timeout
        self._enabled = False
        self._remaining = 0  # of the countdown, at tick `_from`
        self._from = 0
        super().__init__(
            timebase.scheduler,
            Register(0x00, "CTRL", 0x0700_0000, 0x0700_0000, self._read_ctrl, self._write_ctrl),
            Register(0x04, "LOAD", 0, 0, on_write=self._write_load),
            Register(0x08, "REASON", 0, 0),
            *(Register(0x0C + 4 * i, f"SCRATCH{i}") for i in range(8)),
            Register(0x2C, "TICK", _TICK_ENABLE, 0x3FF, self._read_tick, self._write_tick),
        )
        self.ticks = timebase.counter(self.tick_hz)
        self._ref_edges = timebase.counter(ref_hz)
        self._tick_start = 0

    def tick_hz(self) -> Fraction:
        """Frequency of the tick in Hz; 0 while it is off."""
        divisor = field(self["TICK"], 8, 0)
        if not divisor or not self["TICK"] & _TICK_ENABLE:
            return Fraction(0)
        return self._ref_hz() / divisor

    def reset(self) -> None:
        """Power-on: off, the tick not running."""
        super().reset()
        self._enabled = False
        self._remaining, self._from = 0, self.ticks.count
        self._tick_start = self._ref_edges.count
        self._timebase.changed()

    @property
    def kept(self) -> dict[str, int]:
        """What a reset by the watchdog itself leaves: why it came, and the scratch registers."""
        return {name: self[name] for name in ("REASON", *(f"SCRATCH{i}" for i in range(8)))}

    def due(self) -> int:
        """The cycle at which the countdown ends."""
        if not self._enabled:
            return NEVER
        return self.ticks.cycle_of(self._from + -(-self._remaining // _PER_TICK))

    def advance(self) -> None:
        """Call `on_timeout` if the countdown has ended."""
        if self._enabled and not self._time():
            self._expire(_REASON_TIMER)

    def _time(self) -> int:
        if not self._enabled:
            return self._remaining
        return max(0, self._remaining - _PER_TICK * (self.ticks.count - self._from))

    def _expire(self, reason: int) -> None:
        self._enabled = False
        self["REASON"] = reason
        self._on_timeout()

    def _read_ctrl(self) -> int:
        self.advance()
        return self["CTRL"] | _ENABLE * self._enabled | self._time()

    def _write_ctrl(self, value: int) -> None:
        self._remaining, self._from = self._time(), self.ticks.count
        self._enabled = bool(value & _ENABLE)
        if value & _TRIGGER:
            self._expire(_REASON_FORCE)
        else:
            self.advance()

    def _write_load(self, value: int) -> None:
        self._remaining, self._from = value & 0xFF_FFFF, self.ticks.count

    def _write_tick(self, _value: int) -> None:
        self._timebase.changed()
        self.ticks.align()
        self._tick_start = self._ref_edges.count

    def _read_tick(self) -> int:
        divisor = field(self["TICK"], 8, 0)
        running = bool(self["TICK"] & _TICK_ENABLE and divisor)
        elapsed = (self._ref_edges.count - self._tick_start) % divisor if running else 0
        count = divisor - 1 - elapsed if running else 0
        return self["TICK"] | _TICK_RUNNING * running | count << 11
