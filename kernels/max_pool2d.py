"""Maximum over disjoint square windows, and its gradient."""

import numpy as np
from numpy.typing import NDArray

from kernels.jit import kernel


@kernel("void(int8[:,:,::1], int8[:,:,::1])")
def max_pool2d_forward(inputs: NDArray[np.int8], outputs: NDArray[np.int8]) -> None:
    """inputs (C,H,W) -> outputs (C,H//k,W//k); the window k follows from the shapes."""
    channels, height, width = outputs.shape
    size = inputs.shape[1] // height
    for c in range(channels):
        for y in range(height):
            for x in range(width):
                largest = inputs[c, y * size, x * size]
                for dy in range(size):
                    for dx in range(size):
                        largest = max(largest, inputs[c, y * size + dy, x * size + dx])
                outputs[c, y, x] = largest


@kernel("void(int8[:,:,::1], int8[:,:,::1], int8[:,:,::1], int8[:,:,::1])")
def max_pool2d_backward(
    inputs: NDArray[np.int8],
    outputs: NDArray[np.int8],
    output_error: NDArray[np.int8],
    input_error: NDArray[np.int8],
) -> None:
    """A window's error goes to its first largest element, row by row; the others get zero."""
    channels, height, width = outputs.shape
    size = inputs.shape[1] // height
    input_error[:] = 0
    for c in range(channels):
        for y in range(height):
            for x in range(width):
                for place in range(size * size):
                    row = y * size + place // size
                    column = x * size + place % size
                    if inputs[c, row, column] == outputs[c, y, x]:
                        input_error[c, row, column] = output_error[c, y, x]
                        break
