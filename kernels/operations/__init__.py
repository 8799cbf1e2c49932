"""The operations that a network is made of, and the one place that lists them.

An operation's file is its home: settings, kind, shapes and bounds, and its passes for every engine.
Whoever adds one adds its file and its lines here.
"""

from __future__ import annotations

import numpy as np
from numba import types
from numpy.typing import NDArray

from priot.kernels.jit import kernel
from priot.kernels.operations import conv2d, dense, max_pool2d, relu
from priot.kernels.operations.conv2d import Conv2d
from priot.kernels.operations.dense import Dense
from priot.kernels.operations.max_pool2d import MaxPool2d
from priot.kernels.operations.operation import Operation, Shape, Weighted, Weightless
from priot.kernels.operations.relu import ReLU
from priot.kernels.vectors import LANES
from priot.kernels.workspace import WORKSPACE, Workspace

__all__ = [
    "OPERATIONS",
    "Conv2d",
    "Dense",
    "MaxPool2d",
    "Operation",
    "ReLU",
    "Shape",
    "Weighted",
    "Weightless",
]

OPERATIONS: tuple[type[Operation], ...] = (Conv2d, Dense, ReLU, MaxPool2d)

CONV2D, DENSE, RELU, MAX_POOL2D = (operation.kind for operation in OPERATIONS)


@kernel(types.void(WORKSPACE, types.int64))
def sum_outputs(ws: Workspace, index: int) -> None:
    """``sums`` of the outputs of layer ``index``, which has weights."""
    kind = ws.layers[index].kind
    if kind == CONV2D:
        conv2d.forward(ws, index)
    elif kind == DENSE:
        dense.forward(ws, index)


@kernel(types.void(WORKSPACE, types.int64))
def sum_input_error(ws: Workspace, index: int) -> None:
    """``sums`` of the input error of layer ``index``, which has weights."""
    kind = ws.layers[index].kind
    if kind == CONV2D:
        conv2d.input_error(ws, index)
    elif kind == DENSE:
        dense.input_error(ws, index)


@kernel(types.void(WORKSPACE, types.int64))
def weight_gradient(ws: Workspace, index: int) -> None:
    """``gradients`` of layer ``index``, which has weights."""
    kind = ws.layers[index].kind
    if kind == CONV2D:
        conv2d.weight_gradient(ws, index)
    elif kind == DENSE:
        dense.weight_gradient(ws, index)


@kernel(types.void(WORKSPACE, types.int64))
def forward(ws: Workspace, index: int) -> None:
    """The outputs of layer ``index``, which has no weights."""
    kind = ws.layers[index].kind
    if kind == RELU:
        relu.forward(ws, index)
    elif kind == MAX_POOL2D:
        max_pool2d.forward(ws, index)


@kernel(types.void(WORKSPACE, types.int64))
def backward(ws: Workspace, index: int) -> None:
    """The input error of layer ``index``, which has no weights."""
    kind = ws.layers[index].kind
    if kind == RELU:
        relu.backward(ws, index)
    elif kind == MAX_POOL2D:
        max_pool2d.backward(ws, index)


@kernel(types.void(WORKSPACE, types.int64, types.int32[::1]))
def forward_lanes(ws: Workspace, index: int, values: NDArray[np.int32]) -> None:
    """Of layer ``index``, which has no weights, for many images (priot.kernels.lanes), in place."""
    layer = ws.layers[index]
    pairs = (layer.channels + 1) // 2
    if layer.kind == RELU:
        size = pairs * layer.height * layer.width * LANES
        relu.relu_lanes(values[:size].view(np.int16))
    elif layer.kind == MAX_POOL2D:
        max_pool2d.max_pool2d_lanes(values, pairs, layer.height, layer.width, layer.window)
