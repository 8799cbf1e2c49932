"""clk_sys: the time that peripherals see, and what it is in seconds."""

from fractions import Fraction


class SystemClock:
    """Time in cycles and seconds.

    Args:
        hz: the frequency until the program sets one.

    Attributes:
        cycles: since power-on, at the access or event that peripherals are asked about.
        hz: the frequency now.
    """

    def __init__(self, hz: int) -> None:
        self._initial_hz = Fraction(hz)
        self.reset()

    def reset(self) -> None:
        """Power-on."""
        self.cycles = 0
        self.hz, self._since, self._seconds = self._initial_hz, 0, Fraction(0)

    def change(self, hz: Fraction) -> None:
        """It goes on at another frequency now."""
        self._seconds += (self.cycles - self._since) / self.hz
        self._since, self.hz = self.cycles, hz

    def restart(self) -> None:
        """The chip boots again: time goes on at the frequency of the beginning."""
        self.change(self._initial_hz)

    def seconds(self, cycles: int) -> float:
        """The time of a cycle since power-on, each at the frequency of its time."""
        return float(self._seconds + (cycles - self._since) / self.hz)
