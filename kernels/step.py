"""Forward pass, backward pass and update of a whole network, and loops over images, compiled.

What a layer computes is in the layer's own module; here is only the order.
"""

from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from kernels.conv2d import conv2d_forward, conv2d_input_error, conv2d_weight_gradient
from kernels.dense import dense_forward, dense_input_error, dense_weight_gradient
from kernels.jit import inlined, kernel
from kernels.loss import loss_gradient
from kernels.max_pool2d import max_pool2d_backward, max_pool2d_forward
from kernels.model import INPUT_EXPONENT
from kernels.relu import relu_backward, relu_forward
from kernels.requantise import bit_width, dynamic_shift, requantise
from kernels.scores import descend, prune, score_gradient
from kernels.workspace import CONV2D, DENSE, RELU, WORKSPACE, Workspace

_IMAGES = types.Array(types.int8, 2, "C", readonly=True)
_LABELS = types.Array(types.uint8, 1, "C", readonly=True)
_INDICES = types.Array(types.int64, 1, "C", readonly=True)


_IMAGE = types.Array(types.int8, 1, "C", readonly=True)


@inlined
def _windows(weights: Any, layer: Any) -> Any:
    return weights.reshape(layer.out_channels, layer.channels, layer.window, layer.window)


@inlined
def _input_planes(values: Any, layer: Any) -> Any:
    return values.reshape(layer.channels, layer.height, layer.width)


@inlined
def _output_planes(values: Any, layer: Any) -> Any:
    return values.reshape(layer.out_channels, layer.out_height, layer.out_width)


@kernel(types.void(WORKSPACE))
def prune_edges(ws: Workspace) -> None:
    """Bring ``kept`` up to date with the scores; needed before a forward pass that follows them."""
    if ws.settings[0].trains_scores:
        settings = ws.settings[0]
        prune(ws.weights, ws.scores, settings.threshold, settings.double_threshold, ws.kept)


@kernel(types.int64(WORKSPACE))
def forward(ws: Workspace) -> int:
    """From the image to the logits; returns the exponent of the logits."""
    settings = ws.settings[0]
    exponent = INPUT_EXPONENT
    for index in range(len(ws.layers)):
        layer = ws.layers[index]
        inputs = ws.activations[layer.input : layer.input_end]
        outputs = ws.activations[layer.output : layer.output_end]
        if layer.kind == CONV2D or layer.kind == DENSE:
            weights = ws.kept[layer.edges : layer.edges_end]
            sums = ws.sums[: outputs.size]
            if layer.kind == CONV2D:
                conv2d_forward(
                    _windows(weights, layer),
                    _input_planes(inputs, layer),
                    layer.padding,
                    ws.scratch,
                    _output_planes(sums, layer),
                )
            else:
                dense_forward(weights.reshape(outputs.size, inputs.size), inputs, sums)
            if settings.dynamic:
                layer.forward = dynamic_shift(sums)
            requantise(sums, layer.forward, settings.rounding, outputs)
            exponent += layer.exponent + layer.forward
        elif layer.kind == RELU:
            relu_forward(inputs, outputs)
        else:
            max_pool2d_forward(
                _input_planes(inputs, layer), layer.window, _output_planes(outputs, layer)
            )
    return exponent


@kernel(types.void(WORKSPACE, types.int64, types.int64))
def loss(ws: Workspace, exponent: int, label: int) -> None:
    """The error of the logits."""
    last = ws.layers[len(ws.layers) - 1]
    loss_gradient(
        ws.activations[last.output : last.output_end],
        exponent,
        label,
        ws.settings[0].rounding,
        ws.powers,
        ws.errors[last.output : last.output_end],
    )


@kernel(types.void(WORKSPACE, types.int64))
def _input_error(ws: Workspace, index: int) -> None:
    layer = ws.layers[index]
    weights = ws.kept[layer.edges : layer.edges_end]
    error = ws.errors[layer.output : layer.output_end]
    input_error = ws.errors[layer.input : layer.input_end]
    sums = ws.sums[: input_error.size]
    if layer.kind == CONV2D:
        conv2d_input_error(
            _windows(weights, layer),
            _output_planes(error, layer),
            layer.padding,
            ws.scratch,
            _input_planes(sums, layer),
        )
    else:
        dense_input_error(weights.reshape(error.size, sums.size), error, sums)
    if ws.settings[0].dynamic:
        layer.backward = dynamic_shift(sums)
    requantise(sums, layer.backward, ws.settings[0].rounding, input_error)


@kernel(types.void(WORKSPACE, types.int64))
def _gradient(ws: Workspace, index: int) -> None:
    layer = ws.layers[index]
    inputs = ws.activations[layer.input : layer.input_end]
    error = ws.errors[layer.output : layer.output_end]
    gradient = ws.gradients[layer.edges : layer.edges_end]
    if layer.kind == CONV2D:
        conv2d_weight_gradient(
            _input_planes(inputs, layer),
            _output_planes(error, layer),
            layer.padding,
            ws.scratch,
            _windows(gradient, layer),
        )
    else:
        dense_weight_gradient(inputs, error, gradient.reshape(error.size, inputs.size))
    if ws.settings[0].trains_scores:
        weights = ws.weights[layer.edges : layer.edges_end]
        score_gradient(gradient, weights, ws.scored[layer.edges : layer.edges_end])
    if ws.settings[0].dynamic:
        layer.gradient_bits = bit_width(gradient)


@kernel(types.void(WORKSPACE))
def backward(ws: Workspace) -> None:
    """From the error of the logits to the error and gradient of every layer that is trained.

    Layers up to the first trained one have no use for an error of their input: none is computed.
    """
    first = ws.settings[0].first_trained
    for index in range(len(ws.layers) - 1, first - 1, -1):
        layer = ws.layers[index]
        inputs = ws.activations[layer.input : layer.input_end]
        outputs = ws.activations[layer.output : layer.output_end]
        input_error = ws.errors[layer.input : layer.input_end]
        error = ws.errors[layer.output : layer.output_end]
        if layer.kind == CONV2D or layer.kind == DENSE:
            if index > first:
                _input_error(ws, index)
            _gradient(ws, index)
        elif layer.kind == RELU:
            relu_backward(outputs, error, input_error)
        else:
            max_pool2d_backward(
                _input_planes(inputs, layer),
                layer.window,
                _output_planes(outputs, layer),
                _output_planes(error, layer),
                _input_planes(input_error, layer),
            )


@kernel(types.void(WORKSPACE))
def update(ws: Workspace) -> None:
    """Move every weight or score that is trained against its gradient."""
    settings = ws.settings[0]
    values = ws.scores if settings.trains_scores else ws.weights
    for index in range(settings.first_trained, len(ws.layers)):
        layer = ws.layers[index]
        shift = max(0, layer.gradient_bits - settings.learning_rate_bits)
        edges = slice(layer.edges, layer.edges_end)
        descend(values[edges], ws.gradients[edges], shift, settings.rounding)
    prune_edges(ws)


@kernel(types.int64(WORKSPACE, _IMAGE))
def run_image(ws: Workspace, image: NDArray[np.int8]) -> int:
    """The forward pass of an image (pixels,); returns the exponent of the logits."""
    ws.activations[: image.size] = image
    return forward(ws)


@kernel(types.void(WORKSPACE, _IMAGES, _LABELS, _INDICES))
def train_images(
    ws: Workspace, images: NDArray[np.int8], labels: NDArray[np.uint8], order: NDArray[np.int64]
) -> None:
    """One step on each image of ``order``; images (N,pixels), labels (N,).

    An error of exactly zero has gradients of exactly zero: such an image is left after the loss.
    """
    prune_edges(ws)
    logits_error = ws.errors[ws.errors.size - ws.powers.size :]
    for index in order:
        exponent = run_image(ws, images[index])
        loss(ws, exponent, int(labels[index]))
        if logits_error.any():
            backward(ws)
            update(ws)
