"""Layers with weights as matrix products: what each output position sees, as a column.

A batch has its images innermost, (C,H,W,N), so that loops run over neighbouring memory for a
large plane and for a small one. A dense layer is a convolution whose window is its whole input.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kernels.jit import kernel
from kernels.network import Conv2d, Network, Shape


@dataclass(frozen=True)
class Window:
    """The geometry of one layer with weights."""

    input: Shape
    """(C,H,W)"""
    output: Shape
    """(O,H,W)"""
    height: int
    width: int
    padding: int

    @property
    def terms(self) -> int:
        """Products in an output's sum: the height of a column."""
        return self.input[0] * self.height * self.width


def window_of(network: Network, index: int) -> Window:
    """The window of layer ``index``, which has weights."""
    layer = network.layers[index]
    shape, output = planes(network.input_shape_of(index)), planes(network.output_shape_of(index))
    if isinstance(layer, Conv2d):
        return Window(shape, output, layer.kernel, layer.kernel, layer.padding)
    return Window(shape, output, shape[1], shape[2], 0)


def planes(shape: Shape) -> Shape:
    """A shape as (C,H,W): a vector is made of planes of one element."""
    return shape if len(shape) == 3 else (*shape, 1, 1)


@kernel("void(int8[:,:,:,::1], int64, int64, int64, int64, float32[:,:,:,::1])")
def gather(
    inputs: NDArray[np.int8],
    height: int,
    width: int,
    padding: int,
    first_row: int,
    columns: NDArray[np.float32],
) -> None:
    """inputs (C,H,W,N) -> columns (terms,rows,W2,N) of output rows from ``first_row`` on."""
    channels, in_height, in_width, images = inputs.shape
    rows, out_width = columns.shape[1:3]
    term = 0
    for c in range(channels):
        for ky in range(height):
            for kx in range(width):
                left = min(out_width, max(0, padding - kx))
                right = max(left, min(out_width, in_width + padding - kx))
                shift = (kx - padding) * images
                for row in range(rows):
                    target = columns[term, row].reshape(out_width * images)
                    y = first_row + row + ky - padding
                    if y < 0 or y >= in_height:
                        target[:] = 0
                        continue
                    source = inputs[c, y].reshape(in_width * images)
                    target[: left * images] = 0
                    for n in range(left * images, right * images):
                        target[n] = source[n + shift]
                    target[right * images :] = 0
                term += 1


@kernel("void(float32[:,:,:,::1], int64, int64, int64, int64, int32[:,:,:,::1])")
def scatter(
    columns: NDArray[np.float32],
    height: int,
    width: int,
    padding: int,
    first_row: int,
    sums: NDArray[np.int32],
) -> None:
    """The way back: add columns (terms,rows,W2,N) to the inputs' sums (C,H,W,N) they came from."""
    channels, in_height, in_width, images = sums.shape
    rows, out_width = columns.shape[1:3]
    term = 0
    for c in range(channels):
        for ky in range(height):
            for kx in range(width):
                left = min(out_width, max(0, padding - kx))
                right = max(left, min(out_width, in_width + padding - kx))
                shift = (kx - padding) * images
                for row in range(rows):
                    y = first_row + row + ky - padding
                    if y < 0 or y >= in_height:
                        continue
                    source = columns[term, row].reshape(out_width * images)
                    target = sums[c, y].reshape(in_width * images)
                    for n in range(left * images, right * images):
                        target[n + shift] += np.int32(source[n])
                term += 1
