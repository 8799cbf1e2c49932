"""Maximum over disjoint square windows, and its gradient."""

import numpy as np
from numpy.typing import NDArray

from kernels.jit import kernel


@kernel("void(int8[:,:,::1], int64, int8[:,:,::1])")
def max_pool2d_forward(inputs: NDArray[np.int8], size: int, outputs: NDArray[np.int8]) -> None:
    """inputs (C,H,W) -> outputs (C,H//size,W//size); rows and columns left over are cut."""
    channels, height, width = outputs.shape
    for c in range(channels):
        for y in range(height):
            for x in range(width):
                largest = inputs[c, y * size, x * size]
                for dy in range(size):
                    for dx in range(size):
                        largest = max(largest, inputs[c, y * size + dy, x * size + dx])
                outputs[c, y, x] = largest


@kernel("void(int8[:,:,::1], int64, int8[:,:,::1], int8[:,:,::1], int8[:,:,::1])")
def max_pool2d_backward(
    inputs: NDArray[np.int8],
    size: int,
    outputs: NDArray[np.int8],
    output_error: NDArray[np.int8],
    input_error: NDArray[np.int8],
) -> None:
    """A window's error goes to its first largest element, row by row; the others get zero."""
    channels, height, width = outputs.shape
    input_error[:] = 0
    for c in range(channels):
        for y in range(height):
            for x in range(width):
                largest, error = outputs[c, y, x], output_error[c, y, x]
                for row in range(y * size, (y + 1) * size):
                    for column in range(x * size, (x + 1) * size):
                        # no branch: which element is largest cannot be foreseen
                        takes = inputs[c, row, column] == largest
                        input_error[c, row, column] = error if takes else 0
                        error = 0 if takes else error
