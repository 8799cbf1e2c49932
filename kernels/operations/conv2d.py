"""2-D cross-correlation with stride 1 and zero padding; all sums are exact in int32."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numba import types
from numpy.typing import NDArray

from priot.kernels.flat_planes import TERMS, carve, correlate, groups, pad, term_offsets
from priot.kernels.jit import inlined, kernel
from priot.kernels.operations.operation import Shape, Weighted, Window, needs_planes
from priot.kernels.reference.conv2d import conv2d_forward as specified_forward
from priot.kernels.reference.conv2d import conv2d_input_error as specified_input_error
from priot.kernels.reference.conv2d import conv2d_weight_gradient as specified_weight_gradient
from priot.kernels.reference.integers import Ints
from priot.kernels.workspace import WORKSPACE, Workspace, input_planes, output_planes


@dataclass(frozen=True)
class Conv2d(Weighted):
    """Cross-correlation with stride 1 and zero padding; no bias. Weights: (channels, C, k, k)."""

    channels: int
    kernel: int = 3
    padding: int = 1
    kind: ClassVar[int] = 1
    name: ClassVar[str] = "conv2d"

    def output_shape(self, inputs: Shape) -> Shape:
        grow = 2 * self.padding - self.kernel + 1
        return (self.channels, inputs[1] + grow, inputs[2] + grow)

    def weight_shape(self, inputs: Shape) -> Shape:
        return (self.channels, inputs[0], self.kernel, self.kernel)

    def fault(self, inputs: Shape) -> str | None:
        fits = 0 <= self.padding < self.kernel
        return needs_planes(inputs) or (
            None if fits else f"padding must lie in 0..{self.kernel - 1}"
        )

    @property
    def words(self) -> dict[str, int]:
        return {"window": self.kernel, "padding": self.padding}

    def window(self, inputs: Shape) -> Window:
        return Window(inputs, self.output_shape(inputs), (self.kernel, self.kernel), self.padding)

    def loop_scratch(self, inputs: Shape) -> int:
        return scratch_size(inputs[0], self.channels, self.kernel, inputs[1], inputs[2])

    def forward(self, weights: Ints, inputs: Ints) -> Ints:
        return specified_forward(weights, inputs, self.padding)

    def input_error(self, weights: Ints, output_error: Ints) -> Ints:
        return specified_input_error(weights, output_error, self.padding)

    def weight_gradient(self, inputs: Ints, output_error: Ints) -> Ints:
        return specified_weight_gradient(inputs, output_error, self.padding)


def scratch_size(channels: int, outputs: int, size: int, height: int, width: int) -> int:
    """Elements for inputs (C,H,W), ``outputs`` channels and windows of ``size``, any padding."""
    plane = (height + 2 * size) * (width + 2 * size)
    most = max(channels, outputs)
    return most * plane + (most + 1) * groups(most * size * size) + 2 * plane


@kernel("void(int8[:,:,:,::1], int8[:,:,::1], int64, int32[::1], int32[:,:,::1])")
def conv2d_forward(
    weights: NDArray[np.int8],
    inputs: NDArray[np.int8],
    padding: int,
    scratch: NDArray[np.int32],
    sums: NDArray[np.int32],
) -> None:
    """weights (O,C,k,k), inputs (C,H,W) -> sums (O,H+2p-k+1,W+2p-k+1)."""
    outputs, channels, size, _ = weights.shape
    wide = inputs.shape[2] + 2 * padding
    plane = (inputs.shape[1] + 2 * padding) * wide
    terms = channels * size * size
    planes, offsets, table, rows = carve(scratch, channels * plane, outputs, groups(terms))
    pad(inputs, padding, planes)
    term_offsets(channels, size, wide, plane, offsets)
    for o in range(outputs):
        flat = weights[o].reshape(terms)
        for term in range(terms):
            table[o, term] = flat[term]
        table[o, terms:] = 0
    correlate(table, offsets, planes, wide, rows, sums)


@kernel("void(int8[:,:,:,::1], int8[:,:,::1], int64, int32[::1], int32[:,:,::1])")
def conv2d_input_error(
    weights: NDArray[np.int8],
    output_error: NDArray[np.int8],
    padding: int,
    scratch: NDArray[np.int32],
    sums: NDArray[np.int32],
) -> None:
    """weights (O,C,k,k), output error (O,H,W) -> sums of the input error (C,H-2p+k-1,W-2p+k-1).

    It is the correlation of the error with the kernels turned by 180 degrees.
    """
    outputs, channels, size, _ = weights.shape
    border = size - 1 - padding
    wide = output_error.shape[2] + 2 * border
    plane = (output_error.shape[1] + 2 * border) * wide
    window = size * size
    terms = outputs * window
    planes, offsets, table, rows = carve(scratch, outputs * plane, channels, groups(terms))
    pad(output_error, border, planes)
    term_offsets(outputs, size, wide, plane, offsets)
    table[:, terms:] = 0
    for o in range(outputs):
        for c in range(channels):
            flat = weights[o, c].reshape(window)
            for place in range(window):
                table[c, o * window + place] = flat[window - 1 - place]
    correlate(table, offsets, planes, wide, rows, sums)


@kernel("void(int8[:,:,::1], int8[:,:,::1], int64, int32[::1], int32[:,:,:,::1])")
def conv2d_weight_gradient(
    inputs: NDArray[np.int8],
    output_error: NDArray[np.int8],
    padding: int,
    scratch: NDArray[np.int32],
    gradient: NDArray[np.int32],
) -> None:
    """inputs (C,H,W), output error (O,H2,W2) -> gradient (O,C,k,k)."""
    outputs, channels, size, _ = gradient.shape
    wide = inputs.shape[2] + 2 * padding
    plane = (inputs.shape[1] + 2 * padding) * wide
    height, width = output_error.shape[1:]
    length = (height - 1) * wide + width
    terms = channels * size * size
    planes, offsets, _, rows = carve(scratch, channels * plane, 0, groups(terms))
    pad(inputs, padding, planes)
    term_offsets(channels, size, wide, plane, offsets)
    row = rows[:length]  # one channel's error, as wide as the planes, zeros between
    row[:] = 0
    for o in range(outputs):
        for y in range(height):
            start = y * wide
            for x in range(width):
                row[start + x] = output_error[o, y, x]
        flat = gradient[o].reshape(terms)
        for g in range(0, terms, TERMS):
            at = offsets[g:]
            p0, p1, p2 = planes[at[0] :], planes[at[1] :], planes[at[2] :]
            p3, p4, p5 = planes[at[3] :], planes[at[4] :], planes[at[5] :]
            p6, p7, p8 = planes[at[6] :], planes[at[7] :], planes[at[8] :]
            t0 = t1 = t2 = t3 = t4 = t5 = t6 = t7 = t8 = np.int32(0)
            for n in range(length):
                error = row[n]
                t0 += error * p0[n]
                t1 += error * p1[n]
                t2 += error * p2[n]
                t3 += error * p3[n]
                t4 += error * p4[n]
                t5 += error * p5[n]
                t6 += error * p6[n]
                t7 += error * p7[n]
                t8 += error * p8[n]
            totals = (t0, t1, t2, t3, t4, t5, t6, t7, t8)
            for term in range(g, min(g + TERMS, terms)):
                flat[term] = totals[term - g]


@inlined
def _windows(weights: Any, layer: Any) -> Any:
    return weights.reshape(layer.out_channels, layer.channels, layer.window, layer.window)


@kernel(types.void(WORKSPACE, types.int64))
def forward(ws: Workspace, index: int) -> None:
    """``sums`` of the outputs of layer ``index``."""
    layer = ws.layers[index]
    conv2d_forward(
        _windows(ws.kept[layer.edges : layer.edges_end], layer),
        input_planes(ws.activations[layer.input : layer.input_end], layer),
        layer.padding,
        ws.scratch,
        output_planes(ws.sums[: layer.output_end - layer.output], layer),
    )


@kernel(types.void(WORKSPACE, types.int64))
def input_error(ws: Workspace, index: int) -> None:
    """``sums`` of the input error of layer ``index``."""
    layer = ws.layers[index]
    conv2d_input_error(
        _windows(ws.kept[layer.edges : layer.edges_end], layer),
        output_planes(ws.errors[layer.output : layer.output_end], layer),
        layer.padding,
        ws.scratch,
        input_planes(ws.sums[: layer.input_end - layer.input], layer),
    )


@kernel(types.void(WORKSPACE, types.int64))
def weight_gradient(ws: Workspace, index: int) -> None:
    """``gradients`` of layer ``index``."""
    layer = ws.layers[index]
    conv2d_weight_gradient(
        input_planes(ws.activations[layer.input : layer.input_end], layer),
        output_planes(ws.errors[layer.output : layer.output_end], layer),
        layer.padding,
        ws.scratch,
        _windows(ws.gradients[layer.edges : layer.edges_end], layer),
    )
