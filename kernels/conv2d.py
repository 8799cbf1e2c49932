"""2-D cross-correlation with stride 1: sums, input error and weight gradient, exact in int32.

All three walk whole planes instead of windows. A plane is stored with its zero padding, W' wide;
seen as one flat row, the product of a plane with one weight is then a single long loop, and the
window's place (ky, kx) is an offset ky * W' + kx into it. The sums come out W' wide as well: the
last W' - W columns of each row hold sums that wrapped into the next row, and are cut.
"""

import numpy as np
from numpy.typing import NDArray

from kernels.jit import kernel


@kernel("int8[:,:,::1](int8[:,:,::1], int64)")
def pad(planes: NDArray[np.int8], padding: int) -> NDArray[np.int8]:
    """planes (C,H,W) -> (C,H+2p,W+2p) with a border of zeros."""
    channels, height, width = planes.shape
    padded = np.zeros((channels, height + 2 * padding, width + 2 * padding), np.int8)
    for c in range(channels):
        for y in range(height):
            for x in range(width):
                padded[c, y + padding, x + padding] = planes[c, y, x]
    return padded


@kernel("void(int8[:,:,:,::1], int8[:,:,::1], int32[:,:,::1])")
def correlate(weights: NDArray[np.int8], padded: NDArray[np.int8], sums: NDArray[np.int32]) -> None:
    """weights (O,C,k,k), padded planes (C,H',W') -> sums (O,H'-k+1,W'-k+1)."""
    outputs, channels, size, _ = weights.shape
    wide = padded.shape[2]
    height, width = sums.shape[1:]
    length = (height - 1) * wide + width
    flat = padded.reshape(channels, padded.shape[1] * wide)
    row = np.empty(length, np.int32)
    for o in range(outputs):
        row[:] = 0
        for c in range(channels):
            for ky in range(size):
                for kx in range(size):
                    weight = np.int32(weights[o, c, ky, kx])
                    if weight == 0:
                        continue
                    start = ky * wide + kx
                    shifted = flat[c, start : start + length]
                    for n in range(length):
                        row[n] += np.int32(shifted[n]) * weight
        for y in range(height):
            for x in range(width):
                sums[o, y, x] = row[y * wide + x]


@kernel("void(int8[:,:,:,::1], int8[:,:,::1], int64, int32[:,:,::1])")
def conv2d_forward(
    weights: NDArray[np.int8], inputs: NDArray[np.int8], padding: int, sums: NDArray[np.int32]
) -> None:
    """weights (O,C,k,k), inputs (C,H,W) -> sums (O,H+2p-k+1,W+2p-k+1)."""
    correlate(weights, pad(inputs, padding), sums)


@kernel("void(int8[:,:,:,::1], int8[:,:,::1], int64, int32[:,:,::1])")
def conv2d_input_error(
    weights: NDArray[np.int8],
    output_error: NDArray[np.int8],
    padding: int,
    sums: NDArray[np.int32],
) -> None:
    """weights (O,C,k,k), output error (O,H,W) -> sums of the input error (C,H-2p+k-1,W-2p+k-1).

    It is the correlation of the error with the kernels turned by 180 degrees.
    """
    outputs, channels, size, _ = weights.shape
    turned = np.empty((channels, outputs, size, size), np.int8)
    for c in range(channels):
        for o in range(outputs):
            for ky in range(size):
                for kx in range(size):
                    turned[c, o, ky, kx] = weights[o, c, size - 1 - ky, size - 1 - kx]
    correlate(turned, pad(output_error, size - 1 - padding), sums)


@kernel("void(int8[:,:,::1], int8[:,:,::1], int64, int32[:,:,:,::1])")
def conv2d_weight_gradient(
    inputs: NDArray[np.int8],
    output_error: NDArray[np.int8],
    padding: int,
    gradient: NDArray[np.int32],
) -> None:
    """inputs (C,H,W), output error (O,H2,W2) -> gradient (O,C,k,k)."""
    outputs, channels, size, _ = gradient.shape
    padded = pad(inputs, padding)
    wide = padded.shape[2]
    height, width = output_error.shape[1:]
    length = (height - 1) * wide + width
    flat = padded.reshape(channels, padded.shape[1] * wide)
    row = np.zeros(length, np.int8)  # one channel's error, as wide as the planes, zeros between
    for o in range(outputs):
        for y in range(height):
            for x in range(width):
                row[y * wide + x] = output_error[o, y, x]
        for c in range(channels):
            for ky in range(size):
                for kx in range(size):
                    start = ky * wide + kx
                    shifted = flat[c, start : start + length]
                    total = np.int32(0)
                    for n in range(length):
                        total += np.int32(row[n]) * np.int32(shifted[n])
                    gradient[o, c, ky, kx] = total
