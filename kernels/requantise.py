"""From int32 sums back to int8 values: NITI's scale, as a power of two."""

import numpy as np
from numpy.typing import NDArray

from priot.kernels.jit import kernel
from priot.kernels.round_shift import clip, round_shift


@kernel("int64(int32[::1])")
def bit_width(sums: NDArray[np.int32]) -> int:
    """Bits of the largest magnitude in ``sums`` (any length): 0 for all zeros, 8 for 255."""
    largest = np.int32(0)
    for index in range(sums.size):
        largest = max(largest, abs(sums[index]))
    bits = 0
    while largest >> bits:
        bits += 1
    return bits


@kernel("int64(int32[::1])")
def dynamic_shift(sums: NDArray[np.int32]) -> int:
    """The shift that brings the largest magnitude of ``sums`` to 7 bits; 0 if it fits already."""
    return max(0, bit_width(sums) - 7)


@kernel("void(int32[::1], int64, int64, int8[::1])")
def requantise(
    sums: NDArray[np.int32], shift: int, rounding: int, values: NDArray[np.int8]
) -> None:
    """values = clip(round(sums / 2**shift)), element by element; both of one length."""
    for index in range(sums.size):
        values[index] = clip(round_shift(sums[index], shift, rounding))
