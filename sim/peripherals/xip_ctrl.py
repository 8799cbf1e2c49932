"""XIP_CTRL: the flash cache's control and counters. Source: RP2040 datasheet, 2.6.3.

The streaming registers are not modelled.
"""

from typing import Protocol

from sim.peripherals.registers import ALL_BITS, Register, RegisterBlock

_EN, _POWER_DOWN = 1 << 0, 1 << 3  # CTRL
_FLUSH_READY, _FIFO_EMPTY = 1 << 0, 1 << 1  # STAT


class XipCache(Protocol):
    """What the registers need of a cache.

    Attributes:
        hits: accesses that were served from the cache since reset.
        accesses: all accesses since reset.
    """

    @property
    def hits(self) -> int: ...

    @property
    def accesses(self) -> int: ...

    def flush(self) -> None:
        """Forget all lines."""
        ...

    def enable(self, on: bool) -> None:
        """Serve accesses from the cache, or all from the flash."""
        ...


class XipCtrl(RegisterBlock):
    """The counters saturate at 32 bits; a flush takes no time."""

    name = "XIP_CTRL"
    base = 0x1400_0000

    def __init__(self, cache: XipCache) -> None:
        self._cache = cache
        self._hits_before = self._accesses_before = 0
        super().__init__(
            Register(0x00, "CTRL", 0x3, 0xB, on_write=self._write_ctrl),
            Register(0x04, "FLUSH", 0, 0, on_write=self._write_flush),
            Register(0x08, "STAT", _FLUSH_READY | _FIFO_EMPTY, 0),
            Register(0x0C, "CTR_HIT", 0, 0, self._read_hits, self._clear_hits),
            Register(0x10, "CTR_ACC", 0, 0, self._read_accesses, self._clear_accesses),
        )

    def reset(self) -> None:
        """The cache on and empty, its counters at zero."""
        super().reset()
        self._cache.enable(True)
        self._cache.flush()
        self._clear_hits(0)
        self._clear_accesses(0)

    def _write_ctrl(self, _value: int) -> None:
        if self["CTRL"] & _POWER_DOWN:
            self["CTRL"] &= ~_EN
        self._cache.enable(bool(self["CTRL"] & _EN))

    def _write_flush(self, value: int) -> None:
        if value & 1:
            self._cache.flush()

    def _read_hits(self) -> int:
        return min(self._cache.hits - self._hits_before, ALL_BITS)

    def _clear_hits(self, _value: int) -> None:
        self._hits_before = self._cache.hits

    def _read_accesses(self) -> int:
        return min(self._cache.accesses - self._accesses_before, ALL_BITS)

    def _clear_accesses(self, _value: int) -> None:
        self._accesses_before = self._cache.accesses
