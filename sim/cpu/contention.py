"""What two cores cost each other."""

from enum import StrEnum


class Contention(StrEnum):
    """What the cores cost each other on the bus."""

    NONE = "none"
    """Nothing: a lower bound of a program's time, and faster to simulate."""
    BANKS = "banks"
    """One waits where both access one port of the crossbar in one cycle."""
    ONE_BANK = "one-bank"
    """One waits wherever both access anything in one cycle: an upper bound."""
