"""PLL_SYS and PLL_USB. Source: RP2040 datasheet, 2.18.

F_OUT = XOSC / REFDIV * FBDIV / (POSTDIV1 * POSTDIV2). It locks as soon as it runs: the datasheet
gives no figure for the time.
"""

from collections.abc import Callable
from fractions import Fraction

from priot.sim.peripherals.registers import Register, RegisterBlock, field
from priot.sim.peripherals.timebase import Timebase

_LOCK, _BYPASS = 1 << 31, 1 << 8
_PD, _POSTDIVPD, _VCOPD = 1 << 0, 1 << 3, 1 << 5
_FBDIV_RANGE = range(16, 321)  # 2.18.2


class Pll(RegisterBlock):
    """One PLL; `reference_hz` gives the frequency of the XOSC."""

    def __init__(
        self, name: str, base: int, timebase: Timebase, reference_hz: Callable[[], Fraction]
    ) -> None:
        self.name = name
        self.base = base
        self._timebase = timebase
        self._reference_hz = reference_hz
        super().__init__(
            Register(0x0, "CS", 0x1, 0x13F, self._read_cs, self._changed),
            Register(0x4, "PWR", 0x2D, 0x2D, on_write=self._changed),
            Register(0x8, "FBDIV_INT", 0, 0xFFF, on_write=self._changed),
            Register(0xC, "PRIM", 0x7_7000, 0x7_7000, on_write=self._changed),
        )

    @property
    def locked(self) -> bool:
        """CS.LOCK: powered, with a reference and a feedback divisor in range."""
        on = not self["PWR"] & (_PD | _VCOPD) and self._reference_hz() > 0
        return on and self["FBDIV_INT"] in _FBDIV_RANGE

    @property
    def hz(self) -> Fraction:
        """The output's frequency in Hz, 0 if there is none."""
        if self["CS"] & _BYPASS:
            return self._reference_hz()
        post = field(self["PRIM"], 18, 16) * field(self["PRIM"], 14, 12)
        if not self.locked or self["PWR"] & _POSTDIVPD or not post:
            return Fraction(0)
        reference = self._reference_hz() / max(1, field(self["CS"], 5, 0))
        return reference * self["FBDIV_INT"] / post

    def reset(self) -> None:
        """Off."""
        super().reset()
        self._timebase.changed()

    def _read_cs(self) -> int:
        return self["CS"] | _LOCK * self.locked

    def _changed(self, _value: int) -> None:
        self._timebase.changed()
