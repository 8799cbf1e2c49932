"""PSM: the power-on state machine. Source: RP2040 datasheet, 2.13.5."""

from __future__ import annotations

from collections.abc import Callable

from priot.sim.peripherals.registers import Register, RegisterBlock

_ALL = 0x1_FFFF  # 17 stages
_PROC1 = 1 << 16


class Psm(RegisterBlock):
    """All stages are done but those forced off.

    Args:
        force_core1_off: called when core 1 is forced off (True), and when it is let go.
    """

    name = "PSM"
    base = 0x4001_0000

    def __init__(self, force_core1_off: Callable[[bool], None]) -> None:
        self._force_core1_off = force_core1_off
        self._is_core1_off = False
        super().__init__(
            Register(0x0, "FRCE_ON", 0, _ALL),
            Register(0x4, "FRCE_OFF", 0, _ALL, on_write=self._write_frce_off),
            Register(0x8, "WDSEL", 0, _ALL),
            Register(0xC, "DONE", 0, 0, on_read=lambda: ~self["FRCE_OFF"] & _ALL),
        )

    def reset(self) -> None:
        """See RegisterBlock."""
        super().reset()
        self._is_core1_off = False

    def _write_frce_off(self, value: int) -> None:
        is_off = bool(value & _PROC1)
        if is_off != self._is_core1_off:
            self._is_core1_off = is_off
            self._force_core1_off(is_off)
