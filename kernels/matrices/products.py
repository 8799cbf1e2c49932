"""Exact products of int8 matrices: the same integers, by the fastest way that a machine has."""

from __future__ import annotations

import time
from functools import cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from priot.kernels.matrices.float_products import FloatProducts
from priot.kernels.matrices.memory import Memory


class Products(Protocol):
    """A way to multiply, with scratch memory of its own: one for each thread."""

    dtype: type[np.generic]
    """Of operands."""

    def operand(self, values: NDArray[np.int8], memory: Memory) -> NDArray[Any]:
        """A contiguous matrix as an operand: itself, or a copy in ``memory`` (of ``dtype``)."""

    def multiply(
        self,
        left: NDArray[Any],
        right: NDArray[Any],
        sums: NDArray[np.int32],
        first: int = 0,
        add: bool = False,
    ) -> None:
        """left (M,K) @ right (K,N) into columns ``first`` and on of sums (M,columns).

        Args:
            left: of ``dtype``; slices and transposes of operands will do.
            right: likewise.
            sums: contiguous; the products must fit int32.
            first: column of sums.
            add: to what is there, instead of replacing it.
        """


@cache
def fastest_products() -> type[Products]:
    """In int8 where PyTorch is installed, exact on this processor and faster, else in float32."""
    try:
        from priot.kernels.matrices.int8_products import Int8Products
    except ImportError:
        return FloatProducts
    if not is_exact(Int8Products()):
        return FloatProducts
    # Without its fast library PyTorch falls back on a plain loop.
    ways: list[type[Products]] = [FloatProducts, Int8Products]
    return min(ways, key=seconds_of)


def seconds_of(kind: type[Products]) -> float:
    """Of a product of the size that large networks have; the best of a few."""
    products = kind()
    ones = np.ones((256, 256), np.int8)
    operand, sums = products.operand(ones, Memory(products.dtype)), np.empty((256, 256), np.int32)

    def once() -> float:
        start = time.perf_counter()
        products.multiply(operand, operand, sums)
        return time.perf_counter() - start

    return min(once() for _ in range(5))


def is_exact(products: Products) -> bool:
    """Whether the largest and smallest operands come out right.

    Processors without dot products of int8 may add pairs of them in 16 bits, which saturate.
    """
    largest = np.full((64, 64), 127, np.int8)
    sums = np.empty((64, 64), np.int32)
    for left in (largest, ~largest):
        for right in (largest, ~largest):
            operands = [products.operand(m, Memory(products.dtype)) for m in (left, right)]
            products.multiply(operands[0], operands[1], sums)
            if (sums != 64 * int(left[0, 0]) * int(right[0, 0])).any():
                return False
    return True
