"""x / 2**n rounded to an integer, in the two ways of NITI (Wang et al. 2020).

Both work on the magnitude and put the sign back, so that rounding is symmetric about zero.
"""

import numpy as np

from priot.kernels.jit import inlined


@inlined
def rounding_rule(shift: int, rounding: int) -> tuple[np.int32, np.int32, np.int32, np.int32]:
    """What decides about rounding up: masks of the dropped bits and of their lower half, then what
    this half is multiplied by and added to; 0 <= shift < 32.

    The dropped bits have to reach the result. With it, both roundings are one calculation.
    """
    shift &= 31  # it is in range; that the compiler knows it is what allows 32-bit shifts
    dropped = np.int32((1 << shift) - 1)
    if rounding == 1:
        return dropped, np.int32(0), np.int32(0), np.int32(max(1, 1 << shift >> 1))
    bits = shift >> 1
    # dropped >> bits > lower, as dropped >= (lower + 1) << bits; lower of an odd shift is doubled
    return dropped, np.int32((1 << bits) - 1), np.int32(1 << (shift - bits)), np.int32(1 << bits)


@inlined
def round_by(
    value: int, shift: int, dropped: np.int32, lower: np.int32, factor: np.int32, least: np.int32
) -> np.int32:
    """``value`` / 2**``shift``, rounded by the shift's rule; |value| < 2**31.

    It has no branch that depends on the value and every step is cast to 32 bits, so that a loop
    over it becomes vector code of 32-bit elements.
    """
    magnitude = np.int32(abs(value))
    kept = np.int32(magnitude >> (shift & 31))
    needed = np.int32(np.int32(np.int32(magnitude & lower) * factor) + least)
    kept = np.int32(kept + (np.int32(magnitude & dropped) >= needed))
    return np.int32(-kept) if value < 0 else kept


@inlined
def round_shift(value: int, shift: int, rounding: int) -> np.int32:
    """``value`` / 2**``shift``, rounded; |value| < 2**31, 0 <= shift < 32."""
    dropped, lower, factor, least = rounding_rule(shift, rounding)
    return round_by(value, shift, dropped, lower, factor, least)


@inlined
def clip(value: np.int32) -> np.int32:
    """``value`` limited to the int8 range that NITI uses: -127..127, symmetric about zero."""
    return max(np.int32(-127), min(np.int32(127), value))
