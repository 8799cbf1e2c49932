"""Ctrl-C where an exception would be lost, as ctypes does with one of a callback, or do harm."""

from __future__ import annotations

import signal
from collections.abc import Callable
from threading import current_thread, main_thread
from types import FrameType


def interruptible(run: Callable[[], None], stop: Callable[[], None] = lambda: None) -> None:
    """Call ``run``, which no exception may leave midway; Ctrl-C calls ``stop``, and acts behind it.

    Raises:
        KeyboardInterrupt: or whatever the handler of SIGINT does, once ``run`` has returned.
    """
    # Only the main thread hears of signals.
    handler = signal.getsignal(signal.SIGINT) if current_thread() is main_thread() else None
    if not callable(handler):
        run()
        return
    caught: list[tuple[int, FrameType | None]] = []

    def defer(number: int, frame: FrameType | None) -> None:
        caught.append((number, frame))
        stop()

    signal.signal(signal.SIGINT, defer)
    try:
        run()
    finally:  # a stop may look like an error of Unicorn
        signal.signal(signal.SIGINT, handler)
        if caught:
            handler(*caught[0])
