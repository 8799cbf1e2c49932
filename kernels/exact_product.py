"""Exact integer matrix products at the speed of a float32 one.

A float32 holds every integer up to 2**24. A product of two int8 values is at most 127**2, so any
1,040 of them add up exactly, in whatever order a BLAS takes them and however it fuses. Longer sums
are cut into parts of that many terms, which are added up in int32.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kernels.jit import kernel

EXACT_TERMS = 2**24 // 127**2


def parts(terms: int) -> list[slice]:
    """``terms`` cut into as few parts of nearly equal length as are exact."""
    count = -(-terms // EXACT_TERMS)
    length = -(-terms // count)
    return [slice(start, min(start + length, terms)) for start in range(0, terms, length)]


@kernel("void(float32[:,::1], boolean, int64, int32[:,::1])")
def add_part(part: NDArray[np.float32], replace: bool, first: int, sums: NDArray[np.int32]) -> None:
    """Add part (M,N), whole numbers, to columns ``first`` and on of sums, or put it there."""
    height, width = part.shape
    for row in range(height):
        source, target = part[row], sums[row, first : first + width]
        if replace:
            for n in range(width):
                target[n] = np.int32(source[n])
        else:
            for n in range(width):
                target[n] += np.int32(source[n])
