"""A fully connected layer without bias. Twin: firmware_elf/trainer/dense.c."""

from __future__ import annotations

from priot.kernels.reference.integers import Ints, zeros


def dense_forward(weights: Ints, inputs: Ints) -> Ints:
    """weights (O,I), inputs (I,) -> sums (O,)."""
    outputs, count = weights.shape
    sums = zeros(outputs)
    for o in range(outputs):
        for i in range(count):
            sums[o] += weights[o, i] * inputs[i]
    return sums


def dense_input_error(weights: Ints, output_error: Ints) -> Ints:
    """weights (O,I), output error (O,) -> sums of the input error (I,)."""
    outputs, count = weights.shape
    sums = zeros(count)
    for o in range(outputs):
        for i in range(count):
            sums[i] += weights[o, i] * output_error[o]
    return sums


def dense_weight_gradient(inputs: Ints, output_error: Ints) -> Ints:
    """inputs (I,), output error (O,) -> gradient (O,I)."""
    gradient = zeros(output_error.size, inputs.size)
    for o in range(output_error.size):
        for i in range(inputs.size):
            gradient[o, i] = inputs[i] * output_error[o]
    return gradient
