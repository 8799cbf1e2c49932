"""clk_sys: its frequency, and what its cycles are in seconds."""

from fractions import Fraction

from sim.peripherals import Scheduler


class SystemClock:
    """Time in seconds.

    Args:
        scheduler: the owner of time.
        hz: the frequency until the program sets one.

    Attributes:
        hz: the frequency now.
    """

    def __init__(self, scheduler: Scheduler, hz: int) -> None:
        self._scheduler = scheduler
        self._initial_hz = Fraction(hz)
        self.reset()

    def reset(self) -> None:
        """Power-on."""
        self.hz, self._since, self._seconds = self._initial_hz, 0, Fraction(0)

    def change(self, hz: Fraction) -> None:
        """It goes on at another frequency now."""
        now = self._scheduler.cycles
        self._seconds += (now - self._since) / self.hz
        self._since, self.hz = now, hz

    def restart(self) -> None:
        """The chip boots again: time goes on at the frequency of the beginning."""
        self.change(self._initial_hz)

    def seconds(self, cycles: int) -> float:
        """The time of a cycle since power-on, each at the frequency of its time."""
        return float(self._seconds + (cycles - self._since) / self.hz)
