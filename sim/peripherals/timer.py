"""TIMER: 64 bits of microseconds, four alarms. RP2040 datasheet, 4.6."""

from collections.abc import Callable

from sim.clock import NEVER, Clock

_TIMEHW, _TIMELW, _TIMEHR, _TIMELR = 0x00, 0x04, 0x08, 0x0C
_ALARM0, _ARMED, _TIMERAWH, _TIMERAWL = 0x10, 0x20, 0x24, 0x28
_DBGPAUSE, _PAUSE, _INTR, _INTE, _INTF, _INTS = 0x2C, 0x30, 0x34, 0x38, 0x3C, 0x40
_ALARMS = 4
_LOW = 0xFFFF_FFFF


class Timer:
    """Counts the watchdog's tick; interrupt n (TIMER_IRQ_n) follows alarm n."""

    name = "TIMER"
    base = 0x4005_4000
    size = 0x1000

    def __init__(self, clock: Clock, irq: Callable[[int, bool], None]) -> None:
        self._clock, self._irq = clock, irq
        self.reset()

    def reset(self) -> None:
        """See Peripheral."""
        self._offset = -self._clock.ticks  # of the count against the clock's ticks
        self._paused_at: int | None = None
        self._latched_high = self._low_to_write = 0
        self._alarms = [0] * _ALARMS
        self._due = [0] * _ALARMS  # the count at which each armed alarm fires
        self._armed = self._raised = self._enabled = self._forced = 0
        self._debug_pause = 0b110
        self._drive()

    @property
    def microseconds(self) -> int:
        """The count, as long as the tick has its usual 1 MHz."""
        if self._paused_at is not None:
            return self._paused_at
        return (self._clock.ticks + self._offset) % (1 << 64)

    def due(self) -> int:
        """The cycle at which the next alarm fires."""
        if not self._armed or self._paused_at is not None:
            return NEVER
        count = min(self._due[n] for n in range(_ALARMS) if self._armed >> n & 1)
        return self._clock.cycle_of_tick(count - self._offset)

    def advance(self) -> None:
        """Fire the alarms whose time has come."""
        if not self._armed:
            return
        now = self.microseconds
        for number in range(_ALARMS):
            if self._armed >> number & 1 and now >= self._due[number]:
                self._armed &= ~(1 << number)
                self._raised |= 1 << number
        self._drive()

    def read(self, offset: int) -> int | None:
        """See Peripheral; TIMELR latches TIMEHR (4.6.3)."""
        self.advance()
        match offset:
            case 0x00 | 0x04:  # write only
                return 0
            case 0x08:
                return self._latched_high
            case 0x0C:
                self._latched_high = self.microseconds >> 32
                return self.microseconds & _LOW
            case 0x10 | 0x14 | 0x18 | 0x1C:
                return self._alarms[(offset - _ALARM0) // 4]
            case 0x20:
                return self._armed
            case 0x24:
                return self.microseconds >> 32
            case 0x28:
                return self.microseconds & _LOW
            case 0x2C:
                return self._debug_pause
            case 0x30:
                return int(self._paused_at is not None)
            case 0x34:
                return self._raised
            case 0x38:
                return self._enabled
            case 0x3C:
                return self._forced
            case 0x40:
                return self._status
        return None

    def write(self, offset: int, value: int) -> bool:
        """See Peripheral; ALARMn arms, ARMED disarms, TIMEHW sets the count."""
        self.advance()
        if _ALARM0 <= offset < _ALARM0 + 4 * _ALARMS:
            self._arm((offset - _ALARM0) // 4, value)
        elif offset == _TIMELW:
            self._low_to_write = value
        elif offset == _TIMEHW:
            self._set(value << 32 | self._low_to_write)
        elif offset == _ARMED:
            self._armed &= ~value
        elif offset == _DBGPAUSE:
            self._debug_pause = value & 0b110
        elif offset == _PAUSE:
            self._pause(bool(value & 1))
        elif offset == _INTR:
            self._raised &= ~value
        elif offset == _INTE:
            self._enabled = value & 0xF
        elif offset == _INTF:
            self._forced = value & 0xF
        elif offset not in (_TIMEHR, _TIMELR, _TIMERAWH, _TIMERAWL, _INTS):  # read only
            return False
        self.advance()
        self._drive()
        return True

    @property
    def _status(self) -> int:
        return self._raised & self._enabled | self._forced

    def _arm(self, number: int, value: int) -> None:
        now = self.microseconds
        self._alarms[number] = value
        self._due[number] = now + ((value - now) & _LOW)
        self._armed |= 1 << number

    def _set(self, count: int) -> None:
        if self._paused_at is None:
            self._offset = count - self._clock.ticks
        else:
            self._paused_at = count
        self._rearm()

    def _pause(self, paused: bool) -> None:
        if paused and self._paused_at is None:
            self._paused_at = self.microseconds
        elif not paused and self._paused_at is not None:
            self._offset = self._paused_at - self._clock.ticks
            self._paused_at = None

    def _rearm(self) -> None:
        for number, value in enumerate(self._alarms):
            if self._armed >> number & 1:
                self._arm(number, value)

    def _drive(self) -> None:
        for number in range(_ALARMS):
            self._irq(number, bool(self._status >> number & 1))
