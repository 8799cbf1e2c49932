"""Layers with weights as matrix products: what each output position sees, as a column.

A batch has its images innermost, (C,H,W,N), so that loops run over neighbouring memory for a
large plane and for a small one. A dense layer is a convolution whose window is its whole input.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from kernels.jit import inlined, kernel
from kernels.network import Conv2d, Network, Shape

_SIZE = types.UniTuple(types.int64, 2)  # type: ignore[no-untyped-call]
_SUMS = types.Array(types.int32, 2, "C")


@dataclass(frozen=True)
class Window:
    """The geometry of one layer with weights."""

    input: Shape
    """(C,H,W)"""
    output: Shape
    """(O,H,W)"""
    size: tuple[int, int]
    """(height,width)"""
    padding: int

    @property
    def terms(self) -> int:
        """Products in an output's sum: the height of a column."""
        return self.input[0] * self.size[0] * self.size[1]


def window_of(network: Network, index: int) -> Window:
    """The window of layer ``index``, which has weights."""
    layer = network.layers[index]
    shape, output = planes(network.input_shape_of(index)), planes(network.output_shape_of(index))
    if isinstance(layer, Conv2d):
        return Window(shape, output, (layer.kernel, layer.kernel), layer.padding)
    return Window(shape, output, (shape[1], shape[2]), 0)


def planes(shape: Shape) -> Shape:
    """A shape as (C,H,W): a vector is made of planes of one element."""
    return shape if len(shape) == 3 else (*shape, 1, 1)


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
    """inputs (C,H,W,N) -> columns (terms,rows*W2*N) of output rows from ``first_row`` on.

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
    """The way back: add columns (terms,rows*W2*N) to the inputs' sums (C,H,W,N) they came from."""
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
