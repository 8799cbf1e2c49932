"""Forward pass, backward pass and update of a whole network, and loops over images, compiled.

What a layer computes is in its operation's own module (priot.kernels.operations); here is only the
order.
"""

import numpy as np
from numba import types
from numpy.typing import NDArray

from priot.kernels import operations
from priot.kernels.jit import kernel
from priot.kernels.loss import loss_gradient
from priot.kernels.model import INPUT_EXPONENT
from priot.kernels.requantise import bit_width, dynamic_shift, requantise
from priot.kernels.scores import descend, prune, score_gradient
from priot.kernels.workspace import WORKSPACE, Workspace

_IMAGES = types.Array(types.int8, 2, "C", readonly=True)
_LABELS = types.Array(types.uint8, 1, "C", readonly=True)
_INDICES = types.Array(types.int64, 1, "C", readonly=True)
_IMAGE = types.Array(types.int8, 1, "C", readonly=True)


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
        if layer.edges < layer.edges_end:
            operations.sum_outputs(ws, index)
            outputs = ws.activations[layer.output : layer.output_end]
            sums = ws.sums[: outputs.size]
            if settings.dynamic:
                layer.forward = dynamic_shift(sums)
            requantise(sums, layer.forward, settings.rounding, outputs)
            exponent += layer.exponent + layer.forward
        else:
            operations.forward(ws, index)
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
    operations.sum_input_error(ws, index)
    input_error = ws.errors[layer.input : layer.input_end]
    sums = ws.sums[: input_error.size]
    if ws.settings[0].dynamic:
        layer.backward = dynamic_shift(sums)
    requantise(sums, layer.backward, ws.settings[0].rounding, input_error)


@kernel(types.void(WORKSPACE, types.int64))
def _gradient(ws: Workspace, index: int) -> None:
    layer = ws.layers[index]
    operations.weight_gradient(ws, index)
    gradient = ws.gradients[layer.edges : layer.edges_end]
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
        if layer.edges < layer.edges_end:
            if index > first:
                _input_error(ws, index)
            _gradient(ws, index)
        else:
            operations.backward(ws, index)


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
