"""ReLU: max(x, 0), element by element."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numba import types
from numpy.typing import NDArray

from priot.kernels.jit import kernel
from priot.kernels.operations.operation import Shape, Weightless
from priot.kernels.reference.integers import Ints
from priot.kernels.reference.relu import relu_backward as specified_backward
from priot.kernels.reference.relu import relu_forward as specified_forward
from priot.kernels.workspace import WORKSPACE, Workspace


@dataclass(frozen=True)
class ReLU(Weightless):
    """max(x, 0), element by element."""

    kind: ClassVar[int] = 3
    name: ClassVar[str] = "relu"
    in_place: ClassVar[bool] = True
    backward_reads_outputs: ClassVar[bool] = True

    def output_shape(self, inputs: Shape) -> Shape:
        return inputs

    def forward(self, inputs: Ints) -> Ints:
        return specified_forward(inputs)

    def backward(self, inputs: Ints, outputs: Ints, output_error: Ints) -> Ints:
        return specified_backward(outputs, output_error)

    def forward_batch(self, inputs: NDArray[np.int8], outputs: NDArray[np.int8]) -> None:
        relu_forward(inputs.reshape(-1), outputs.reshape(-1))

    def backward_batch(
        self,
        inputs: NDArray[np.int8],
        outputs: NDArray[np.int8],
        output_error: NDArray[np.int8],
        input_error: NDArray[np.int8],
    ) -> None:
        relu_backward(outputs.reshape(-1), output_error.reshape(-1), input_error.reshape(-1))


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


@kernel(types.void(WORKSPACE, types.int64))
def forward(ws: Workspace, index: int) -> None:
    """Of layer ``index``."""
    layer = ws.layers[index]
    relu_forward(
        ws.activations[layer.input : layer.input_end],
        ws.activations[layer.output : layer.output_end],
    )


@kernel(types.void(WORKSPACE, types.int64))
def backward(ws: Workspace, index: int) -> None:
    """Of layer ``index``."""
    layer = ws.layers[index]
    relu_backward(
        ws.activations[layer.output : layer.output_end],
        ws.errors[layer.output : layer.output_end],
        ws.errors[layer.input : layer.input_end],
    )


@kernel("void(int16[::1])")
def relu_lanes(values: NDArray[np.int16]) -> None:
    """max(x, 0), in place, of the two int16 of every lane (priot.kernels.lanes)."""
    for index in range(values.size):
        values[index] = max(values[index], np.int16(0))
