"""The engine for small networks: whole runs are one compiled call, a step takes one image."""

from __future__ import annotations

import math
from dataclasses import asdict, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from priot.kernels.errors import KernelError
from priot.kernels.lanes import infer, lanes
from priot.kernels.methods import Method
from priot.kernels.model import Model
from priot.kernels.network import Network
from priot.kernels.operations import Weighted
from priot.kernels.operations.operation import planes
from priot.kernels.scale import Scale, of_trained
from priot.kernels.step import (
    backward,
    loss,
    prune_edges,
    run_image,
    train_images,
    update,
)
from priot.kernels.workspace import LAYER, SETTINGS, Workspace


class PlainEngine:
    """An engine (priot.kernels.engine.Engine) on loops over one image.

    The model's tensors become views of the engine's memory.
    """

    def __init__(self, model: Model, method: Method, scales: dict[int, Scale] | None) -> None:
        network = self._network = model.network
        self._workspace = ws = _workspace(model, method, dynamic=scales is None)
        self._lanes = lanes(network)
        trained = method.trained_of(network)
        for index, scale in of_trained(scales or {}, trained[0]).items():
            for name, shift in asdict(scale).items():
                ws.layers[index][name] = shift
        indices = range(len(network.layers))
        self.outputs = [self._activation(ws.activations, index) for index in indices]
        self.errors = [self._activation(ws.errors, index) for index in indices]
        self.gradients = {index: self._edges(ws.gradients, index) for index in trained}
        for index in network.weighted:
            model.weights[index] = self._edges(ws.weights, index)
            if model.scores:
                model.scores[index] = self._edges(ws.scores, index)

    @property
    def used(self) -> dict[int, Scale]:
        """Shifts of the last step, by layer index."""
        layers = self._workspace.layers
        return {
            index: Scale(*(int(layers[index][field.name]) for field in fields(Scale)))
            for index in self._network.weighted
        }

    def forward(self, image: NDArray[np.int8]) -> int:
        """Run the network on one image (C,H,W); returns the exponent of the logits."""
        prune_edges(self._workspace)
        return run_image(self._workspace, np.ascontiguousarray(image).reshape(-1))

    def backward(self, exponent: int, label: int) -> None:
        """Errors and gradients of the last image, whose logits have ``exponent``."""
        loss(self._workspace, exponent, label)
        backward(self._workspace)

    def update(self) -> None:
        """Move weights or scores against the gradients."""
        update(self._workspace)

    def set_learning_rate_bits(self, bits: int) -> None:
        """Of the updates from now on."""
        self._workspace.settings["learning_rate_bits"] = bits

    def train(
        self,
        images: NDArray[np.int8],
        labels: NDArray[np.uint8],
        order: NDArray[np.int64],
        batch: int,
    ) -> None:
        """A step on each image of ``order``; images (N,C,H,W), labels (N,).

        Raises:
            KernelError: for a ``batch`` of other than one image.
        """
        if batch != 1:
            raise KernelError("the plain engine takes one image at a time; use the matrix engine")
        train_images(self._workspace, _flat(images), labels, order)

    def logits_of(self, images: NDArray[np.int8]) -> NDArray[np.int8]:
        """Logits (N,classes) of images (N,C,H,W)."""
        logits = np.zeros((len(images), self._network.classes), np.int8)
        prune_edges(self._workspace)
        infer(self._workspace, self._lanes, _flat(images), logits)
        return logits

    def _activation(self, flat: NDArray[np.int8], index: int) -> NDArray[np.int8]:
        layer = self._workspace.layers[index]
        shape = self._network.output_shape_of(index)
        return flat[layer["output"] : layer["output_end"]].reshape(shape)

    def _edges(self, flat: NDArray[Any], index: int) -> NDArray[Any]:
        layer = self._workspace.layers[index]
        shape = self._network.weight_shape_of(index)
        return flat[layer["edges"] : layer["edges_end"]].reshape(shape)


def _flat(images: NDArray[np.int8]) -> NDArray[np.int8]:
    return np.ascontiguousarray(images).reshape(len(images), math.prod(images.shape[1:]))


def _workspace(model: Model, method: Method, dynamic: bool) -> Workspace:
    """Memory for training ``model``: copies of its tensors, and all that a step writes."""
    layers = _layer_table(model)
    settings = np.zeros(1, SETTINGS)
    settings["dynamic"] = dynamic
    for name in ("trains_scores", "learning_rate_bits", "rounding"):
        settings[name] = getattr(method, name)
    settings["threshold"], settings["double_threshold"] = method.thresholds
    settings["first_trained"] = method.trained_of(model.network)[0]
    activations = int(layers["output_end"].max())
    weights = _joined(model.weights, np.int8)
    return Workspace(
        layers,
        settings,
        np.zeros(activations, np.int8),
        np.zeros(activations, np.int8),
        weights,
        np.zeros_like(weights) if method.trains_scores else weights,
        _joined(model.scores, np.int8),
        _joined(model.scored, np.bool_),
        np.zeros(weights.size, np.int32),
        np.zeros(activations, np.int32),
        np.zeros(_scratch_size(model.network), np.int32),
        np.zeros(model.network.classes, np.int64),
    )


def _layer_table(model: Model) -> NDArray[np.void]:
    """The network as one record of dtype LAYER per layer; shifts are 0."""
    network = model.network
    table = np.zeros(len(network.layers), LAYER)
    start, end, edges = 0, math.prod(network.input_shape), 0
    for index, (layer, row) in enumerate(zip(network.layers, table, strict=True)):
        row["kind"] = layer.kind
        shape, out = network.input_shape_of(index), network.output_shape_of(index)
        row["channels"], row["height"], row["width"] = planes(shape)
        row["out_channels"], row["out_height"], row["out_width"] = planes(out)
        for word, value in layer.words.items():
            row[word] = value
        row["input"], row["input_end"] = start, end
        start, end = end, end + math.prod(out)
        row["output"], row["output_end"] = start, end
        row["edges"] = edges
        edges += math.prod(network.weight_shape_of(index)) if index in model.weights else 0
        row["edges_end"] = edges
        row["exponent"] = model.exponents.get(index, 0)
    return table


def _joined(tensors: dict[int, NDArray[Any]], dtype: Any) -> NDArray[Any]:
    """Tensors one after the other, in the order of layers."""
    flat = [tensors[index].reshape(-1) for index in sorted(tensors)]
    return np.concatenate(flat) if flat else np.zeros(0, dtype)


def _scratch_size(network: Network) -> int:
    sizes = [
        layer.loop_scratch(network.input_shape_of(index))
        for index, layer in enumerate(network.layers)
        if isinstance(layer, Weighted)
    ]
    return max(sizes)
