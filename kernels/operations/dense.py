"""A fully connected layer without bias. All sums are exact in int32."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numba import types
from numpy.typing import NDArray

from priot.kernels.jit import kernel
from priot.kernels.operations.operation import Shape, Weighted, Window, planes
from priot.kernels.reference.dense import dense_forward as specified_forward
from priot.kernels.reference.dense import dense_input_error as specified_input_error
from priot.kernels.reference.dense import dense_weight_gradient as specified_weight_gradient
from priot.kernels.reference.integers import Ints
from priot.kernels.workspace import WORKSPACE, Workspace


@dataclass(frozen=True)
class Dense(Weighted):
    """A fully connected layer without bias. Weights: (features, inputs)."""

    features: int
    kind: ClassVar[int] = 2
    name: ClassVar[str] = "dense"

    def output_shape(self, inputs: Shape) -> Shape:
        return (self.features,)

    def weight_shape(self, inputs: Shape) -> Shape:
        return (self.features, math.prod(inputs))

    def window(self, inputs: Shape) -> Window:
        channels, height, width = planes(inputs)
        return Window((channels, height, width), (self.features, 1, 1), (height, width), 0)

    def forward(self, weights: Ints, inputs: Ints) -> Ints:
        return specified_forward(weights, inputs.reshape(-1))

    def input_error(self, weights: Ints, output_error: Ints) -> Ints:
        return specified_input_error(weights, output_error)

    def weight_gradient(self, inputs: Ints, output_error: Ints) -> Ints:
        return specified_weight_gradient(inputs.reshape(-1), output_error)


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


@kernel(types.void(WORKSPACE, types.int64))
def forward(ws: Workspace, index: int) -> None:
    """``sums`` of the outputs of layer ``index``."""
    layer = ws.layers[index]
    inputs = ws.activations[layer.input : layer.input_end]
    sums = ws.sums[: layer.out_channels]
    weights = ws.kept[layer.edges : layer.edges_end]
    dense_forward(weights.reshape(sums.size, inputs.size), inputs, sums)


@kernel(types.void(WORKSPACE, types.int64))
def input_error(ws: Workspace, index: int) -> None:
    """``sums`` of the input error of layer ``index``."""
    layer = ws.layers[index]
    error = ws.errors[layer.output : layer.output_end]
    sums = ws.sums[: layer.input_end - layer.input]
    weights = ws.kept[layer.edges : layer.edges_end]
    dense_input_error(weights.reshape(error.size, sums.size), error, sums)


@kernel(types.void(WORKSPACE, types.int64))
def weight_gradient(ws: Workspace, index: int) -> None:
    """``gradients`` of layer ``index``."""
    layer = ws.layers[index]
    inputs = ws.activations[layer.input : layer.input_end]
    error = ws.errors[layer.output : layer.output_end]
    gradient = ws.gradients[layer.edges : layer.edges_end]
    dense_weight_gradient(inputs, error, gradient.reshape(error.size, inputs.size))
