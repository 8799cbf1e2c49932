"""ADC: voltages that the host sets. Source: RP2040 datasheet, 4.9.

Conversions take their 96 cycles of clk_adc and have no noise and no errors.
"""

from collections import deque
from collections.abc import Callable

from priot.sim.peripherals.interrupts import InterruptLine
from priot.sim.peripherals.registers import Register, field
from priot.sim.peripherals.requests import RequestLine
from priot.sim.peripherals.scheduler import NEVER, Scheduler
from priot.sim.peripherals.timebase import ClockCounter
from priot.sim.peripherals.timed_block import TimedBlock

# The counter counts 256 to each cycle of clk_adc, the unit of DIV.FRAC.
COUNTS_PER_CYCLE = 256

Voltage = float | Callable[[float], float]
"""Volts, or what gives them at a time in seconds since power-on."""

TEMPERATURE_SENSOR = 4  # the fifth input
_REFERENCE = 3.3  # volts, of a Pico
_STEPS = 4096
_CONVERSION = 96 * COUNTS_PER_CYCLE
_INPUTS = 5
_FIFO_DEPTH = 4
_ERR_STICKY, _READY, _START_MANY, _START_ONCE, _TS_EN, _EN = (
    1 << 10,
    1 << 8,
    1 << 3,
    1 << 2,
    1 << 1,
    1 << 0,
)  # CS
_OVER, _UNDER, _FULL, _EMPTY = 1 << 11, 1 << 10, 1 << 9, 1 << 8  # FCS
_DREQ_EN, _FCS_SHIFT, _FCS_EN = 1 << 3, 1 << 1, 1 << 0


def sensor_volts(celsius: float) -> float:
    """What the temperature sensor gives: 4.9.5."""
    return 0.706 - (celsius - 27) * 0.001721


class Adc(TimedBlock):
    """The converter with its FIFO.

    Args:
        request: its request to the DMA.
        seconds: gives the time of a cycle.

    Attributes:
        voltages: at the five inputs, half of the reference until the host sets them, and 27
            degrees C. The temperature sensor gives 0 while CS.TS_EN is 0.
    """

    name = "ADC"
    base = 0x4004_C000

    def __init__(
        self,
        scheduler: Scheduler,
        counter: ClockCounter,
        line: InterruptLine,
        request: RequestLine,
        seconds: Callable[[int], float],
    ) -> None:
        self._counter = counter
        self._line, self._request = line, request
        self._seconds = seconds
        self.voltages: list[Voltage] = [_REFERENCE / 2] * TEMPERATURE_SENSOR
        self.voltages.append(sensor_volts(27))
        super().__init__(
            scheduler,
            Register(
                *(0x00, "CS", 0, 0x1F_700B, self._read_cs, self._write_cs),
                clears=_ERR_STICKY,
                steady_until=self._steady_until,
            ),
            Register(0x04, "RESULT", 0, 0, self._read_result, steady_until=self._steady_until),
            Register(
                *(0x08, "FCS", 0, 0x0F00_000F, self._read_fcs, self._write_fcs),
                clears=_OVER | _UNDER,
                steady_until=self._steady_until,
            ),
            Register(0x0C, "FIFO", 0, 0, self._read_fifo, peek=self._next),
            Register(0x10, "DIV", 0, 0xFF_FFFF),
            Register(0x14, "INTR", 0, 0, self._read_raw, steady_until=self._steady_until),
            Register(0x18, "INTE", 0, 0x1, on_write=self._written),
            Register(0x1C, "INTF", 0, 0x1, on_write=self._written),
            Register(0x20, "INTS", 0, 0, self._read_ints, steady_until=self._steady_until),
        )
        self.reset()

    def reset(self) -> None:
        """Off, the FIFO empty."""
        super().reset()
        self._fifo: deque[int] = deque()
        self._errors = 0
        self._done: int | None = None  # when the conversion in progress ends
        self._line.set(False)
        self._request.set(False)

    def due(self) -> int:
        """The end of the conversion in progress, if it may raise an interrupt or a request."""
        if self._done is None or not (self["INTE"] or self["FCS"] & _DREQ_EN):
            return NEVER
        return self._counter.cycle_of(self._done)

    def advance(self) -> None:
        """Finish what conversions ended until now."""
        while self._done is not None and self._done <= self._counter.count:
            end, self._done = self._done, None
            self._finish(end)
            if self["CS"] & _START_MANY:
                self._done = end + self._period()
        self._line.set(bool(self._ints()))
        self._request.set(bool(self._raw() and self["FCS"] & _DREQ_EN and self._fifo))

    def _steady_until(self) -> int:
        """The end of the conversion in progress."""
        return NEVER if self._done is None else self._counter.cycle_of(self._done)

    def _period(self) -> int:
        divisor = self["DIV"]
        return max(_CONVERSION, COUNTS_PER_CYCLE + divisor) if divisor else _CONVERSION

    def _sample(self, selected: int, cycle: int) -> int:
        """What an input converts to when its voltage is held at a cycle: 12 bits."""
        powered = selected != TEMPERATURE_SENSOR or self["CS"] & _TS_EN
        if selected >= _INPUTS or not powered:
            return 0
        voltage = self.voltages[selected]
        volts = voltage(self._seconds(cycle)) if callable(voltage) else voltage
        return max(0, min(int(volts / _REFERENCE * _STEPS), _STEPS - 1))

    def _finish(self, end: int) -> None:
        selected = field(self["CS"], 14, 12)
        result = self._sample(selected, self._counter.cycle_of(end - _CONVERSION))
        self["RESULT"] = result
        if self["FCS"] & _FCS_EN:
            if len(self._fifo) < _FIFO_DEPTH:
                self._fifo.append(result >> 4 if self["FCS"] & _FCS_SHIFT else result)
            else:
                self._errors |= _OVER
        robin = field(self["CS"], 20, 16)
        if robin:
            later = ((selected + 1 + step) % _INPUTS for step in range(_INPUTS))
            following = next(channel for channel in later if robin >> channel & 1)
            self["CS"] = self["CS"] & ~0x7000 | following << 12

    def _read_cs(self) -> int:
        self.advance()
        return self["CS"] | _READY * bool(self["CS"] & _EN and self._done is None)

    def _write_cs(self, value: int) -> None:
        if not value & _EN:
            self._done = None
        elif value & (_START_ONCE | _START_MANY) and self._done is None:
            self._done = self._counter.count + _CONVERSION
        self.advance()

    def _read_result(self) -> int:
        self.advance()
        return self["RESULT"]

    def _read_fcs(self) -> int:
        self.advance()
        level = len(self._fifo)
        flags = _FULL * (level == _FIFO_DEPTH) | _EMPTY * (level == 0) | self._errors
        return self["FCS"] | level << 16 | flags

    def _write_fcs(self, value: int) -> None:
        self._errors &= ~value
        self.advance()

    def _next(self) -> int:
        self.advance()
        return self._fifo[0] if self._fifo else 0

    def _read_fifo(self) -> int:
        self.advance()
        if not self._fifo:
            self._errors |= _UNDER
            return 0
        value = self._fifo.popleft()
        self.advance()
        return value

    def _raw(self) -> int:
        return int(len(self._fifo) >= field(self["FCS"], 27, 24) and bool(self["FCS"] & _FCS_EN))

    def _ints(self) -> int:
        return self._raw() & self["INTE"] | self["INTF"]

    def _read_raw(self) -> int:
        self.advance()
        return self._raw()

    def _read_ints(self) -> int:
        self.advance()
        return self._ints()

    def _written(self, _value: int) -> None:
        self.advance()
