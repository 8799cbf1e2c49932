"""ReLU and its gradient, over flat int8 arrays."""

import numpy as np
from numpy.typing import NDArray

from kernels.jit import kernel


@kernel("void(int8[::1], int8[::1])")
def relu_forward(inputs: NDArray[np.int8], outputs: NDArray[np.int8]) -> None:
    """outputs = max(inputs, 0)."""
    for index in range(inputs.size):
        outputs[index] = max(inputs[index], np.int8(0))


@kernel("void(int8[::1], int8[::1], int8[::1])")
def relu_backward(
    outputs: NDArray[np.int8], output_error: NDArray[np.int8], input_error: NDArray[np.int8]
) -> None:
    """The error passes where the output is above zero."""
    for index in range(outputs.size):
        input_error[index] = output_error[index] if outputs[index] > 0 else 0
