"""Operations on batches (C,H,W,N) that one image has no need of: images are innermost."""

import numpy as np
from numba import types
from numpy.typing import NDArray

from kernels.jit import kernel
from kernels.loss import loss_gradient
from kernels.rounding import clip, round_shift

_LABELS = types.Array(types.uint8, 1, "C", readonly=True)


@kernel("void(int32[:,::1], int32[::1])")
def largest_of_images(sums: NDArray[np.int32], largest: NDArray[np.int32]) -> None:
    """The largest magnitude of each image; sums (elements,N), largest (N,)."""
    largest[:] = 0
    for row in range(len(sums)):
        values = sums[row]
        for n in range(values.size):
            largest[n] = max(largest[n], abs(values[n]))


@kernel("void(int32[:,::1], int32[::1], int64, int8[:,::1])")
def requantise_images(
    sums: NDArray[np.int32],
    shifts: NDArray[np.int32],
    rounding: int,
    values: NDArray[np.int8],
) -> None:
    """``requantise`` with a shift for each image; sums and values (elements,N), shifts (N,)."""
    for row in range(len(sums)):
        source, target = sums[row], values[row]
        for n in range(source.size):
            target[n] = clip(round_shift(source[n], shifts[n], rounding))


@kernel("void(int8[:,:,:,::1], int64, int8[:,:,:,::1])")
def max_pool2d_images(inputs: NDArray[np.int8], size: int, outputs: NDArray[np.int8]) -> None:
    """``max_pool2d_forward`` of a batch: inputs (C,H,W,N) -> outputs (C,H//size,W//size,N)."""
    channels, height, width, images = outputs.shape
    for c in range(channels):
        for y in range(height):
            for x in range(width):
                target = outputs[c, y, x]
                target[:] = inputs[c, y * size, x * size]
                for dy in range(size):
                    for dx in range(size):
                        source = inputs[c, y * size + dy, x * size + dx]
                        for n in range(images):
                            target[n] = max(target[n], source[n])


@kernel("void(int8[:,:,:,::1], int64, int8[:,:,:,::1], int8[:,:,:,::1], int8[:,:,:,::1])")
def max_pool2d_images_backward(
    inputs: NDArray[np.int8],
    size: int,
    outputs: NDArray[np.int8],
    output_error: NDArray[np.int8],
    input_error: NDArray[np.int8],
) -> None:
    """``max_pool2d_backward`` of a batch: the first largest element takes the window's error."""
    channels, height, width, images = outputs.shape
    left = np.empty(images, np.int8)
    input_error[:] = 0
    for c in range(channels):
        for y in range(height):
            for x in range(width):
                largest = outputs[c, y, x]
                left[:] = output_error[c, y, x]
                for dy in range(size):
                    for dx in range(size):
                        source = inputs[c, y * size + dy, x * size + dx]
                        target = input_error[c, y * size + dy, x * size + dx]
                        for n in range(images):
                            takes = source[n] == largest[n]
                            target[n] = left[n] if takes else 0
                            left[n] = 0 if takes else left[n]


@kernel(
    types.void(
        types.Array(types.int8, 2, "C"),
        types.Array(types.int64, 1, "C"),
        _LABELS,
        types.int64,
        types.Array(types.int8, 2, "C"),
    )
)
def loss_of_images(
    logits: NDArray[np.int8],
    exponents: NDArray[np.int64],
    labels: NDArray[np.uint8],
    rounding: int,
    errors: NDArray[np.int8],
) -> None:
    """``loss_gradient`` of every image: logits and errors (N,classes), the others (N,)."""
    powers = np.empty(logits.shape[1], np.int64)
    for n in range(len(logits)):
        loss_gradient(logits[n], exponents[n], int(labels[n]), rounding, powers, errors[n])
