"""A fully connected layer: sums, input error and weight gradient. All sums are exact in int32."""

import numpy as np
from numpy.typing import NDArray

from kernels.jit import kernel


@kernel("void(int8[:,::1], int8[::1], int32[::1])")
def dense_forward(
    weights: NDArray[np.int8], inputs: NDArray[np.int8], sums: NDArray[np.int32]
) -> None:
    """weights (O,I), inputs (I,) -> sums (O,)."""
    for o in range(weights.shape[0]):
        row = weights[o]
        total = np.int32(0)
        for i in range(inputs.size):
            total += np.int32(row[i]) * np.int32(inputs[i])
        sums[o] = total


@kernel("void(int8[:,::1], int8[::1], int32[::1])")
def dense_input_error(
    weights: NDArray[np.int8], output_error: NDArray[np.int8], sums: NDArray[np.int32]
) -> None:
    """weights (O,I), output error (O,) -> sums of the input error (I,)."""
    sums[:] = 0
    for o in range(weights.shape[0]):
        error = np.int32(output_error[o])
        if error == 0:
            continue
        row = weights[o]
        for i in range(sums.size):
            sums[i] += np.int32(row[i]) * error


@kernel("void(int8[::1], int8[::1], int32[:,::1])")
def dense_weight_gradient(
    inputs: NDArray[np.int8], output_error: NDArray[np.int8], gradient: NDArray[np.int32]
) -> None:
    """inputs (I,), output error (O,) -> gradient (O,I), their outer product."""
    for o in range(output_error.size):
        error = np.int32(output_error[o])
        row = gradient[o]
        for i in range(inputs.size):
            row[i] = np.int32(inputs[i]) * error
