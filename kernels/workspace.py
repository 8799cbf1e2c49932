"""All memory of a training step as flat arrays, so that a whole run is one compiled call."""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np
from numba import types
from numpy.typing import NDArray

from priot.kernels.jit import inlined

LAYER = np.dtype(
    [
        (name, np.int64)
        for name in (
            "kind",
            *("channels", "height", "width"),  # of the input; a dense layer has channels alone
            *("out_channels", "out_height", "out_width"),
            *("window", "padding"),  # an operation's own settings, as its ``words`` say
            "exponent",  # of the weights
            *("input", "input_end", "output", "output_end"),  # in activations and errors
            *("edges", "edges_end"),  # in weights, kept, scores, scored and gradients
            *("forward", "backward", "gradient_bits"),  # as in priot.kernels.trainer.Scale
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


@inlined
def input_planes(values: Any, layer: Any) -> Any:
    """Values of a layer's inputs, flat, as (C,H,W)."""
    return values.reshape(layer.channels, layer.height, layer.width)


@inlined
def output_planes(values: Any, layer: Any) -> Any:
    """Values of a layer's outputs, flat, as (C,H,W)."""
    return values.reshape(layer.out_channels, layer.out_height, layer.out_width)
