"""The training step of every method: the exact specification of the firmware."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.methods import Method
from kernels.model import Model
from kernels.step import (
    backward,
    loss,
    prune_edges,
    run_image,
    run_images,
    train_images,
    update,
)
from kernels.workspace import workspace


@dataclass(frozen=True)
class Scale:
    """The three shifts of one layer with weights."""

    forward: int
    """Right shift of the output sums."""
    backward: int
    """Right shift of the input error's sums; 0 for the first layer, which computes none."""
    gradient_bits: int
    """Width of the largest gradient."""

    def update_shift(self, learning_rate_bits: int) -> int:
        """The shift that leaves ``learning_rate_bits`` of the largest gradient."""
        return max(0, self.gradient_bits - learning_rate_bits)


class Trainer:
    """Trains a model in place, one image at a time: the model's tensors become the trainer's.

    After a step ``outputs[i]`` (int8) is what layer i wrote, ``errors[i]`` (int8, same shape) the
    error of that output, and ``gradients[i]`` (int32) the gradient of layer i's weights or scores.
    Layers up to the first with weights have no use for an error of their input: none is computed.

    Args:
        model: trained in place, by one trainer at a time.
        method: what is trained and how large a step is.
        scales: static scales by layer index, or None to let every shift follow its tensor.
    """

    def __init__(self, model: Model, method: Method, scales: dict[int, Scale] | None) -> None:
        network = model.network
        if scales is not None and set(scales) != set(network.weighted):
            raise ValueError("static scales are needed for each layer with weights, and no other")
        if method.trains_scores != bool(model.scores):
            raise ValueError(
                f"{method.name}: a model {'without' if not model.scores else 'with'} "
                "scores does not fit; make it with with_scores()"
            )
        self.model, self.method = model, method
        self.logit_exponent = 0
        """Of the last forward pass."""
        self._workspace = ws = workspace(model, method, dynamic=scales is None)
        for index, scale in (scales or {}).items():
            for name, shift in asdict(scale).items():
                ws.layers[index][name] = shift
        ws.layers[network.weighted[0]]["backward"] = 0
        indices = range(len(network.layers))
        self.outputs = [self._activation(ws.activations, index) for index in indices]
        self.errors = [self._activation(ws.errors, index) for index in indices]
        self.gradients = {index: self._edges(ws.gradients, index) for index in network.weighted}
        for index in network.weighted:
            model.weights[index] = self._edges(ws.weights, index)
            if model.scores:
                model.scores[index] = self._edges(ws.scores, index)

    @property
    def used(self) -> dict[int, Scale]:
        """Shifts of the last step, by layer index."""
        layers, weighted = self._workspace.layers, self.model.network.weighted
        return {
            index: Scale(*(int(layers[index][field.name]) for field in fields(Scale)))
            for index in weighted
        }

    def forward(self, image: NDArray[np.int8]) -> NDArray[np.int8]:
        """Run the network on one image (C,H,W), int8; returns the logits (classes,), a view."""
        prune_edges(self._workspace)
        self.logit_exponent = run_image(self._workspace, self._flat(image[np.newaxis])[0])
        return self.outputs[-1]

    def backward(self, label: int) -> None:
        """Errors of every layer's output and gradients of every layer's weights or scores."""
        self._check_label(label)
        loss(self._workspace, self.logit_exponent, label)
        backward(self._workspace)

    def update(self) -> None:
        """Move every weight or score against its gradient."""
        update(self._workspace)

    def step(self, image: NDArray[np.int8], label: int) -> int:
        """Train on one image (C,H,W), int8; returns the class predicted before the update."""
        prediction = self.predict(image)
        self.backward(label)
        self.update()
        return prediction

    def predict(self, image: NDArray[np.int8]) -> int:
        """The class of the largest logit, the first of equals."""
        return int(np.argmax(self.forward(image)))

    def train(
        self, images: NDArray[np.int8], labels: NDArray[np.uint8], order: NDArray[np.int64]
    ) -> None:
        """``step`` for each index of ``order`` in one compiled loop; images (N,C,H,W), labels (N,).

        What outputs, errors and gradients hold afterwards is not defined.

        Raises:
            ValueError: for images or labels that do not fit the network, or an index beyond them.
        """
        flat = self._flat(images)
        if len(labels) != len(flat):
            raise ValueError(f"{len(labels)} labels for {len(flat)} images")
        if order.size:
            if order.min() < 0 or order.max() >= len(flat):
                raise ValueError(f"the order names images outside 0..{len(flat) - 1}")
            self._check_label(int(labels[order].max()))
            train_images(self._workspace, flat, labels, order)

    def logits_of(self, images: NDArray[np.int8]) -> NDArray[np.int8]:
        """``forward`` for images (N,C,H,W) in one compiled loop: logits (N,classes)."""
        logits = np.zeros((len(images), self.model.network.classes), np.int8)
        run_images(self._workspace, self._flat(images), logits)
        return logits

    def _flat(self, images: NDArray[np.int8]) -> NDArray[np.int8]:
        if images.shape[1:] != self.model.network.input_shape:
            raise ValueError(
                f"an image of shape {images.shape[1:]} is not {self.model.network.input_shape}"
            )
        return np.ascontiguousarray(images).reshape(len(images), -1)

    def _check_label(self, label: int) -> None:
        classes = self.model.network.classes
        if not 0 <= label < classes:
            raise ValueError(f"label {label} is not one of the {classes} classes")

    def _activation(self, flat: NDArray[np.int8], index: int) -> NDArray[np.int8]:
        layer = self._workspace.layers[index]
        shape = self.model.network.output_shape_of(index)
        return flat[layer["output"] : layer["output_end"]].reshape(shape)

    def _edges(self, flat: NDArray[Any], index: int) -> NDArray[Any]:
        layer = self._workspace.layers[index]
        shape = self.model.network.weight_shape_of(index)
        return flat[layer["edges"] : layer["edges_end"]].reshape(shape)
