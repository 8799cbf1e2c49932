"""Clocks counted in terms of each other: exact, also while frequencies change.

The simulator counts cycles of clk_sys. Every other clock's count follows from the ratio of the two
frequencies since the last change of either.
"""

from collections.abc import Callable
from fractions import Fraction
from math import lcm
from typing import Protocol

NEVER = 1 << 62  # a cycle that no run reaches


class Clock(Protocol):
    """The system clock."""

    @property
    def cycles(self) -> int:
        """Cycles of clk_sys until now, exact within a block too."""
        ...


class Timed(Protocol):
    """A peripheral in which something happens without an access."""

    def due(self) -> int:
        """The cycle of clk_sys at which `advance` should be called next, or NEVER."""
        ...

    def advance(self) -> None:
        """Bring the state, and with it the interrupt line, up to the present cycle."""
        ...


class ClockCounter:
    """Counts the rising edges of one clock."""

    def __init__(self, timebase: "Timebase", hz: Callable[[], Fraction]) -> None:
        self._timebase = timebase
        self._clock = timebase.clock
        self._hz = hz
        self._since = 0  # cycles of clk_sys
        # At cycle c the count is (start + step * (c - since)) / scale.
        self._start, self._step, self._scale = 0, 0, 1
        self.reset()

    @property
    def count(self) -> int:
        """Edges until now."""
        return (self._start + self._step * (self._clock.cycles - self._since)) // self._scale

    def cycle_of(self, count: int) -> int:
        """The first cycle of clk_sys at which `count` is reached; NEVER if the clock stands."""
        missing = count * self._scale - self._start
        if missing <= 0:
            return self._since
        return self._since - -missing // self._step if self._step else NEVER

    @property
    def line(self) -> tuple[int, int, int, int]:
        """`start`, `step`, `since`, `scale`: at cycle c the count is
        (start + step * (c - since)) // scale, until a frequency changes.
        """
        return self._start, self._step, self._since, self._scale

    def align(self) -> None:
        """Begin a period now: the next edge comes one whole period later."""
        self._move(Fraction(self.count))

    def rebase(self) -> None:
        """Go on at the frequencies as they are now."""
        elapsed = self._step * (self._clock.cycles - self._since)
        self._move(Fraction(self._start + elapsed, self._scale))

    def reset(self) -> None:
        """Count from zero."""
        self._move(Fraction(0))

    def _move(self, position: Fraction) -> None:
        system_hz = self._timebase.system_hz()
        ratio = self._hz() / system_hz if system_hz else Fraction(0)
        self._since = self._clock.cycles
        self._scale = lcm(position.denominator, ratio.denominator)
        self._start = int(position * self._scale)
        self._step = int(ratio * self._scale)


class Timebase:
    """All counters of a chip; `changed` is to be called when any frequency changed.

    Attributes:
        clock: the system clock.
        system_hz: gives its frequency in Hz, 0 if it stands; set by CLOCKS.
        on_stand: called by `changed` while the system clock stands; set by CLOCKS.
        on_change: called by `changed` last.
        held: while the chip is being reset, `changed` does nothing.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.system_hz: Callable[[], Fraction] = lambda: Fraction(0)
        self.on_stand: Callable[[], None] = lambda: None
        self.on_change: Callable[[], None] = lambda: None
        self.held = False
        self._counters: list[ClockCounter] = []

    def counter(self, hz: Callable[[], Fraction]) -> ClockCounter:
        """A new counter of a clock; `hz` gives its frequency, 0 if it stands."""
        counter = ClockCounter(self, hz)
        self._counters.append(counter)
        return counter

    def changed(self) -> None:
        """Let all counters go on at the new frequencies."""
        if self.held:
            return
        for counter in self._counters:
            counter.rebase()
        if not self.system_hz():
            self.on_stand()
        self.on_change()

    def reset(self) -> None:
        """Let all counters count from zero."""
        for counter in self._counters:
            counter.reset()
