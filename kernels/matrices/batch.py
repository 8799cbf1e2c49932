"""Operations on batches (C,H,W,N) that one image has no need of: images are innermost."""

import numpy as np
from numba import types
from numpy.typing import NDArray

from priot.kernels.jit import kernel
from priot.kernels.loss import loss_gradient
from priot.kernels.round_shift import clip, round_shift

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
