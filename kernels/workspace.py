"""All memory of a training step as flat arrays, so that a whole run is one compiled call."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numba
import numpy as np
from numba import types
from numpy.typing import NDArray

from kernels.conv2d import scratch_size
from kernels.methods import Method
from kernels.model import Model
from kernels.network import Conv2d, Dense, Layer, MaxPool2d, ReLU, Shape

CONV2D, DENSE, RELU, MAX_POOL2D = range(4)
_KINDS: dict[type[Layer], int] = {Conv2d: CONV2D, Dense: DENSE, ReLU: RELU, MaxPool2d: MAX_POOL2D}

LAYER = np.dtype(
    [
        (name, np.int64)
        for name in (
            "kind",
            *("channels", "height", "width"),  # of the input; a dense layer has channels alone
            *("out_channels", "out_height", "out_width"),
            *("window", "padding", "exponent"),
            *("input", "input_end", "output", "output_end"),  # in activations and errors
            *("edges", "edges_end"),  # in weights, kept, scores, scored and gradients
            *("forward", "backward", "gradient_bits"),  # as in kernels.trainer.Scale
        )
    ]
)
SETTINGS = np.dtype(
    [
        (name, np.int64)
        for name in (
            *("dynamic", "trains_scores", "learning_rate_bits"),
            *("threshold", "double_threshold", "rounding"),
            "first_trained",  # index of a layer
        )
    ]
)


class Workspace(NamedTuple):
    """What one trainer computes with."""

    layers: NDArray[np.void]
    """One record of dtype LAYER per layer."""
    settings: NDArray[np.void]
    """One record of dtype SETTINGS."""
    activations: NDArray[np.int8]
    """The image, then every layer's output."""
    errors: NDArray[np.int8]
    """The error of each activation."""
    weights: NDArray[np.int8]
    kept: NDArray[np.int8]
    """The weights as often as they count; the memory of ``weights`` itself without scores."""
    scores: NDArray[np.int8]
    """Like ``scored`` of the weights' length, or empty where no scores are trained."""
    scored: NDArray[np.bool_]
    gradients: NDArray[np.int32]
    sums: NDArray[np.int32]
    """Of the layer at hand."""
    scratch: NDArray[np.int32]
    powers: NDArray[np.int64]
    """The loss's softmax, one element per class."""


def _array(dtype: Any) -> types.Array:
    return types.Array(dtype, 1, "C")


WORKSPACE = types.NamedTuple(  # type: ignore[no-untyped-call]
    [
        _array(numba.from_dtype(LAYER)),
        _array(numba.from_dtype(SETTINGS)),
        *[_array(types.int8)] * 5,
        _array(types.boolean),
        *[_array(types.int32)] * 3,
        _array(types.int64),
    ],
    Workspace,
)
"""The type of a Workspace in compiled code."""


def workspace(model: Model, method: Method, dynamic: bool) -> Workspace:
    """Memory for training ``model``: copies of its tensors, and all that a step writes."""
    layers = layer_table(model)
    settings = np.zeros(1, SETTINGS)
    settings["dynamic"] = dynamic
    for name in ("trains_scores", "learning_rate_bits", "rounding"):
        settings[name] = getattr(method, name)
    settings["threshold"], settings["double_threshold"] = method.thresholds
    settings["first_trained"] = method.trained_of(model.network)[0]
    activations = int(layers["output_end"].max())
    weights = _flat(model.weights, np.int8)
    return Workspace(
        layers,
        settings,
        np.zeros(activations, np.int8),
        np.zeros(activations, np.int8),
        weights,
        np.zeros_like(weights) if method.trains_scores else weights,
        _flat(model.scores, np.int8),
        _flat(model.scored, np.bool_),
        np.zeros(weights.size, np.int32),
        np.zeros(activations, np.int32),
        np.zeros(max(map(_scratch_size, layers)), np.int32),
        np.zeros(model.network.classes, np.int64),
    )


def layer_table(model: Model) -> NDArray[np.void]:
    """The network as one record of dtype LAYER per layer; shifts are 0."""
    network = model.network
    table = np.zeros(len(network.layers), LAYER)
    start, end, edges = 0, math.prod(network.input_shape), 0
    for index, (layer, row) in enumerate(zip(network.layers, table, strict=True)):
        row["kind"] = _KINDS[type(layer)]
        shape, out = network.input_shape_of(index), network.output_shape_of(index)
        if isinstance(layer, Dense):
            shape = (math.prod(shape),)
        row["channels"], row["height"], row["width"] = _three(shape)
        row["out_channels"], row["out_height"], row["out_width"] = _three(out)
        if isinstance(layer, Conv2d):
            row["window"], row["padding"] = layer.kernel, layer.padding
        elif isinstance(layer, MaxPool2d):
            row["window"] = layer.size
        row["input"], row["input_end"] = start, end
        start, end = end, end + math.prod(out)
        row["output"], row["output_end"] = start, end
        row["edges"] = edges
        edges += math.prod(network.weight_shape_of(index)) if index in model.weights else 0
        row["edges_end"] = edges
        row["exponent"] = model.exponents.get(index, 0)
    return table


def _three(shape: Shape) -> tuple[int, int, int]:
    channels, height, width = (*shape, 1, 1)[:3]
    return channels, height, width


def _flat(tensors: dict[int, NDArray[Any]], dtype: Any) -> NDArray[Any]:
    """Tensors one after the other, in the order of layers."""
    flat = [tensors[index].reshape(-1) for index in sorted(tensors)]
    return np.concatenate(flat) if flat else np.zeros(0, dtype)


def _scratch_size(layer: np.void) -> int:
    if layer["kind"] != CONV2D:
        return 0
    names = ("channels", "out_channels", "window", "height", "width")
    return scratch_size(*(int(layer[name]) for name in names))
