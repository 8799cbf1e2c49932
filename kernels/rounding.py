"""x / 2**n rounded to an integer, in the two ways of NITI (Wang et al. 2020).

Both work on the magnitude and put the sign back, so that rounding is symmetric about zero.
"""

from enum import IntEnum

from kernels.jit import inlined


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


@inlined
def round_shift(value: int, shift: int, rounding: int) -> int:
    """``value`` / 2**``shift``, rounded; |value| < 2**31, 0 <= shift < 32.

    It has no branch that depends on the value, so that a loop over it becomes vector code.
    """
    magnitude = abs(value)
    kept = magnitude >> shift
    dropped = magnitude - (kept << shift)
    if rounding == 1:
        half = (1 << shift) >> 1
        kept += half > 0 and dropped >= half
    else:
        bits = shift >> 1
        kept += (dropped >> bits) > ((dropped & ((1 << bits) - 1)) << (shift & 1))
    return -kept if value < 0 else kept


@inlined
def clip(value: int) -> int:
    """``value`` limited to the int8 range that NITI uses: -127..127, symmetric about zero."""
    return max(-127, min(127, value))
