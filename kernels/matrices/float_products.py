"""Exact integer matrix products at the speed of a float32 one.

A float32 holds every integer up to 2**24. A product of two int8 values is at most 2**14, so any
1,024 of them add up exactly, in whatever order a BLAS takes them and however it fuses. Longer sums
are cut into parts of that many terms, which are added up in int32.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from priot.kernels.jit import kernel
from priot.kernels.matrices.memory import Memory

EXACT_TERMS = 2**24 // 2**14


def parts(terms: int) -> list[slice]:
    """``terms`` cut into as few parts of nearly equal length as are exact."""
    count = -(-terms // EXACT_TERMS)
    length = -(-terms // count)
    return [slice(start, min(start + length, terms)) for start in range(0, terms, length)]


class FloatProducts:
    """Products (priot.kernels.matrices.products.Products) by NumPy's BLAS."""

    dtype: type[np.generic] = np.float32

    def __init__(self) -> None:
        self._part = Memory(np.float32)

    def operand(self, values: NDArray[np.int8], memory: Memory) -> NDArray[np.float32]:
        """A copy of a contiguous matrix in ``memory``, float32."""
        floats: NDArray[np.float32] = memory.shaped(*values.shape)
        as_floats(values.reshape(-1), floats.reshape(-1))
        return floats

    def multiply(
        self,
        left: NDArray[np.float32],
        right: NDArray[np.float32],
        sums: NDArray[np.int32],
        first: int = 0,
        add: bool = False,
    ) -> None:
        """left (M,K) @ right (K,N) into columns ``first`` and on of sums (M,columns)."""
        part = self._part.shaped(len(left), right.shape[1])
        for terms in parts(len(right)):
            np.matmul(left[:, terms], right[terms], out=part)
            put_part(part, add or terms.start > 0, first, sums)


@kernel("void(int8[::1], float32[::1])")
def as_floats(values: NDArray[np.int8], floats: NDArray[np.float32]) -> None:
    """The same numbers; both flat."""
    for index in range(values.size):
        floats[index] = values[index]


@kernel("void(float32[:,::1], boolean, int64, int32[:,::1])")
def put_part(part: NDArray[np.float32], add: bool, first: int, sums: NDArray[np.int32]) -> None:
    """Put part (M,N), whole numbers, into columns ``first`` and on of sums, or add it there."""
    height, width = part.shape
    for row in range(height):
        source, target = part[row], sums[row, first : first + width]
        if add:
            for n in range(width):
                target[n] += np.int32(source[n])
        else:
            for n in range(width):
                target[n] = np.int32(source[n])
