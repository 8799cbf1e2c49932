"""RTC: the calendar clock. Source: RP2040 datasheet, 4.8.

Every fourth year is a leap year unless CTRL.FORCE_NOTLEAPYEAR says otherwise.
"""

from dataclasses import astuple, dataclass

from priot.sim.peripherals.interrupts import InterruptLine
from priot.sim.peripherals.registers import Register, field
from priot.sim.peripherals.scheduler import NEVER, Scheduler
from priot.sim.peripherals.timebase import ClockCounter
from priot.sim.peripherals.timed_block import TimedBlock

_FORCE_NOTLEAPYEAR, _LOAD, _ACTIVE, _ENABLE = 1 << 8, 1 << 4, 1 << 1, 1 << 0  # CTRL
_MATCH_ACTIVE, _MATCH_ENA = 1 << 29, 1 << 28  # IRQ_SETUP_0
_DATE, _TIME = 0xFF_FF1F, 0x71F_3F3F
_DATE_ENABLES, _TIME_ENABLES = 0x0700_0000, 0xF000_0000
_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_SECONDS_PER_DAY = 86_400


@dataclass
class _Moment:
    year: int = 0
    month: int = 0
    day: int = 0
    dotw: int = 0
    hour: int = 0
    minute: int = 0
    second: int = 0

    @classmethod
    def unpack(cls, date: int, time: int) -> "_Moment":
        return cls(
            field(date, 23, 12),
            field(date, 11, 8),
            field(date, 4, 0),
            field(time, 26, 24),
            field(time, 20, 16),
            field(time, 13, 8),
            field(time, 5, 0),
        )

    @property
    def date(self) -> int:
        return self.year << 12 | self.month << 8 | self.day

    @property
    def time(self) -> int:
        return self.dotw << 24 | self.hour << 16 | self.minute << 8 | self.second

    def go_on(self, seconds: int, may_leap: bool) -> None:
        """Go on by some seconds."""
        total = (self.hour * 60 + self.minute) * 60 + self.second + seconds
        days, rest = divmod(total, _SECONDS_PER_DAY)
        self.hour, rest = divmod(rest, 3600)
        self.minute, self.second = divmod(rest, 60)
        for _ in range(days):
            self._next_day(may_leap)

    def _next_day(self, may_leap: bool) -> None:
        self.dotw = (self.dotw + 1) % 7
        self.day += 1
        leap = may_leap and self.month == 2 and self.year % 4 == 0
        if self.day > (_DAYS[self.month - 1] if 1 <= self.month <= 12 else 31) + leap:
            self.day = 1
            self.month += 1
        if self.month > 12:
            self.month = 1
            self.year = (self.year + 1) & 0xFFF


class Rtc(TimedBlock):
    """A second is CLKDIV_M1 + 1 edges of clk_rtc, which `edges` counts.

    The alarm is compared when a second begins: one that is armed in its own second, or armed again
    in the interrupt, does not fire at once. The datasheet is silent; without it the SDK's repeating
    alarm would fire without end.
    """

    name = "RTC"
    base = 0x4005_C000

    def __init__(self, scheduler: Scheduler, edges: ClockCounter, line: InterruptLine) -> None:
        self._edges = edges
        self._line = line
        super().__init__(
            scheduler,
            Register(0x00, "CLKDIV_M1", 0, 0xFFFF),
            Register(0x04, "SETUP_0", 0, _DATE),
            Register(0x08, "SETUP_1", 0, _TIME),
            Register(
                *(0x0C, "CTRL", 0, 0x101, self._read_ctrl, self._write_ctrl),
                steady_until=lambda: NEVER,
            ),
            Register(
                0x10,
                "IRQ_SETUP_0",
                0,
                _MATCH_ENA | _DATE_ENABLES | _DATE,
                self._read_irq_setup,
                self._written,
            ),
            Register(0x14, "IRQ_SETUP_1", 0, _TIME_ENABLES | _TIME, on_write=self._written),
            Register(0x18, "RTC_1", 0, 0, lambda: self._latched),
            Register(0x1C, "RTC_0", 0, 0, self._read_time, peek=self._time),
            Register(0x20, "INTR", 0, 0, self._read_raw, steady_until=self._next_second),
            Register(0x24, "INTE", 0, 0x1, on_write=self._written),
            Register(0x28, "INTF", 0, 0x1, on_write=self._written),
            Register(0x2C, "INTS", 0, 0, self._read_ints, steady_until=self._next_second),
        )
        self.reset()

    def reset(self) -> None:
        """Stopped, at the zero of all fields."""
        super().reset()
        self._now = _Moment()
        self._second_start = self._edges.count
        self._enabled = False
        self._latched = 0
        self._matched = False
        self._line.set(False)

    def due(self) -> int:
        """The next second, if an alarm is set."""
        if not self._enabled or not self["IRQ_SETUP_0"] & _MATCH_ENA or not self["INTE"]:
            return NEVER
        return self._next_second()

    def _next_second(self) -> int:
        if not self._enabled:
            return NEVER
        return self._edges.cycle_of(self._second_start + self["CLKDIV_M1"] + 1)

    def advance(self) -> None:
        """Let the seconds pass until now."""
        if self._enabled:
            period = self["CLKDIV_M1"] + 1
            seconds = (self._edges.count - self._second_start) // period
            if seconds:
                self._second_start += seconds * period
                self._now.go_on(seconds, not self["CTRL"] & _FORCE_NOTLEAPYEAR)
                self._matched = self._matches()
        self._line.set(bool(self._ints()))

    def _matches(self) -> bool:
        date, time = self["IRQ_SETUP_0"], self["IRQ_SETUP_1"]
        if not date & _MATCH_ENA:
            return False
        enables = (
            *(date >> bit & 1 for bit in (26, 25, 24)),
            *(time >> bit & 1 for bit in (31, 30, 29, 28)),
        )
        wanted = astuple(_Moment.unpack(date, time))
        pairs = zip(enables, wanted, astuple(self._now), strict=True)
        return all(now == alarm for enabled, alarm, now in pairs if enabled)

    def _ints(self) -> int:
        return int(self._matched) & self["INTE"] | self["INTF"]

    def _read_ints(self) -> int:
        self.advance()
        return self._ints()

    def _read_raw(self) -> int:
        self.advance()
        return int(self._matched)

    def _read_ctrl(self) -> int:
        return self["CTRL"] | _ACTIVE * self._enabled

    def _write_ctrl(self, value: int) -> None:
        self.advance()
        if value & _LOAD:
            self._now = _Moment.unpack(self["SETUP_0"], self["SETUP_1"])
            self._second_start = self._edges.count
        enable = bool(value & _ENABLE)
        if enable and not self._enabled:
            self._second_start = self._edges.count
        self._enabled = enable
        self.advance()

    def _read_irq_setup(self) -> int:
        return self["IRQ_SETUP_0"] | _MATCH_ACTIVE * bool(self["IRQ_SETUP_0"] & _MATCH_ENA)

    def _read_time(self) -> int:
        """4.8.5: a read of RTC_0 holds RTC_1 for the read that follows."""
        time, self._latched = self._time(), self._now.date
        return time

    def _time(self) -> int:
        self.advance()
        return self._now.time

    def _written(self, _value: int) -> None:
        if not self["IRQ_SETUP_0"] & _MATCH_ENA:
            self._matched = False
        self.advance()
