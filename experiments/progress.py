"""How far a command is, and how long it still takes: a bar on a terminal, else a line at times."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from threading import Event, Thread
from types import TracebackType
from typing import Self

from tqdm import tqdm

FIRST_SECONDS = 5
"""Until the first line: what is done by then needs none."""
LONGEST_SECONDS = 60
"""Between two lines; it doubles from FIRST_SECONDS on."""


class ProgressBar:
    """Within it ``update`` counts what is done, and standard error says so.

    Args:
        total: how much there is to do.
        unit: what is counted, in the plural.
        done: of it before; it took no time of this command.
        label: what is going on; ``describe`` changes it.
        note: what a line adds, such as what becomes of an interrupted command.
    """

    def __init__(
        self, total: int, unit: str, done: int = 0, label: str = "", note: str = ""
    ) -> None:
        self._total, self._unit, self._note, self._label = total, unit, note, label
        self._initial = self._done = done
        self._began = time.monotonic()
        self._ended = Event()
        self._bar: tqdm[None] | None = None
        if sys.stderr is not None and sys.stderr.isatty():
            self._bar = tqdm(total=total, initial=done, desc=label or None, unit=f" {unit}")

    def __enter__(self) -> Self:
        if self._bar is None:
            # Of its own, since what is counted may be one long run.
            Thread(target=self._tell, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        if self._bar is not None:
            self._bar.close()

    def update(self, done: int = 1) -> None:
        """So much more is done."""
        self._done += done
        if self._bar is not None:
            self._bar.update(done)

    def describe(self, label: str) -> None:
        """Something else is going on."""
        self._label = label
        if self._bar is not None:
            self._bar.set_description(label)

    @property
    def line(self) -> str:
        """What is told where there is no terminal."""
        label = f"{self._label}: " if self._label else ""
        new = self._done - self._initial
        left = ""
        if new:
            seconds = (time.monotonic() - self._began) / new * (self._total - self._done)
            left = f", some {duration(seconds)} left"
        return f"priot: {label}{self._done:,} of {self._total:,} {self._unit}{left}{self._note}"

    def _tell(self) -> None:
        wait: float = FIRST_SECONDS
        while not self._ended.wait(wait):
            with suppress(OSError, ValueError, AttributeError):  # nobody listens any more
                print(self.line, file=sys.stderr, flush=True)
            wait = min(2 * wait, LONGEST_SECONDS)


def duration(seconds: float) -> str:
    """A time in the unit that suits it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
