"""The two roundings of NITI (Wang et al. 2020), by name; round_shift.py computes them."""

from enum import IntEnum


class Rounding(IntEnum):
    """How the dropped bits of a shift decide about the last bit that is kept."""

    PSEUDO_STOCHASTIC = 0
    """Up when the upper half of the dropped bits, read as a number, exceeds the lower half."""
    NEAREST = 1
    """Up when the dropped bits are half of the last bit or more."""

    @property
    def label(self) -> str:
        """Name for users: "pseudo-stochastic"."""
        return self.name.lower().replace("_", "-")
