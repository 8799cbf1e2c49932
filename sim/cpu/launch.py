"""What core 1 does in its boot ROM until core 0 launches it. Source: RP2040 datasheet, 2.8.2."""

from collections.abc import Callable

_COMMAND = 1  # what begins a launch; then come vector table, stack pointer and entry
_LAUNCH = 4  # words


class Launch:
    """Sends a 0 as soon as core 1 is out of reset, and for every word that does not go on with a
    launch; any other word it sends back. A 0 begins anew.

    The ROM's own loop is taken to need no time, and no SEV to look into the mailbox.

    Args:
        send: called with every answer, which the ROM follows by a SEV.
        start: called with vector table, stack pointer and entry.
    """

    def __init__(self, send: Callable[[int], None], start: Callable[[int, int, int], None]) -> None:
        self._send, self._start = send, start
        self._heard: list[int] = []

    def reset(self) -> None:
        """Core 1 is in reset."""
        self._heard = []

    def begin(self) -> None:
        """Core 1 is out of reset: whoever waits for it may send."""
        self._heard = []
        self._send(0)

    def hear(self, word: int) -> None:
        """Core 0 sent a word."""
        if not word or (not self._heard and word != _COMMAND):
            self.begin()
            return
        self._heard.append(word)
        self._send(word)
        if len(self._heard) == _LAUNCH:
            _, table, sp, entry = self._heard
            self._heard = []
            self._start(table, sp, entry)
