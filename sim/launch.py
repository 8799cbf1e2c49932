"""What core 1 does in its boot ROM until core 0 launches it. Source: RP2040 datasheet, 2.8.2."""

from collections.abc import Callable

from sim.peripherals.mailbox import MailboxEnd

_GREETING = (0, 0, 1)
_ARGUMENTS = 3  # vector table, stack pointer, entry


class Launch:
    """Answers every word with itself and starts core 1 when the sequence is complete.

    The ROM's own loop is taken to need no time.

    Args:
        mailbox: core 1's end.
        start: called with stack pointer and entry.
        wake: called with every answer, which the ROM follows by a SEV.
    """

    def __init__(
        self, mailbox: MailboxEnd, start: Callable[[int, int], None], wake: Callable[[], None]
    ) -> None:
        self._mailbox = mailbox
        self._start, self._wake = start, wake
        self.reset()

    def reset(self) -> None:
        """Wait for the sequence."""
        self._heard: list[int] = []
        self._mailbox.on_word = self._hear

    def _hear(self) -> None:
        word = self._mailbox.receive()
        at = len(self._heard)
        if at < len(_GREETING) and word != _GREETING[at]:
            self._heard = []
        else:
            self._heard.append(word)
        self._mailbox.send(word)
        self._wake()
        if len(self._heard) == len(_GREETING) + _ARGUMENTS:
            self._mailbox.on_word = None
            _table, sp, entry = self._heard[len(_GREETING) :]
            self._start(sp, entry)
