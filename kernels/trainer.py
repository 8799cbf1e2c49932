"""The training step of every method: the exact specification of the firmware."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from priot.kernels.engine import Engine
from priot.kernels.matrices.engine import MatrixEngine
from priot.kernels.methods import Method
from priot.kernels.model import Model
from priot.kernels.plain_engine import PlainEngine
from priot.kernels.scale import Scale

__all__ = ["Scale", "Trainer"]

LARGE = 1_000_000
"""Weights from which the matrix engine is the faster one."""


class Trainer:
    """Trains a model in place, one image at a time: the model's tensors become the trainer's.

    After a step ``outputs[i]`` (int8) is what layer i wrote, ``errors[i]`` (int8, same shape) the
    error of that output, and ``gradients[i]`` (int32) the gradient of layer i's weights or scores.
    Layers up to the first that is trained have no use for an error of their input: none is
    computed, and its shift is 0, as is the width of a gradient that nothing asks for.

    Args:
        model: trained in place, by one trainer at a time.
        method: what is trained and how large a step is.
        scales: static scales by layer index, or None to let every shift follow its tensor.
        matrices: whether layers are computed as matrix products, which is faster for a large
            network (None: from LARGE weights on) and never changes a number.
        threads: of matrix products over several images.
    """

    def __init__(
        self,
        model: Model,
        method: Method,
        scales: dict[int, Scale] | None,
        *,
        matrices: bool | None = None,
        threads: int = 1,
    ) -> None:
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
        if matrices is None:
            matrices = sum(weights.size for weights in model.weights.values()) >= LARGE
        self._engine: Engine = (
            MatrixEngine(model, method, scales, threads)
            if matrices
            else PlainEngine(model, method, scales)
        )
        self.outputs, self.errors = self._engine.outputs, self._engine.errors

    @property
    def gradients(self) -> dict[int, NDArray[np.int32]]:
        """By index of the layers that are trained."""
        return self._engine.gradients

    @property
    def used(self) -> dict[int, Scale]:
        """Shifts of the last step, by layer index."""
        return self._engine.used

    def forward(self, image: NDArray[np.int8]) -> NDArray[np.int8]:
        """Run the network on one image (C,H,W), int8; returns the logits (classes,), a view."""
        self._check_images(image[np.newaxis])
        self.logit_exponent = self._engine.forward(image)
        return self.outputs[-1]

    def backward(self, label: int) -> None:
        """Errors back to the first layer that is trained, gradients of all that are."""
        self._check_label(label)
        self._engine.backward(self.logit_exponent, label)

    def update(self) -> None:
        """Move every weight or score that is trained against its gradient."""
        self._engine.update()

    def set_learning_rate_bits(self, bits: int) -> None:
        """Of the updates from now on, whatever the method began with.

        Raises:
            MethodError: outside 0..7.
        """
        self.method = replace(self.method, learning_rate_bits=bits)
        self._engine.set_learning_rate_bits(bits)

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
        self,
        images: NDArray[np.int8],
        labels: NDArray[np.uint8],
        order: NDArray[np.int64],
        batch: int = 1,
    ) -> None:
        """``step`` for each index of ``order``; images (N,C,H,W), labels (N,).

        What outputs, errors and gradients hold afterwards is not defined.

        Args:
            batch: images of one update, whose gradients are added up and whose dynamic shifts are
                shared; more than 1 needs ``matrices``.

        Raises:
            ValueError: for images or labels that do not fit the network, an index beyond them, or
                a batch that is too large.
        """
        self._check_images(images)
        if len(labels) != len(images):
            raise ValueError(f"{len(labels)} labels for {len(images)} images")
        if batch < 1:
            raise ValueError(f"a batch of {batch} images")
        if order.size:
            if order.min() < 0 or order.max() >= len(images):
                raise ValueError(f"the order names images outside 0..{len(images) - 1}")
            self._check_label(int(labels[order].max()))
            self._engine.train(images, labels, order, batch)

    def logits_of(self, images: NDArray[np.int8]) -> NDArray[np.int8]:
        """``forward`` for images (N,C,H,W): logits (N,classes)."""
        self._check_images(images)
        return self._engine.logits_of(images)

    def _check_images(self, images: NDArray[np.int8]) -> None:
        if images.shape[1:] != self.model.network.input_shape:
            raise ValueError(
                f"an image of shape {images.shape[1:]} is not {self.model.network.input_shape}"
            )

    def _check_label(self, label: int) -> None:
        classes = self.model.network.classes
        if not 0 <= label < classes:
            raise ValueError(f"label {label} is not one of the {classes} classes")
