"""SysTick: the core's 24-bit timer, counting down. Arm DDI0419E, B3.3."""

from sim.cpu.exceptions import SYS_TICK
from sim.cpu.nvic import Nvic
from sim.peripherals import NEVER, Clock
from sim.peripherals.timebase import ClockCounter

_CSR, _RVR, _CVR, _CALIB = 0x0, 0x4, 0x8, 0xC
_ENABLE, _TICKINT, _CLKSOURCE, _COUNTFLAG = 1 << 0, 1 << 1, 1 << 2, 1 << 16
_MASK = 0xFF_FFFF


class SysTick:
    """Counts the processor's clock, or the watchdog's tick while CLKSOURCE is 0.

    It is not stepped: where it stands follows from when it stood where (`_since`, `_value`).
    """

    name = "SYST"
    base = 0xE000_E010
    size = 0x10

    def __init__(self, clock: Clock, ticks: ClockCounter, nvic: Nvic) -> None:
        self._clock, self._ticks, self._nvic = clock, ticks, nvic
        self.reset()

    def reset(self) -> None:
        """See Peripheral."""
        self._control = self._reload = self._value = self._since = 0
        self._wrapped = False  # COUNTFLAG

    def advance(self) -> None:
        """Bring the counter up to the present; pends the exception if it came to 0 meanwhile."""
        if not self._control & _ENABLE:
            return
        now = self._now()
        elapsed = now - self._since
        if elapsed >= self._value and (period := self._reload + 1) > 1:
            beyond = elapsed - self._value
            zeros = beyond // period + (self._value > 0)
            if zeros:
                self._wrapped = True
                if self._control & _TICKINT:
                    self._nvic.pend(SYS_TICK)
            self._value = (period - beyond % period) % period
        elif elapsed >= self._value:
            if self._value:
                self._wrapped = True
                if self._control & _TICKINT:
                    self._nvic.pend(SYS_TICK)
            self._value = 0
        else:
            self._value -= elapsed
        self._since = now

    def due(self) -> int:
        """The cycle at which it next pends its exception, unless that is pending already."""
        if self._control & (_ENABLE | _TICKINT) != _ENABLE | _TICKINT:
            return NEVER
        if self._nvic.pending >> SYS_TICK & 1:
            return NEVER
        steps = self._value or (self._reload + 1 if self._reload else 0)
        if not steps:
            return NEVER
        if self._control & _CLKSOURCE:
            return self._since + steps
        return self._ticks.cycle_of(self._since + steps)

    def read(self, offset: int) -> int | None:
        """See Peripheral; reading CSR clears COUNTFLAG."""
        value = self.peek(offset)
        if offset == _CSR:
            self._wrapped = False
        return value

    def peek(self, offset: int) -> int | None:
        """See Peripheral."""
        self.advance()
        control = self._control | self._wrapped * _COUNTFLAG
        return {_CSR: control, _RVR: self._reload, _CVR: self._value, _CALIB: 0}.get(offset)

    def write(self, offset: int, value: int) -> bool:
        """See Peripheral; any write to CVR clears it and COUNTFLAG."""
        self.advance()
        if offset == _CSR:
            self._control = value & (_ENABLE | _TICKINT | _CLKSOURCE)
            self._since = self._now()
        elif offset == _RVR:
            self._reload = value & _MASK
        elif offset == _CVR:
            self._value = 0
            self._wrapped = False
        else:
            return offset == _CALIB  # read only
        return True

    def _now(self) -> int:
        return self._clock.cycles if self._control & _CLKSOURCE else self._ticks.count
