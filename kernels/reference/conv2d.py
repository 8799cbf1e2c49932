"""2-D cross-correlation with stride 1 and zero padding. Twin: firmware_elf/trainer/conv2d.c.

All three passes are sums of the same products, weight x input x output error:
output (o, y, x) meets input (c, y + ky - padding, x + kx - padding) through weight (o, c, ky, kx).
A place on the padding is zero and adds nothing.
"""

from __future__ import annotations

from priot.kernels.reference.integers import Ints, zeros


def conv2d_forward(weights: Ints, inputs: Ints, padding: int) -> Ints:
    """weights (O,C,k,k), inputs (C,H,W) -> sums (O,H+2p-k+1,W+2p-k+1)."""
    outputs, channels, size, _ = weights.shape
    _, height, width = inputs.shape
    sums = zeros(outputs, height + 2 * padding - size + 1, width + 2 * padding - size + 1)
    for o in range(outputs):
        for y in range(sums.shape[1]):
            for x in range(sums.shape[2]):
                for c in range(channels):
                    for ky in range(size):
                        for kx in range(size):
                            row, column = y + ky - padding, x + kx - padding
                            if 0 <= row < height and 0 <= column < width:
                                sums[o, y, x] += weights[o, c, ky, kx] * inputs[c, row, column]
    return sums


def conv2d_input_error(weights: Ints, output_error: Ints, padding: int) -> Ints:
    """weights (O,C,k,k), output error (O,H,W) -> sums of the input error (C,H-2p+k-1,W-2p+k-1)."""
    outputs, channels, size, _ = weights.shape
    _, out_height, out_width = output_error.shape
    height, width = out_height - 2 * padding + size - 1, out_width - 2 * padding + size - 1
    sums = zeros(channels, height, width)
    for o in range(outputs):
        for y in range(out_height):
            for x in range(out_width):
                for c in range(channels):
                    for ky in range(size):
                        for kx in range(size):
                            row, column = y + ky - padding, x + kx - padding
                            if 0 <= row < height and 0 <= column < width:
                                error = output_error[o, y, x]
                                sums[c, row, column] += weights[o, c, ky, kx] * error
    return sums


def conv2d_weight_gradient(inputs: Ints, output_error: Ints, padding: int) -> Ints:
    """inputs (C,H,W), output error (O,H2,W2) -> gradient (O,C,k,k)."""
    channels, height, width = inputs.shape
    outputs, out_height, out_width = output_error.shape
    size = height + 2 * padding - out_height + 1
    gradient = zeros(outputs, channels, size, size)
    for o in range(outputs):
        for y in range(out_height):
            for x in range(out_width):
                for c in range(channels):
                    for ky in range(size):
                        for kx in range(size):
                            row, column = y + ky - padding, x + kx - padding
                            if 0 <= row < height and 0 <= column < width:
                                error = output_error[o, y, x]
                                gradient[o, c, ky, kx] += inputs[c, row, column] * error
    return gradient
