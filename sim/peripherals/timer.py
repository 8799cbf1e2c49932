"""TIMER: 64 bits of microseconds and four alarms. Source: RP2040 datasheet, 4.6.

DBGPAUSE is a register without effect.
"""

from collections.abc import Callable, Sequence
from functools import partial

from priot.sim.peripherals.interrupts import InterruptLine
from priot.sim.peripherals.registers import ALL_BITS, Register
from priot.sim.peripherals.scheduler import NEVER, Scheduler
from priot.sim.peripherals.timebase import ClockCounter
from priot.sim.peripherals.timed_block import TimedBlock

_ALARMS = range(4)


class Timer(TimedBlock):
    """Counts the watchdog's ticks, as a rule 1 us each.

    Args:
        scheduler: the owner of time.
        ticks: the watchdog's.
        lines: the interrupts of the four alarms.

    Attributes:
        on_offset: called with what the count is ahead of the ticks, at every change; with None
            while it is paused.
    """

    name = "TIMER"
    base = 0x4005_4000

    def __init__(
        self, scheduler: Scheduler, ticks: ClockCounter, lines: Sequence[InterruptLine]
    ) -> None:
        self._ticks, self._lines = ticks, lines
        self.on_offset: Callable[[int | None], None] = lambda _: None
        super().__init__(
            scheduler,
            Register(0x00, "TIMEHW", 0, 0, lambda: 0, self._write_high),
            Register(0x04, "TIMELW", on_read=lambda: 0),  # stored until TIMEHW is written
            Register(0x08, "TIMEHR", 0, 0),
            Register(0x0C, "TIMELR", 0, 0, self._read_low, peek=lambda: self.count & ALL_BITS),
            *(Register(0x10 + 4 * n, f"ALARM{n}", on_write=partial(self._arm, n)) for n in _ALARMS),
            Register(
                0x20,
                "ARMED",
                on_read=lambda: self._armed,
                on_write=self._disarm,
                writable=0,
                clears=0xF,
                steady_until=self.due,
            ),
            Register(0x24, "TIMERAWH", 0, 0, lambda: self.count >> 32),
            Register(0x28, "TIMERAWL", 0, 0, lambda: self.count & ALL_BITS),
            Register(0x2C, "DBGPAUSE", 0b111, 0b110),
            Register(0x30, "PAUSE", 0, 1, on_write=self._pause),
            Register(
                0x34,
                "INTR",
                on_read=lambda: self._raised,
                on_write=self._clear,
                writable=0,
                clears=0xF,
                steady_until=self.due,
            ),
            Register(0x38, "INTE", 0, 0xF, on_write=self._drive),
            Register(0x3C, "INTF", 0, 0xF, on_write=self._drive),
            Register(0x40, "INTS", 0, 0, self._status, steady_until=self.due),
        )
        self.reset()

    def reset(self) -> None:
        """The count begins at 0; no alarm is armed."""
        super().reset()
        self._offset = -self._ticks.count  # of the count against the ticks
        self._paused_at: int | None = None
        self._tell_offset()
        self._due = [0 for _ in _ALARMS]  # the count at which each armed alarm fires
        self._armed = self._raised = 0
        self._drive()

    @property
    def count(self) -> int:
        """All 64 bits."""
        if self._paused_at is not None:
            return self._paused_at
        return (self._ticks.count + self._offset) % (1 << 64)

    def due(self) -> int:
        """The cycle at which the next alarm fires."""
        if not self._armed or self._paused_at is not None:
            return NEVER
        first = min(self._due[n] for n in _ALARMS if self._armed >> n & 1)
        return self._ticks.cycle_of(first - self._offset)

    def advance(self) -> None:
        """Fire the alarms whose time has come."""
        if not self._armed:
            return
        count = self.count
        for n in _ALARMS:
            if self._armed >> n & 1 and count >= self._due[n]:
                self._armed &= ~(1 << n)
                self._raised |= 1 << n
        self._drive()

    def read(self, offset: int) -> int | None:
        """See RegisterBlock."""
        self.advance()
        return super().read(offset)

    def write(self, offset: int, value: int) -> bool:
        """See RegisterBlock."""
        self.advance()
        return super().write(offset, value)

    def _read_low(self) -> int:
        count = self.count
        self["TIMEHR"] = count >> 32  # latched, so that both halves belong together (4.6.2)
        return count & ALL_BITS

    def _write_high(self, value: int) -> None:
        count = value << 32 | self["TIMELW"]
        if self._paused_at is None:
            self._offset = count - self._ticks.count
        else:
            self._paused_at = count
        self._tell_offset()
        for n in _ALARMS:
            if self._armed >> n & 1:
                self._arm(n, self[f"ALARM{n}"])

    def _arm(self, number: int, value: int) -> None:
        # An alarm compares the low 32 bits alone (4.6.3).
        count = self.count
        self._due[number] = count + (value - count & ALL_BITS)
        self._armed |= 1 << number
        self.advance()

    def _disarm(self, value: int) -> None:
        self._armed &= ~value

    def _pause(self, value: int) -> None:
        if value & 1 and self._paused_at is None:
            self._paused_at = self.count
        elif not value & 1 and self._paused_at is not None:
            self._offset = self._paused_at - self._ticks.count
            self._paused_at = None
        self._tell_offset()

    def _tell_offset(self) -> None:
        self.on_offset(self._offset if self._paused_at is None else None)

    def _clear(self, value: int) -> None:
        self._raised &= ~value
        self._drive()

    def _status(self) -> int:
        return self._raised & self["INTE"] | self["INTF"]

    def _drive(self, _value: int = 0) -> None:
        status = self._status()
        for number, line in enumerate(self._lines):
            line.set(bool(status >> number & 1))
