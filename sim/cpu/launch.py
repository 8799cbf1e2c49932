"""What core 1 does in its boot ROM until core 0 launches it. Source: RP2040 datasheet, 2.8.2."""

from collections.abc import Callable

_GREETING = (0, 0, 1)
_ARGUMENTS = 3  # vector table, stack pointer, entry


class Launch:
    """Answers every word with itself and starts core 1 when the sequence is complete.

    The ROM's own loop is taken to need no time.

    Args:
        send: called with every answer, which the ROM follows by a SEV.
        start: called with vector table, stack pointer and entry.
    """

    def __init__(self, send: Callable[[int], None], start: Callable[[int, int, int], None]) -> None:
        self._send, self._start = send, start
        self.reset()

    def reset(self) -> None:
        """Wait for the sequence."""
        self._heard: list[int] = []

    def hear(self, word: int) -> None:
        """Core 0 sent a word."""
        at = len(self._heard)
        if at < len(_GREETING) and word != _GREETING[at]:
            self._heard = []
        else:
            self._heard.append(word)
        self._send(word)
        if len(self._heard) == len(_GREETING) + _ARGUMENTS:
            table, sp, entry = self._heard[len(_GREETING) :]
            self._heard = []
            self._start(table, sp, entry)
