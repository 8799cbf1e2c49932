"""XIP_CTRL: the flash cache's control and counters. Source: RP2040 datasheet, 2.6.3."""

from priot.sim.peripherals.registers import ALL_BITS, Register, RegisterBlock
from priot.sim.peripherals.xip_cache import XipCache
from priot.sim.peripherals.xip_stream import XipStream

_EN, _POWER_DOWN = 1 << 0, 1 << 3  # CTRL
_FLUSH_READY, _FIFO_EMPTY, _FIFO_FULL = 1 << 0, 1 << 1, 1 << 2  # STAT


class XipCtrl(RegisterBlock):
    """The counters saturate at 32 bits; a flush takes no time."""

    name = "XIP_CTRL"
    base = 0x1400_0000

    def __init__(self, cache: XipCache, stream: XipStream) -> None:
        self._cache, self._stream = cache, stream
        self._hits_before = self._accesses_before = 0
        super().__init__(
            Register(0x00, "CTRL", 0x3, 0xB, on_write=self._write_ctrl),
            Register(0x04, "FLUSH", 0, 0, on_write=self._write_flush),
            Register(0x08, "STAT", 0, 0, self._read_status),
            Register(0x0C, "CTR_HIT", 0, 0, self._read_hits, self._clear_hits),
            Register(0x10, "CTR_ACC", 0, 0, self._read_accesses, self._clear_accesses),
            *stream.registers(),
        )

    def reset(self) -> None:
        """The cache on and empty, its counters at zero, no stream."""
        super().reset()
        self._cache.enable(True)
        self._cache.flush()
        self._clear_hits(0)
        self._clear_accesses(0)
        self._stream.reset()

    def _read_status(self) -> int:
        stream = self._stream
        return _FLUSH_READY | _FIFO_EMPTY * stream.is_empty | _FIFO_FULL * stream.is_full

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
