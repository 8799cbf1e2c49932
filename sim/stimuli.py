"""What somebody outside does at set times, such as pressing a button."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from heapq import heappop, heappush

from priot.sim.cpu.system_clock import SystemClock
from priot.sim.peripherals.scheduler import NEVER, Scheduler

Action = Callable[[], object]


class Stimuli:
    """Actions by cycle and by time. The time of a cycle depends on what the program's clock does.

    Attributes:
        acting: whether an action is being done now: the peripherals are in its cycle then.
    """

    def __init__(self, scheduler: Scheduler, clock: SystemClock) -> None:
        self._scheduler, self._clock = scheduler, clock
        self._wakeup = scheduler.wakeup(self)
        self.reset()

    def reset(self) -> None:
        """Power-on: nothing is to be done."""
        self.acting = False
        self._numbers = 0  # of two at one time the first that was asked for comes first
        self._by_cycle: list[tuple[int, int, Action]] = []
        self._by_time: list[tuple[Fraction, int, Action]] = []

    def add(self, when: int | Fraction, action: Action) -> None:
        """Do something at a cycle, or at a time in seconds if that is a Fraction."""
        self._numbers += 1
        if isinstance(when, Fraction):
            heappush(self._by_time, (when, self._numbers, action))
        else:
            heappush(self._by_cycle, (when, self._numbers, action))
        self.refresh()

    def refresh(self) -> None:
        """The clock goes on at another frequency."""
        self._wakeup.refresh()

    def due(self) -> int:
        """See Timed."""
        by_cycle = self._by_cycle[0][0] if self._by_cycle else NEVER
        by_time = self._clock.cycle_of(self._by_time[0][0]) if self._by_time else NEVER
        return max(min(by_cycle, by_time), self._scheduler.cycles)

    def advance(self) -> None:
        """See Timed."""
        now = self._scheduler.cycles
        self.acting = True
        try:
            while self._by_cycle and self._by_cycle[0][0] <= now:
                heappop(self._by_cycle)[2]()
            while self._by_time and self._clock.cycle_of(self._by_time[0][0]) <= now:
                heappop(self._by_time)[2]()
        finally:
            self.acting = False
