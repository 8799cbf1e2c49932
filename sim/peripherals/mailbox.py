"""The FIFOs between the cores. Source: RP2040 datasheet, 2.3.1.4."""

from collections import deque
from collections.abc import Callable

_DEPTH = 8
_VLD, _RDY, _WOF, _ROE = 1, 1 << 1, 1 << 2, 1 << 3  # FIFO_ST
_ERRORS = _WOF | _ROE


class MailboxEnd:
    """What one core sees of both FIFOs; `other` is the end that it sends to.

    Args:
        interrupt: told the level of the core's SIO interrupt.
    """

    def __init__(self, interrupt: Callable[[bool], None]) -> None:
        self._interrupt = interrupt
        self._words: deque[int] = deque()
        self._errors = 0
        self.other: MailboxEnd | None = None
        self.on_word: Callable[[], None] | None = None  # called when a word has come

    def reset(self) -> None:
        """Empty, without errors."""
        self._words.clear()
        self._errors = 0
        self._tell()

    def status(self) -> int:
        """FIFO_ST: whether there is a word to read and room for one to send, and errors."""
        assert self.other is not None
        room = len(self.other._words) < _DEPTH
        return _VLD * bool(self._words) | _RDY * room | self._errors

    def send(self, word: int) -> None:
        """FIFO_WR: a word to the other core; WOF where there is no room for it."""
        assert self.other is not None
        if len(self.other._words) < _DEPTH:
            self.other._words.append(word)
            self.other._tell()
            if self.other.on_word:
                self.other.on_word()
        else:
            self._fail(_WOF)

    def receive(self) -> int:
        """FIFO_RD: the oldest word; ROE where there is none."""
        if not self._words:
            self._fail(_ROE)
            return 0
        word = self._words.popleft()
        self._tell()
        return word

    def clear_errors(self) -> None:
        """Any write of FIFO_ST."""
        self._errors = 0
        self._tell()

    def _fail(self, error: int) -> None:
        self._errors |= error
        self._tell()

    def _tell(self) -> None:
        self._interrupt(bool(self._words) or bool(self._errors))


def mailbox(
    first: Callable[[bool], None], second: Callable[[bool], None]
) -> tuple[MailboxEnd, MailboxEnd]:
    """Both ends, of core 0 and core 1, with their interrupts."""
    ends = MailboxEnd(first), MailboxEnd(second)
    ends[0].other, ends[1].other = ends[1], ends[0]
    return ends
