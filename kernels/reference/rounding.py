"""From sums back to int8: division by a power of two, rounded and clipped.

Twins: firmware_elf/trainer/requantise.h and requantise.c.
"""

from __future__ import annotations

from priot.kernels.reference.integers import Ints, each
from priot.kernels.rounding import Rounding


def clipped(value: int) -> int:
    """``value`` limited to -127..127."""
    return max(-127, min(127, value))


def rounded(value: int, shift: int, rounding: Rounding) -> int:
    """``value`` / 2**``shift``, rounded on the magnitude: symmetric about zero."""
    kept, dropped = divmod(abs(value), 2**shift)
    if rounding is Rounding.NEAREST:
        up = 2 * dropped >= 2**shift
    else:  # pseudo-stochastic
        upper, lower = divmod(dropped, 2 ** (shift // 2))
        up = upper > (2 * lower if shift % 2 else lower)
    magnitude: int = kept + up
    return -magnitude if value < 0 else magnitude


def requantised(sums: Ints, shift: int, rounding: Rounding) -> Ints:
    """Sums of any shape as int8 values."""
    return each(lambda value: clipped(rounded(value, shift, rounding)), sums)


def bit_width(sums: Ints) -> int:
    """Bits of the largest magnitude: 0 for all zeros, 8 for 255."""
    return int(max(abs(value) for value in sums.flat)).bit_length()


def dynamic_shift(sums: Ints) -> int:
    """The shift that brings the largest magnitude to 7 bits; 0 where it has no more."""
    return max(0, bit_width(sums) - 7)
