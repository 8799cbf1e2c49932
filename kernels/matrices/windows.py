"""Layers with weights as matrix products: im2col (``gather``), and col2im for the way back.

What each output position sees of the input is a column, so that a convolution is one product of
weights and columns. A batch has its images innermost, (C,H,W,N), so that loops run over
neighbouring memory for a large plane and for a small one. A dense layer is a convolution whose
window is its whole input.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from priot.kernels.jit import inlined, kernel

_SIZE = types.UniTuple(types.int64, 2)  # type: ignore[no-untyped-call]
_SUMS = types.Array(types.int32, 2, "C")


@inlined
def _overlap(out_width: int, in_width: int, shift: int) -> tuple[int, int]:
    """The output columns, from and to, that see an input column ``shift`` further right."""
    left = min(out_width, max(0, -shift))
    return left, max(left, min(out_width, in_width - shift))


@kernel(
    [
        types.void(
            types.Array(types.int8, 4, "C"),
            _SIZE,
            types.int64,
            types.int64,
            types.int64,
            types.Array(operand, 2, "C"),
        )
        for operand in (types.int8, types.float32)
    ]
)
def gather(
    inputs: NDArray[np.int8],
    size: tuple[int, int],
    padding: int,
    out_width: int,
    first_row: int,
    columns: NDArray[Any],
) -> None:
    """im2col: inputs (C,H,W,N) -> columns (terms,rows*W2*N) of output rows from ``first_row`` on.

    Columns are int8 or float32, as an operand of a product.
    """
    channels, in_height, in_width, images = inputs.shape
    plane = inputs.reshape(channels, in_height * in_width * images)
    length = out_width * images
    rows = columns.shape[1] // length
    term = 0
    for c in range(channels):
        source = plane[c]
        for ky in range(size[0]):
            for kx in range(size[1]):
                left, right = _overlap(out_width, in_width, kx - padding)
                target = columns[term]
                for row in range(rows):
                    start = row * length
                    y = first_row + row + ky - padding
                    if y < 0 or y >= in_height:
                        for n in range(start, start + length):
                            target[n] = 0
                        continue
                    shift = (y * in_width + kx - padding) * images - start
                    for n in range(start, start + left * images):
                        target[n] = 0
                    for n in range(start + left * images, start + right * images):
                        target[n] = source[n + shift]
                    for n in range(start + right * images, start + length):
                        target[n] = 0
                term += 1


@kernel(
    types.void(
        _SUMS, _SIZE, types.int64, types.int64, types.int64, types.Array(types.int32, 4, "C")
    )
)
def scatter(
    columns: NDArray[np.int32],
    size: tuple[int, int],
    padding: int,
    out_width: int,
    first_row: int,
    sums: NDArray[np.int32],
) -> None:
    """col2im: add columns (terms,rows*W2*N) to the inputs' sums (C,H,W,N) they came from."""
    channels, in_height, in_width, images = sums.shape
    plane = sums.reshape(channels, in_height * in_width * images)
    length = out_width * images
    rows = columns.shape[1] // length
    term = 0
    for c in range(channels):
        target = plane[c]
        for ky in range(size[0]):
            for kx in range(size[1]):
                left, right = _overlap(out_width, in_width, kx - padding)
                source = columns[term]
                for row in range(rows):
                    start = row * length
                    y = first_row + row + ky - padding
                    if 0 <= y < in_height:
                        shift = (y * in_width + kx - padding) * images - start
                        for n in range(start + left * images, start + right * images):
                            target[n + shift] += source[n]
                term += 1
