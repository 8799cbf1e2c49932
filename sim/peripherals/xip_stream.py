"""Words of flash that stream into a FIFO past the cache. Source: RP2040 datasheet, 2.6.3.3.

A word takes as long as a missed one. What the cores read meanwhile does not hold the stream up.
"""

from collections import deque

from priot.sim.peripherals.registers import Register, RegisterBlock
from priot.sim.peripherals.requests import RequestLine
from priot.sim.peripherals.scheduler import NEVER, Scheduler
from priot.sim.peripherals.xip_cache import XipCache

_DEPTH = 2


class XipStream:
    """STREAM_ADDR, STREAM_CTR and STREAM_FIFO; `request` is its request to the DMA."""

    def __init__(self, scheduler: Scheduler, cache: XipCache, request: RequestLine) -> None:
        self._scheduler = scheduler
        self._cache = cache
        self._request = request
        self._wakeup = scheduler.wakeup(self)
        self.reset()

    def reset(self) -> None:
        """No stream, the FIFO empty."""
        self._address = self._left = 0
        self._words: deque[int] = deque()
        self._arrival = NEVER  # the cycle at which the next word is there
        self._changed()

    def registers(self) -> list[Register]:
        """The registers at their offsets in XIP_CTRL."""
        return [
            Register(0x14, "STREAM_ADDR", 0, 0, self._read_address, self._write_address),
            Register(0x18, "STREAM_CTR", 0, 0, self._read_left, self._start),
            Register(0x1C, "STREAM_FIFO", 0, 0, self.pop, peek=self.peek),
        ]

    @property
    def is_empty(self) -> bool:
        """STAT.FIFO_EMPTY."""
        self.advance()
        return not self._words

    @property
    def is_full(self) -> bool:
        """STAT.FIFO_FULL."""
        self.advance()
        return len(self._words) == _DEPTH

    def pop(self) -> int:
        """The oldest word; 0 where there is none."""
        if self.is_empty:
            return 0
        word = self._words.popleft()
        if self._arrival == NEVER:  # it had waited for room
            self._fetch(self._scheduler.cycles)
        self._changed()
        return word

    def peek(self) -> int:
        """The word that would be taken; 0 where there is none."""
        self.advance()
        return self._words[0] if self._words else 0

    def due(self) -> int:
        """See Timed."""
        return self._arrival

    def advance(self) -> None:
        """See Timed."""
        while self._arrival <= self._scheduler.cycles:
            self._words.append(self._cache.word_at(self._address))
            self._address += 4
            self._left -= 1
            self._fetch(self._arrival)
        self._request.set(bool(self._words))

    def _fetch(self, start: int) -> None:
        """Begin with the next word, if there is one and room for it."""
        goes_on = self._left and len(self._words) < _DEPTH
        self._arrival = start + self._cache.word_cycles if goes_on else NEVER

    def _changed(self) -> None:
        self.advance()
        self._wakeup.refresh()

    def _read_address(self) -> int:
        self.advance()
        return self._address & 0xFFFF_FFFC

    def _write_address(self, value: int) -> None:
        self.advance()
        self._address = value & 0xFFFF_FFFC

    def _read_left(self) -> int:
        self.advance()
        return self._left

    def _start(self, value: int) -> None:
        """A count begins a stream; 0 ends it, and the FIFO keeps what it has."""
        self.advance()
        self._left = value & 0x3F_FFFF
        self._fetch(self._scheduler.cycles)
        self._changed()


class XipAux(RegisterBlock):
    """The stream's FIFO once more, on a bus of its own: at every address."""

    name = "XIP_AUX"
    base = 0x5040_0000

    def __init__(self, stream: XipStream) -> None:
        self._stream = stream
        super().__init__(Register(0x0, "STREAM_FIFO", 0, 0, stream.pop))

    def read(self, offset: int) -> int | None:
        """See RegisterBlock."""
        return self._stream.pop()

    def peek(self, offset: int) -> int | None:
        """See RegisterBlock."""
        return self._stream.peek()

    def write(self, offset: int, value: int) -> bool:
        """See RegisterBlock; it is without effect."""
        return True
