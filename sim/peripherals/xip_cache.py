"""What XIP_CTRL and the stream need of the flash cache."""

from typing import Protocol


class XipCache(Protocol):
    """A cache, and the flash behind it.

    Attributes:
        hits: accesses that were served from the cache since reset.
        accesses: all accesses since reset.
        word_cycles: cycles that a word takes to come from the flash.
    """

    @property
    def hits(self) -> int: ...

    @property
    def accesses(self) -> int: ...

    @property
    def word_cycles(self) -> int: ...

    def word_at(self, address: int) -> int:
        """The word of the flash at an address, wherever in its windows."""
        ...

    def flush(self) -> None:
        """Forget all lines."""
        ...

    def enable(self, on: bool) -> None:
        """Serve accesses from the cache, or all from the flash."""
        ...

    def read_takes(self, cycles: int) -> None:
        """The serial interface was set up to read a word in so many cycles."""
        ...
