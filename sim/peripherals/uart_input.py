"""What a UART makes of the levels at its input. Source: Arm DDI0183G, 2.4.3 and 2.7.2.

The start bit is looked at in its middle, and from there on every bit a bit's time later; a byte is
there in the middle of its stop bit. Of two stop bits the second is not looked at.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from priot.sim.peripherals.uart_frame import levels_of, word_of


class Received(NamedTuple):
    """A byte with its errors, and the count at which it was there."""

    word: int
    at: int


class UartInput:
    """Edges in, bytes out. All times are counts of the UART's counter; `control` is LCR_H, `bit`
    the counts of a bit."""

    def __init__(self) -> None:
        self.reset(True)

    def reset(self, level: bool) -> None:
        """Nothing is on its way; the line is at a level."""
        self._level = level  # ahead of the first edge
        self._edges: deque[tuple[int, bool]] = deque()

    def hear(self, count: int, level: bool) -> None:
        """The line has this level."""
        before = self._edges[-1][1] if self._edges else self._level
        if level != before:
            self._edges.append((count, level))

    def ready_at(self, control: int, bit: int) -> int | None:
        """When the byte that is on its way, if any, will be there."""
        if self._edges and self._edges[0][1]:  # a frame begins where the line falls
            self._level = self._edges.popleft()[1]
        if not self._edges:
            return None
        return self._edges[0][0] + _middle(len(levels_of(0, control)) - 1, bit)

    def take(self, now: int, control: int, bit: int) -> Received | None:
        """The next byte that is there until now."""
        while (at := self.ready_at(control, bit)) is not None and at <= now:
            start = self._edges[0][0]
            if self._level_at(start + _middle(0, bit)):  # no start bit, but a disturbance
                self._forget(start)
                continue
            places = range(len(levels_of(0, control)))
            levels = [self._level_at(start + _middle(place, bit)) for place in places]
            self._forget(at)
            return Received(word_of(levels, control), at)
        return None

    def _level_at(self, count: int) -> bool:
        level = self._level
        for edge, after in self._edges:
            if edge > count:
                break
            level = after
        return level

    def _forget(self, until: int) -> None:
        while self._edges and self._edges[0][0] <= until:
            self._level = self._edges.popleft()[1]


def _middle(place: int, bit: int) -> int:
    return (2 * place + 1) * bit // 2
