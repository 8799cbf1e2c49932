"""ROSC: the ring oscillator that the chip starts from. Source: RP2040 datasheet, 2.17.

About 6.5 MHz after reset, with a divisor of 16. The ring keeps its frequency whatever drive
strengths and frequency range are chosen: the datasheet gives no figures for them.
"""

import random
from fractions import Fraction

from priot.sim.peripherals.oscillator import BADWRITE, STABLE, Oscillator
from priot.sim.peripherals.registers import Register
from priot.sim.peripherals.timebase import Timebase

_RING_HZ = 16 * 6_500_000
_DIV_PASS = 0xAA0
_DIV_RUNNING = 1 << 16


class Rosc(Oscillator):
    """RANDOMBIT is drawn from a generator with a fixed seed, so that runs repeat."""

    name = "ROSC"
    base = 0x4006_0000
    enabled_at_reset = True

    def __init__(self, timebase: Timebase, seed: int) -> None:
        self._seed = seed
        super().__init__(
            timebase,
            Register(0x00, "CTRL", 0xAA0, 0xFF_FFFF, on_write=self.write_control),
            Register(0x04, "FREQA", 0, 0xFFFF_7777),
            Register(0x08, "FREQB", 0, 0xFFFF_7777),
            self.dormant_register(0x0C),
            Register(0x10, "DIV", _DIV_PASS + 16, 0xFFF, on_write=self._write_div),
            Register(0x14, "PHASE", 0x8, 0xFFF),
            Register(0x18, "STATUS", 0, 0, self._read_status, self.write_status, clears=BADWRITE),
            Register(0x1C, "RANDOMBIT", 1, 0, self._draw, peek=self._next),
            self.count_register(0x20),
        )

    def reset(self) -> None:
        """On, and the random bits from their start."""
        self._random = random.Random(self._seed)
        super().reset()

    def source_hz(self) -> Fraction:
        """rosc_clksrc behind the divider: 0xaa0 + 0 divides by 32, an invalid code by 31."""
        code = self["DIV"] - _DIV_PASS
        divisor = (code or 32) if 0 <= code < 32 else 31
        return Fraction(_RING_HZ, divisor) if self.enabled else Fraction(0)

    def _draw(self) -> int:
        return self._random.getrandbits(1)

    def _next(self) -> int:
        state = self._random.getstate()
        bit = self._draw()
        self._random.setstate(state)
        return bit

    def _write_div(self, _value: int) -> None:
        self._timebase.changed()

    def _read_status(self) -> int:
        return self.status() | (STABLE | _DIV_RUNNING) * self.enabled
