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
    """``value`` / 2**``shift``, rounded; |value| < 2**31, 0 <= shift < 32."""
    magnitude = abs(value)
    kept = magnitude >> shift
    dropped = magnitude - (kept << shift)
    if rounding == 1:
        up = (dropped << 1) >= (1 << shift) if shift > 0 else False
    else:
        half = shift >> 1
        upper = dropped >> half
        lower = (dropped & ((1 << half) - 1)) << (shift & 1)
        up = upper > lower
    if up:
        kept += 1
    return -kept if value < 0 else kept


@inlined
def clip(value: int) -> int:
    """``value`` limited to the int8 range that NITI uses: -127..127, symmetric about zero."""
    return max(-127, min(127, value))
