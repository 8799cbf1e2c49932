"""Exact integer matrix products by PyTorch (oneDNN), for processors with int8 dot products.

Where they have them, it is several times as fast as float32. Needs PyTorch, which is optional. The
function is a private one, since no public one sums int8 in int32: where a version lacks it, or it
is not exact there, products.py takes float32.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import _int_mm

from priot.kernels.matrices.memory import Memory


class Int8Products:
    """Products (priot.kernels.matrices.products.Products) of int8 matrices, summed in int32.

    PyTorch should use one thread (OMP_NUM_THREADS=1), since batches are shared out before.
    """

    dtype: type[np.generic] = np.int8

    def __init__(self) -> None:
        self._part = Memory(np.int32)

    def operand(self, values: NDArray[np.int8], memory: Memory) -> NDArray[np.int8]:
        """The matrix itself."""
        return values

    def multiply(
        self,
        left: NDArray[np.int8],
        right: NDArray[np.int8],
        sums: NDArray[np.int32],
        first: int = 0,
        add: bool = False,
    ) -> None:
        """left (M,K) @ right (K,N) into columns ``first`` and on of sums (M,columns)."""
        width = right.shape[1]
        whole = width == sums.shape[1] and not add
        part = sums if whole else self._part.shaped(len(left), width)
        _int_mm(_tensor(left), _tensor(right), out=torch.from_numpy(part))
        if add:
            sums[:, first : first + width] += part
        elif not whole:
            sums[:, first : first + width] = part


def _tensor(matrix: NDArray[np.int8]) -> torch.Tensor:
    """The matrix, of the same memory where that is possible."""
    if 1 in matrix.shape:
        # The strides of a single row or column are arbitrary, and oneDNN is misled by some.
        return torch.from_numpy(matrix.reshape(-1)).view(matrix.shape)
    return torch.from_numpy(matrix)
