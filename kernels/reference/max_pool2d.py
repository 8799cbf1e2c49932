"""Maximum over disjoint square windows. Twin: firmware_elf/trainer/max_pool2d.c."""

from __future__ import annotations

import numpy as np

from priot.kernels.reference.integers import Ints, zeros


def max_pool2d_forward(inputs: Ints, size: int) -> Ints:
    """inputs (C,H,W) -> outputs (C,H//size,W//size); rows and columns left over are cut."""
    channels, height, width = inputs.shape
    outputs = zeros(channels, height // size, width // size)
    for c, y, x in np.ndindex(outputs.shape):
        outputs[c, y, x] = max(inputs[place] for place in _window(c, y, x, size))
    return outputs


def max_pool2d_backward(inputs: Ints, size: int, output_error: Ints) -> Ints:
    """A window's error goes to its first largest input, row by row; the others get zero."""
    input_error = zeros(*inputs.shape)
    for c, y, x in np.ndindex(output_error.shape):
        first = max(
            _window(c, y, x, size), key=lambda place: inputs[place]
        )  # max() takes the first
        input_error[first] = output_error[c, y, x]
    return input_error


def _window(c: int, y: int, x: int, size: int) -> list[tuple[int, int, int]]:
    """Places in the inputs that output (c, y, x) is the maximum of, row by row."""
    return [(c, y * size + dy, x * size + dx) for dy in range(size) for dx in range(size)]
