"""x / 2**n rounded to an integer, in the two ways of NITI (Wang et al. 2020).

Both work on the magnitude and put the sign back, so that rounding is symmetric about zero.
"""

from enum import IntEnum

import numpy as np

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
def round_shift(value: int, shift: int, rounding: int) -> np.int32:
    """``value`` / 2**``shift``, rounded; |value| < 2**31, 0 <= shift < 32.

    It has no branch that depends on the value and every step is cast to 32 bits, so that a loop
    over it becomes vector code of 32-bit elements.
    """
    shift &= 31  # it is in range; that the compiler knows it is what allows 32-bit shifts
    magnitude = np.int32(abs(value))
    kept = np.int32(magnitude >> shift)
    dropped = np.int32(magnitude & ((1 << shift) - 1))
    if rounding == 1:
        up = shift > 0 and dropped >= np.int32(1 << shift >> 1)
    else:
        bits = shift >> 1
        lower = np.int32(dropped & ((1 << bits) - 1)) << (shift & 1)
        up = shift > 0 and dropped >= np.int32((lower + 1) << bits)  # dropped >> bits > lower
    kept = np.int32(kept + up)
    return np.int32(-kept) if value < 0 else kept


@inlined
def clip(value: np.int32) -> np.int32:
    """``value`` limited to the int8 range that NITI uses: -127..127, symmetric about zero."""
    return max(np.int32(-127), min(np.int32(127), value))
