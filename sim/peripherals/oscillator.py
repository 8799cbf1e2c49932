"""What XOSC and ROSC share: enable codes, dormant codes and a down counter.

Source: RP2040 datasheet, 2.16.7 and 2.17.8.
"""

from abc import ABC, abstractmethod
from fractions import Fraction

from priot.sim.peripherals.registers import Register, RegisterBlock, field
from priot.sim.peripherals.timebase import Timebase

STABLE, BADWRITE, ENABLED = 1 << 31, 1 << 24, 1 << 12  # STATUS
_ENABLE, _DISABLE = 0xFAB, 0xD1E
_WAKE = 0x7761_6B65  # "wake"; "coma" would stop the oscillator until a GPIO wakes it


class Oscillator(RegisterBlock, ABC):
    """CTRL, STATUS, DORMANT and COUNT; a write of "coma" to DORMANT is refused as not modelled.

    An invalid ENABLE code sets BADWRITE and changes nothing. By the datasheet it enables, but then
    the SDK's first write of CTRL, FREQ_RANGE alone, would start the XOSC with the wrong delay.
    """

    enabled_at_reset: bool
    dormant_offset: int

    def __init__(self, timebase: Timebase, *registers: Register) -> None:
        super().__init__(*registers)
        self._timebase = timebase
        self._edges = timebase.counter(self.source_hz)
        self._count_end = 0
        self.reset()

    @abstractmethod
    def source_hz(self) -> Fraction:
        """The frequency of COUNT, 0 if the oscillator is off."""

    def started(self) -> None:
        """The oscillator was switched on."""

    def reset(self) -> None:
        """On or off as after power-on."""
        super().reset()
        self.enabled = self.enabled_at_reset
        self.bad_write = False
        self._count_end = 0
        self._timebase.changed()

    def write(self, offset: int, value: int) -> bool:
        """Write the register at a word offset; False if there is none, or for dormant mode."""
        if offset == self.dormant_offset and value != _WAKE:
            return False
        return super().write(offset, value)

    def write_control(self, value: int) -> None:
        """on_write of CTRL."""
        code = field(value, 23, 12)
        if code not in (_ENABLE, _DISABLE):
            self.bad_write = True
            return
        enabled = code == _ENABLE
        if enabled == self.enabled:
            return
        self.enabled = enabled
        self._timebase.changed()
        if enabled:
            self.started()

    def write_status(self, value: int) -> None:
        """on_write of STATUS: BADWRITE is cleared by writing 1."""
        self.bad_write = self.bad_write and not value & BADWRITE

    def status(self) -> int:
        """STATUS without STABLE."""
        return ENABLED * self.enabled | BADWRITE * self.bad_write

    def dormant_register(self, offset: int) -> Register:
        """DORMANT, awake."""
        self.dormant_offset = offset
        return Register(offset, "DORMANT", _WAKE)

    def count_register(self, offset: int) -> Register:
        """COUNT, which counts down to zero at the oscillator's frequency."""
        return Register(offset, "COUNT", 0, 0xFF, self._read_count, self._write_count)

    def _read_count(self) -> int:
        return max(0, self._count_end - self._edges.count)

    def _write_count(self, value: int) -> None:
        self._count_end = self._edges.count + (value & 0xFF)
