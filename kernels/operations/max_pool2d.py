"""Maximum over disjoint square windows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numba import types
from numpy.typing import NDArray

from priot.kernels.jit import kernel
from priot.kernels.operations.operation import Shape, Weightless, needs_planes
from priot.kernels.reference.integers import Ints
from priot.kernels.reference.max_pool2d import max_pool2d_backward as specified_backward
from priot.kernels.reference.max_pool2d import max_pool2d_forward as specified_forward
from priot.kernels.vectors import LANES, larger, load, store
from priot.kernels.workspace import WORKSPACE, Workspace, input_planes, output_planes


@dataclass(frozen=True)
class MaxPool2d(Weightless):
    """Maximum over disjoint windows of ``size`` x ``size``; rows and columns left over are cut."""

    size: int = 2
    kind: ClassVar[int] = 4
    name: ClassVar[str] = "max_pool2d"
    backward_reads_inputs: ClassVar[bool] = True
    backward_reads_outputs: ClassVar[bool] = True

    def output_shape(self, inputs: Shape) -> Shape:
        return (inputs[0], inputs[1] // self.size, inputs[2] // self.size)

    def fault(self, inputs: Shape) -> str | None:
        hold_nothing = f"a window of {self.size} holds nothing" if self.size < 1 else None
        return needs_planes(inputs) or hold_nothing

    @property
    def words(self) -> dict[str, int]:
        return {"window": self.size}

    def forward(self, inputs: Ints) -> Ints:
        return specified_forward(inputs, self.size)

    def backward(self, inputs: Ints, outputs: Ints, output_error: Ints) -> Ints:
        return specified_backward(inputs, self.size, output_error)

    def forward_batch(self, inputs: NDArray[np.int8], outputs: NDArray[np.int8]) -> None:
        if inputs.shape[-1] == 1:  # loops over one image would be slow
            max_pool2d_forward(inputs[..., 0], self.size, outputs[..., 0])
        else:
            max_pool2d_batch(inputs, self.size, outputs)

    def backward_batch(
        self,
        inputs: NDArray[np.int8],
        outputs: NDArray[np.int8],
        output_error: NDArray[np.int8],
        input_error: NDArray[np.int8],
    ) -> None:
        if inputs.shape[-1] == 1:
            inputs, outputs = inputs[..., 0], outputs[..., 0]
            output_error, input_error = output_error[..., 0], input_error[..., 0]
            max_pool2d_backward(inputs, self.size, outputs, output_error, input_error)
        else:
            max_pool2d_batch_backward(inputs, self.size, outputs, output_error, input_error)


@kernel("void(int8[:,:,::1], int64, int8[:,:,::1])")
def max_pool2d_forward(inputs: NDArray[np.int8], size: int, outputs: NDArray[np.int8]) -> None:
    """inputs (C,H,W) -> outputs (C,H//size,W//size); rows and columns left over are cut."""
    channels, height, width = outputs.shape
    for c in range(channels):
        for y in range(height):
            for x in range(width):
                largest = inputs[c, y * size, x * size]
                for dy in range(size):
                    for dx in range(size):
                        largest = max(largest, inputs[c, y * size + dy, x * size + dx])
                outputs[c, y, x] = largest


@kernel("void(int8[:,:,::1], int64, int8[:,:,::1], int8[:,:,::1], int8[:,:,::1])")
def max_pool2d_backward(
    inputs: NDArray[np.int8],
    size: int,
    outputs: NDArray[np.int8],
    output_error: NDArray[np.int8],
    input_error: NDArray[np.int8],
) -> None:
    """A window's error goes to its first largest element, row by row; the others get zero."""
    channels, height, width = outputs.shape
    input_error[:] = 0
    for c in range(channels):
        for y in range(height):
            for x in range(width):
                largest, error = outputs[c, y, x], output_error[c, y, x]
                for row in range(y * size, (y + 1) * size):
                    for column in range(x * size, (x + 1) * size):
                        # no branch: which element is largest cannot be foreseen
                        takes = inputs[c, row, column] == largest
                        input_error[c, row, column] = error if takes else 0
                        error = 0 if takes else error


@kernel(types.void(WORKSPACE, types.int64))
def forward(ws: Workspace, index: int) -> None:
    """Of layer ``index``."""
    layer = ws.layers[index]
    max_pool2d_forward(
        input_planes(ws.activations[layer.input : layer.input_end], layer),
        layer.window,
        output_planes(ws.activations[layer.output : layer.output_end], layer),
    )


@kernel(types.void(WORKSPACE, types.int64))
def backward(ws: Workspace, index: int) -> None:
    """Of layer ``index``."""
    layer = ws.layers[index]
    max_pool2d_backward(
        input_planes(ws.activations[layer.input : layer.input_end], layer),
        layer.window,
        output_planes(ws.activations[layer.output : layer.output_end], layer),
        output_planes(ws.errors[layer.output : layer.output_end], layer),
        input_planes(ws.errors[layer.input : layer.input_end], layer),
    )


@kernel("void(int32[::1], int64, int64, int64, int64)")
def max_pool2d_lanes(
    values: NDArray[np.int32], pairs: int, height: int, width: int, size: int
) -> None:
    """(pairs, H, W, LANES) -> (pairs, H//size, W//size, LANES), in place: no output lies behind
    the first of its inputs (priot.kernels.lanes)."""
    out_height, out_width = height // size, width // size
    for pair in range(pairs):
        for y in range(out_height):
            for x in range(out_width):
                first = (pair * height + y * size) * width + x * size
                largest = load(values, first * LANES)
                for dy in range(size):
                    for dx in range(size):
                        largest = larger(largest, load(values, (first + dy * width + dx) * LANES))
                store(largest, values, ((pair * out_height + y) * out_width + x) * LANES)


@kernel("void(int8[:,:,:,::1], int64, int8[:,:,:,::1])")
def max_pool2d_batch(inputs: NDArray[np.int8], size: int, outputs: NDArray[np.int8]) -> None:
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
def max_pool2d_batch_backward(
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
