"""ReLU, element by element. Twin: firmware_elf/trainer/relu.c."""

from __future__ import annotations

import numpy as np

from priot.kernels.reference.integers import Ints, each, zeros


def relu_forward(inputs: Ints) -> Ints:
    """max(inputs, 0), of any shape."""
    return each(lambda value: max(value, 0), inputs)


def relu_backward(outputs: Ints, output_error: Ints) -> Ints:
    """The error passes where the output is above zero."""
    input_error = zeros(*outputs.shape)
    for place in np.ndindex(outputs.shape):
        if outputs[place] > 0:
            input_error[place] = output_error[place]
    return input_error
