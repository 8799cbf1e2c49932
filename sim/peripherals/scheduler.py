"""Time: a heap of the events to which peripherals have pushed, in the order in which they come."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Protocol

NEVER = 1 << 62  # a cycle that no run reaches


class Timed(Protocol):
    """A peripheral in which something happens without an access."""

    def due(self) -> int:
        """The cycle of clk_sys at which `advance` is to be called, or NEVER."""
        ...

    def advance(self) -> None:
        """Bring the state, and with it the interrupt line, up to the present cycle."""
        ...


class Wakeup:
    """The next event of one peripheral, which says anew when it is due after every change."""

    def __init__(self, scheduler: Scheduler, timed: Timed) -> None:
        self._scheduler, self._timed = scheduler, timed
        self.cycle = NEVER

    def refresh(self) -> None:
        """Ask the peripheral when it is due."""
        cycle = self._timed.due()
        if cycle != self.cycle:
            self.cycle = cycle
            if cycle < NEVER:
                self._scheduler.push(self)

    def happen(self) -> None:
        """Its time has come."""
        self.cycle = NEVER
        self._timed.advance()
        self.refresh()


class Scheduler:
    """Moves the clock from event to event.

    Attributes:
        cycles: of clk_sys since power-on, at the event or access that peripherals are asked about.
    """

    def __init__(self) -> None:
        self._wakeups: list[Wakeup] = []
        self._heap: list[tuple[int, int, Wakeup]] = []
        self.reset()

    def reset(self) -> None:
        """Power-on."""
        self.cycles = self._pushed = 0
        self._heap.clear()
        for wakeup in self._wakeups:
            wakeup.cycle = NEVER

    def wakeup(self, timed: Timed) -> Wakeup:
        """For a peripheral of its own: where it says that it is due."""
        wakeup = Wakeup(self, timed)
        self._wakeups.append(wakeup)
        return wakeup

    @property
    def parts(self) -> list[object]:
        """The scheduler and all that know it."""
        return [*self._wakeups, self]

    def push(self, wakeup: Wakeup) -> None:
        """Note when a peripheral is due."""
        self._pushed += 1  # what is due in one cycle happens in the order in which it was pushed
        heappush(self._heap, (wakeup.cycle, self._pushed, wakeup))

    def refresh(self) -> None:
        """Ask all peripherals when they are due: a frequency changed."""
        for wakeup in self._wakeups:
            wakeup.refresh()

    @property
    def next(self) -> int:
        """The cycle of the next event, or NEVER."""
        heap = self._heap
        while heap and heap[0][2].cycle != heap[0][0]:
            heappop(heap)  # its peripheral is due at another time now
        return heap[0][0] if heap else NEVER

    def advance(self, cycle: int) -> None:
        """Let everything happen until a cycle, that included. Time does not go back."""
        while (due := self.next) <= cycle:
            _, _, wakeup = heappop(self._heap)
            self.cycles = max(self.cycles, due)
            wakeup.happen()
        self.cycles = max(self.cycles, cycle)
