"""XOSC: the crystal oscillator, 12 MHz on a Pico. Source: RP2040 datasheet, 2.16."""

from fractions import Fraction

from priot.sim.peripherals.oscillator import BADWRITE, STABLE, Oscillator
from priot.sim.peripherals.registers import Register, field
from priot.sim.peripherals.scheduler import NEVER
from priot.sim.peripherals.timebase import Timebase

_X4 = 1 << 20


class Xosc(Oscillator):
    """Stable after STARTUP.DELAY * 256 periods of the crystal.

    The clocks behind it run from the start, as if the crystal needed no time to swing.
    """

    name = "XOSC"
    base = 0x4002_4000
    enabled_at_reset = False

    def __init__(self, timebase: Timebase, crystal_hz: int) -> None:
        self._crystal_hz = Fraction(crystal_hz)
        self._stable_at = 0
        super().__init__(
            timebase,
            Register(0x00, "CTRL", 0, 0xFF_FFFF, on_write=self.write_control),
            Register(
                *(0x04, "STATUS", 0, 0, self._read_status, self.write_status),
                clears=BADWRITE,
                steady_until=self._steady_until,
            ),
            self.dormant_register(0x08),
            Register(0x0C, "STARTUP", 0xC4, 0x10_3FFF),
            self.count_register(0x1C),
        )

    def source_hz(self) -> Fraction:
        """The crystal's frequency, 0 if the oscillator is off."""
        return self._crystal_hz if self.enabled else Fraction(0)

    def started(self) -> None:
        """Begin the start-up delay."""
        delay = field(self["STARTUP"], 13, 0) * 256
        self._stable_at = self._edges.count + delay * (4 if self["STARTUP"] & _X4 else 1)

    def _steady_until(self) -> int:
        if not self.enabled or self._edges.count >= self._stable_at:
            return NEVER
        return self._edges.cycle_of(self._stable_at)

    def _read_status(self) -> int:
        stable = self.enabled and self._edges.count >= self._stable_at
        return self.status() | STABLE * stable
