"""clk_sys: its frequency, and what its cycles are in seconds."""

from bisect import bisect_right
from collections.abc import Iterable
from fractions import Fraction
from math import ceil, lcm
from typing import NamedTuple

from priot.sim.peripherals import Scheduler

_PICOSECONDS = 10**12


class _Span(NamedTuple):
    """From a cycle on, whose time is `seconds`, the clock goes at `hz`."""

    since: int
    seconds: Fraction
    hz: Fraction


class SystemClock:
    """Time in seconds.

    Args:
        scheduler: the owner of time.
        hz: the frequency until the program sets one.
    """

    def __init__(self, scheduler: Scheduler, hz: int) -> None:
        self._scheduler = scheduler
        self._initial_hz = Fraction(hz)
        self.reset()

    def reset(self) -> None:
        """Power-on."""
        self._spans = [_Span(0, Fraction(0), self._initial_hz)]

    @property
    def hz(self) -> Fraction:
        """The frequency now."""
        return self._spans[-1].hz

    def change(self, hz: Fraction) -> None:
        """It goes on at another frequency now."""
        now = self._scheduler.cycles
        self._spans.append(_Span(now, self._time(now), hz))

    def restart(self) -> None:
        """The chip boots again: time goes on at the frequency of the beginning."""
        self.change(self._initial_hz)

    def seconds(self, cycle: int) -> float:
        """The time of a cycle since power-on, each at the frequency of its time."""
        return float(self._time(cycle))

    def picoseconds(self, cycles: Iterable[int]) -> list[int]:
        """The times of cycles, rounded down."""
        times, span, start, step, scale = [], None, 0, 0, 1
        for cycle in cycles:
            found = self._span(cycle)
            if found is not span:
                span, begin, period = found, found.seconds * _PICOSECONDS, _PICOSECONDS / found.hz
                scale = lcm(begin.denominator, period.denominator)
                start, step = int(begin * scale), int(period * scale)
            times.append((start + (cycle - found.since) * step) // scale)
        return times

    def cycle_of(self, seconds: Fraction) -> int:
        """The first cycle at or after a time, as far as the frequency stays as it is."""
        last = self._spans[-1]
        return last.since + ceil((seconds - last.seconds) * last.hz)

    def _time(self, cycle: int) -> Fraction:
        span = self._span(cycle)
        return span.seconds + (cycle - span.since) / span.hz

    def _span(self, cycle: int) -> _Span:
        last = self._spans[-1]
        if cycle >= last.since:
            return last
        return self._spans[bisect_right(self._spans, cycle, key=lambda one: one.since) - 1]
