"""Time as the peripherals see it: cycles of the system clock, and the watchdog's tick.

RP2040 datasheet, 2.15 (clk_sys), 4.7.2 (tick): the tick is derived from the reference clock,
usually to 1 MHz. TIMER counts it, and SysTick can.
"""

from fractions import Fraction
from typing import Any, Protocol, runtime_checkable

NEVER = 1 << 62  # a cycle that no run reaches


@runtime_checkable
class Timed(Protocol):
    """A peripheral that does something at a certain time."""

    def due(self) -> int:
        """The cycle at which it next needs `advance`, later than now; NEVER if none."""
        ...

    def advance(self) -> None:
        """Bring it up to the present."""
        ...


class Clock:
    """The time of one access or event, exact to the cycle.

    Args:
        machine: the MACHINE record whose `now` is the time.
        hz: the system clock until a program sets it.
    """

    def __init__(self, machine: Any, hz: int) -> None:
        self._machine = machine
        self._hz = self._reset_hz = Fraction(hz)
        self._tick_hz = Fraction(1_000_000)
        self.reset()

    def reset(self) -> None:
        """Power-on: no tick has been counted yet."""
        self._hz, self._tick_hz = self._reset_hz, Fraction(1_000_000)
        self._since = 0
        self._phase = Fraction(0)  # ticks counted until `_since`

    @property
    def cycles(self) -> int:
        """Cycles of clk_sys since reset."""
        return int(self._machine["now"])

    @property
    def hz(self) -> Fraction:
        """Frequency of clk_sys from now on; what is written comes from CLOCKS."""
        return self._hz

    @hz.setter
    def hz(self, value: int | Fraction) -> None:
        self._rebase()
        self._hz = Fraction(value)

    @property
    def tick_hz(self) -> Fraction:
        """Frequency of the tick from now on, 0 while it is off; written by WATCHDOG."""
        return self._tick_hz

    @tick_hz.setter
    def tick_hz(self, value: int | Fraction) -> None:
        self._rebase()
        self._tick_hz = Fraction(value)

    @property
    def ticks(self) -> int:
        """Ticks since reset."""
        return int(self._ticks())

    def cycle_of_tick(self, count: int) -> int:
        """The first cycle at which `ticks` is `count` or more, at the present rates."""
        rate = self._tick_hz / self._hz
        if not rate:
            return NEVER
        return min(NEVER, self._since - (self._phase - count) // rate)

    def _ticks(self) -> Fraction:
        return self._phase + (self.cycles - self._since) * self._tick_hz / self._hz

    def _rebase(self) -> None:
        self._phase, self._since = self._ticks(), self.cycles
