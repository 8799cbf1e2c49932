"""Clocks counted in terms of each other: exact, also while frequencies change.

The simulator counts cycles of clk_sys. Every other clock's count follows from the ratio of the two
frequencies since the last change of either.
"""

from collections.abc import Callable
from fractions import Fraction
from math import lcm
from typing import NamedTuple

from priot.sim.peripherals.scheduler import NEVER, Scheduler

_MOST = 1 << 28  # of a scale: products of two stay within 64 bits


class Line(NamedTuple):
    """At cycle c the count is base + (start + step * (c - since)) // scale.

    `start` is below `scale`, which is at most 2**28.
    """

    base: int
    start: int
    step: int
    since: int
    scale: int


class ClockCounter:
    """Counts the rising edges of one clock.

    Attributes:
        line: how it counts from the last change of a frequency on.
        on_move: called with a new line while the old one still holds.
    """

    def __init__(self, timebase: "Timebase", hz: Callable[[], Fraction]) -> None:
        self._timebase = timebase
        self._scheduler = timebase.scheduler
        self._hz = hz
        self._frequencies = Fraction(0), Fraction(0)
        self.line = Line(0, 0, 0, 0, 1)
        self.on_move: Callable[[Line], None] = lambda _: None
        self.reset()

    @property
    def count(self) -> int:
        """Edges until now."""
        return self.count_at(self._scheduler.cycles)

    def count_at(self, cycle: int) -> int:
        """Edges until a cycle, at the frequencies as they are now."""
        base, start, step, since, scale = self.line
        return base + (start + step * (cycle - since)) // scale

    def cycle_of(self, count: int) -> int:
        """The first cycle of clk_sys at which `count` is reached; NEVER if the clock stands."""
        base, start, step, since, scale = self.line
        missing = (count - base) * scale - start
        if missing <= 0:
            return since
        return since - -missing // step if step else NEVER

    def align(self) -> None:
        """Begin a period now: the next edge comes one whole period later."""
        self._move(Fraction(self.count))

    def rebase(self) -> None:
        """Go on at the frequencies as they are now."""
        if self._frequencies == self._frequencies_now():
            return
        base, start, step, since, scale = self.line
        self._move(base + Fraction(start + step * (self._scheduler.cycles - since), scale))

    def reset(self) -> None:
        """Count from zero."""
        self._move(Fraction(0))

    def _frequencies_now(self) -> tuple[Fraction, Fraction]:
        """Of this clock and of clk_sys, both 0 where that stands."""
        system_hz = self._timebase.system_hz()
        return (self._hz() if system_hz else Fraction(0)), system_hz

    def _move(self, position: Fraction) -> None:
        hz, system_hz = self._frequencies = self._frequencies_now()
        ratio = hz / system_hz if system_hz else Fraction(0)
        ratio = ratio.limit_denominator(_MOST)
        base, rest = divmod(position, 1)
        scale = lcm(rest.denominator, ratio.denominator)
        if scale > _MOST:  # the phase is not known to a part in a million of an edge
            scale = ratio.denominator * max(1, (1 << 20) // ratio.denominator)
        start, step = int(rest * scale), int(ratio * scale)
        line = Line(base, start, step, self._scheduler.cycles, scale)
        self.on_move(line)
        self.line = line


class Timebase:
    """All counters of a chip; `changed` is to be called when any frequency changed.

    Attributes:
        scheduler: the owner of time.
        system_hz: gives the frequency of clk_sys in Hz, 0 if it stands; set by CLOCKS.
        on_stand: called by `changed` while the system clock stands; set by CLOCKS.
        on_change: called by `changed` last.
        held: while the chip is being reset, `changed` does nothing.
        changes: how often a frequency may have changed; what was computed before is void.
    """

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler
        self.system_hz: Callable[[], Fraction] = lambda: Fraction(0)
        self.on_stand: Callable[[], None] = lambda: None
        self.on_change: Callable[[], None] = lambda: None
        self.held = False
        self.changes = 0
        self._counters: list[ClockCounter] = []

    def counter(self, hz: Callable[[], Fraction]) -> ClockCounter:
        """A new counter of a clock; `hz` gives its frequency, 0 if it stands."""
        counter = ClockCounter(self, hz)
        self._counters.append(counter)
        return counter

    def changed(self) -> None:
        """Let all counters go on at the new frequencies."""
        self.changes += 1
        if self.held:
            return
        for counter in self._counters:
            counter.rebase()
        self.scheduler.refresh()
        if not self.system_hz():
            self.on_stand()
        self.on_change()

    def reset(self) -> None:
        """Let all counters count from zero."""
        for counter in self._counters:
            counter.reset()
