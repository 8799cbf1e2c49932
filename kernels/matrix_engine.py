"""The engine for large networks: layers are matrix products over one image or a batch.

Every number is the plain engine's. Of a batch, training sees one tensor: one dynamic shift for
all its images, and the sum of their gradients. Inference gives each image its own shifts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import astuple
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.batch import (
    as_floats,
    kept_as_floats,
    largest_of_images,
    loss_of_images,
    max_pool2d_images,
    max_pool2d_images_backward,
    requantise_images,
)
from kernels.exact_product import add_part, parts
from kernels.methods import Method
from kernels.model import INPUT_EXPONENT, Model
from kernels.network import INT32_MAX, MaxPool2d, Network, ReLU, Shape
from kernels.relu import relu_backward, relu_forward
from kernels.requantise import bit_width, dynamic_shift, requantise
from kernels.scale import Scale
from kernels.scores import descend, score_gradient
from kernels.windows import gather, planes, scatter, window_of

COLUMN_ELEMENTS = 2**21  # of a matrix product's operand: more would leave the caches
INFERENCE_IMAGES = 128
FORWARD, BACKWARD, GRADIENT = range(3)  # the shifts of a Scale


class _Memory:
    """An array of one dtype that is shaped anew for each use, and grows when it has to."""

    def __init__(self, dtype: type[np.generic]) -> None:
        self._flat: NDArray[Any] = np.empty(0, dtype)

    def shaped(self, *shape: int) -> NDArray[Any]:
        size = math.prod(shape)
        if self._flat.size < size:
            self._flat = np.empty(size, self._flat.dtype)
        return self._flat[:size].reshape(shape)


class _Batch:
    """What layers write for ``images`` images: int8 (C,H,W,N), the input first."""

    def __init__(self, network: Network, images: int) -> None:
        self.images = images
        shapes = [network.input_shape_of(index) for index in range(len(network.layers) + 1)]
        self.values = [np.zeros((*planes(shape), images), np.int8) for shape in shapes]
        self.errors = [np.zeros((*planes(shape), images), np.int8) for shape in shapes]

    def load(self, images: NDArray[np.int8]) -> None:
        """Take in images (N,C,H,W)."""
        self.values[0][...] = images.transpose(1, 2, 3, 0)


class MatrixEngine:
    """An engine (kernels.engine.Engine) on float32 matrix products, exact in every bit.

    The model's tensors are used as they are; weights become float32 a layer at a time.
    """

    def __init__(self, model: Model, method: Method, scales: dict[int, Scale] | None) -> None:
        self._model, self._network, self._method = model, model.network, method
        self._dynamic = scales is None
        self._shifts = np.zeros((len(self._network.layers), 3), np.int64)
        for index, scale in (scales or {}).items():
            self._shifts[index] = astuple(scale)
        weighted = self._network.weighted
        self._first = weighted[0]
        self._shifts[self._first, BACKWARD] = 0
        self._windows = {index: window_of(self._network, index) for index in weighted}
        for tensors in (model.weights, model.scores, model.scored):
            for index, values in tensors.items():
                tensors[index] = np.ascontiguousarray(values)  # type: ignore[assignment]
        self._single = self._batch = _Batch(self._network, 1)
        self._gradients: dict[int, NDArray[np.int32]] = {}
        self._weights, self._columns, self._part, self._error = (
            _Memory(np.float32) for _ in range(4)
        )
        self._sums, self._gradient = _Memory(np.int32), _Memory(np.int32)

    @property
    def outputs(self) -> list[NDArray[np.int8]]:
        """Of each layer."""
        return self._of_one_image(self._single.values)

    @property
    def errors(self) -> list[NDArray[np.int8]]:
        """Of each layer's output."""
        return self._of_one_image(self._single.errors)

    @property
    def gradients(self) -> dict[int, NDArray[np.int32]]:
        """By layer index; ``train`` needs none and leaves them."""
        if not self._gradients:
            self._gradients = {
                index: np.zeros(weights.shape, np.int32)
                for index, weights in self._model.weights.items()
            }
        return self._gradients

    @property
    def used(self) -> dict[int, Scale]:
        """Shifts of the last step, by layer index."""
        return {index: Scale(*map(int, self._shifts[index])) for index in self._network.weighted}

    def forward(self, image: NDArray[np.int8]) -> int:
        """Run the network on one image (C,H,W); returns the exponent of the logits."""
        self._single.load(image[np.newaxis])
        return int(self._forward(self._single, together=True)[0])

    def backward(self, exponent: int, label: int) -> None:
        """Errors and gradients of the last image, whose logits have ``exponent``."""
        self._loss(self._single, np.array([exponent]), np.array([label], np.uint8))
        for index, gradient in self._backward(self._single):
            self.gradients[index].reshape(-1)[:] = gradient

    def update(self) -> None:
        """Move weights or scores against the gradients."""
        for index, gradient in self.gradients.items():
            self._descend(index, gradient.reshape(-1))

    def train(
        self,
        images: NDArray[np.int8],
        labels: NDArray[np.uint8],
        order: NDArray[np.int64],
        batch: int,
    ) -> None:
        """A step on every ``batch`` images of ``order``; images (N,C,H,W), labels (N,).

        An image whose error is exactly zero adds nothing to any gradient: a batch of only such
        images is left after the loss.

        Raises:
            ValueError: when the sum of a batch's gradients could leave 32 bits.
        """
        self._check(batch)
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            memory = self._batch_of(len(chosen))
            memory.load(images[chosen])
            exponents = self._forward(memory, together=True)
            self._loss(memory, exponents, labels[chosen])
            if memory.errors[-1].any():
                for index, gradient in self._backward(memory):
                    self._descend(index, gradient)

    def logits_of(self, images: NDArray[np.int8]) -> NDArray[np.int8]:
        """Logits (N,classes) of images (N,C,H,W), each with the shifts it has alone."""
        logits = np.zeros((len(images), self._network.classes), np.int8)
        for start in range(0, len(images), INFERENCE_IMAGES):
            some = images[start : start + INFERENCE_IMAGES]
            memory = self._batch_of(len(some))
            memory.load(some)
            self._forward(memory, together=False)
            logits[start : start + len(some)] = memory.values[-1][:, 0, 0].T
        return logits

    def _batch_of(self, images: int) -> _Batch:
        if images == 1:
            return self._single
        if self._batch.images != images:
            self._batch = _Batch(self._network, images)
        return self._batch

    def _of_one_image(self, tensors: list[NDArray[np.int8]]) -> list[NDArray[np.int8]]:
        return [
            values.reshape(self._network.output_shape_of(index))
            for index, values in enumerate(tensors[1:])
        ]

    def _check(self, batch: int) -> None:
        # kernels.network checks the same for one image.
        product = 127**3 if self._method.trains_scores else 127**2
        for index in self._network.weighted:
            positions = math.prod(self._windows[index].output[1:])
            if batch * positions * product > INT32_MAX:
                raise ValueError(
                    f"{self._network.name}: a gradient over {batch} images could leave 32 bits; "
                    f"take {INT32_MAX // (positions * product)} at most"
                )

    # The forward pass

    def _forward(self, batch: _Batch, together: bool) -> NDArray[np.int64]:
        """From the batch's input to its logits; returns their exponents (N,).

        ``together``: a dynamic shift follows the batch's whole tensor, not each image's part.
        """
        exponents = np.full(batch.images, INPUT_EXPONENT, np.int64)
        for index, layer in enumerate(self._network.layers):
            inputs, outputs = batch.values[index : index + 2]
            if index in self._windows:
                sums = self._output_sums(index, inputs)
                shifts = self._requantise(index, FORWARD, sums, outputs, together)
                exponents += self._model.exponents[index] + shifts
            elif isinstance(layer, ReLU):
                relu_forward(inputs.reshape(-1), outputs.reshape(-1))
            elif isinstance(layer, MaxPool2d):
                max_pool2d_images(inputs, layer.size, outputs)
        return exponents

    def _output_sums(self, index: int, inputs: NDArray[np.int8]) -> NDArray[np.int32]:
        window = self._windows[index]
        images = inputs.shape[3]
        weights = self._kept(index)
        sums = self._sums.shaped(*window.output, images)
        flat = sums.reshape(len(sums), -1)
        for first, columns in self._columns_of(index, inputs):
            part = self._part.shaped(len(sums), columns.shape[1])
            for terms in parts(window.terms):
                np.matmul(weights[:, terms], columns[terms], out=part)
                add_part(part, terms.start == 0, first * window.output[2] * images, flat)
        return sums

    def _kept(self, index: int) -> NDArray[np.float32]:
        """The weights (O,terms), pruned ones as 0."""
        weights = self._model.weights[index]
        floats: NDArray[np.float32] = self._weights.shaped(len(weights), weights[0].size)
        if self._method.trains_scores:
            scores = self._model.scores[index].reshape(-1)
            kept_as_floats(weights.reshape(-1), scores, self._method.threshold, floats.reshape(-1))
        else:
            as_floats(weights.reshape(-1), floats.reshape(-1))
        return floats

    def _rows(self, index: int, images: int) -> Iterator[tuple[int, int]]:
        """First output row and number of rows of each piece that is worked on at once."""
        window = self._windows[index]
        channels, height, width = window.output
        elements = max(window.terms, channels) * width * images
        most = min(height, max(1, COLUMN_ELEMENTS // elements))
        for first in range(0, height, most):
            yield first, min(most, height - first)

    def _columns_of(
        self, index: int, inputs: NDArray[np.int8]
    ) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """First output row and columns (terms,positions*N) of each piece."""
        window = self._windows[index]
        images = inputs.shape[3]
        for first, rows in self._rows(index, images):
            columns = self._columns.shaped(window.terms, rows, window.output[2], images)
            gather(inputs, window.height, window.width, window.padding, first, columns)
            yield first, columns.reshape(window.terms, -1)

    def _requantise(
        self,
        index: int,
        which: int,
        sums: NDArray[np.int32],
        values: NDArray[np.int8],
        together: bool,
    ) -> NDArray[np.int32] | int:
        """Sums to int8, both (C,H,W,N); returns the shift, or one for each image."""
        images = sums.shape[3]
        rounding = self._method.rounding
        if self._dynamic and not together and images > 1:
            by_image, shifts = sums.reshape(-1, images), np.empty(images, np.int32)
            largest_of_images(by_image, shifts)
            # frexp's exponent of a whole number is its width in bits
            shifts = np.maximum(0, np.frexp(shifts.astype(np.float64))[1] - 7).astype(np.int32)
            requantise_images(by_image, shifts, rounding, values.reshape(-1, images))
            return shifts
        if self._dynamic:
            self._shifts[index, which] = dynamic_shift(sums.reshape(-1))
        shift = int(self._shifts[index, which])
        requantise(sums.reshape(-1), shift, rounding, values.reshape(-1))
        return shift

    # The backward pass

    def _loss(self, batch: _Batch, exponents: NDArray[np.int64], labels: NDArray[np.uint8]) -> None:
        logits = np.ascontiguousarray(batch.values[-1][:, 0, 0].T)
        errors = np.empty_like(logits)
        loss_of_images(logits, exponents, labels, self._method.rounding, errors)
        batch.errors[-1][:, 0, 0] = errors.T

    def _backward(self, batch: _Batch) -> Iterator[tuple[int, NDArray[np.int32]]]:
        """The flat gradient of every layer with weights, the last first.

        It is one memory for all layers. A layer's weights may change once its gradient is out.
        """
        for index in range(len(self._network.layers) - 1, self._first - 1, -1):
            layer = self._network.layers[index]
            inputs, outputs = batch.values[index : index + 2]
            input_error, error = batch.errors[index : index + 2]
            if index in self._windows:
                if index > self._first:
                    sums = self._input_sums(index, error)
                    self._requantise(index, BACKWARD, sums, input_error, together=True)
                yield index, self._gradient_of(index, inputs, error)
            elif isinstance(layer, ReLU):
                relu_backward(outputs.reshape(-1), error.reshape(-1), input_error.reshape(-1))
            elif isinstance(layer, MaxPool2d):
                max_pool2d_images_backward(inputs, layer.size, outputs, error, input_error)

    def _input_sums(self, index: int, error: NDArray[np.int8]) -> NDArray[np.int32]:
        window = self._windows[index]
        channels, _, width = window.output
        images = error.shape[3]
        weights = self._kept(index)
        sums = self._sums.shaped(*window.input, images)
        sums[:] = 0
        errors = self._floats(error)
        for first, rows in self._rows(index, images):
            piece = slice(first * width * images, (first + rows) * width * images)
            columns = self._columns.shaped(window.terms, rows, width, images)
            for terms in parts(channels):
                np.matmul(
                    weights[terms].T, errors[terms, piece], out=columns.reshape(window.terms, -1)
                )
                scatter(columns, window.height, window.width, window.padding, first, sums)
        return sums

    def _floats(self, error: NDArray[np.int8]) -> NDArray[np.float32]:
        """An error (O,H,W,N) as float32 (O,positions*N)."""
        floats: NDArray[np.float32] = self._error.shaped(len(error), error[0].size)
        as_floats(error.reshape(-1), floats.reshape(-1))
        return floats

    def _gradient_of(
        self, index: int, inputs: NDArray[np.int8], error: NDArray[np.int8]
    ) -> NDArray[np.int32]:
        """Flat gradient of the weights or scores, the sum over the batch; notes its width."""
        window = self._windows[index]
        gradient = self._gradient.shaped(window.output[0], window.terms)
        part = self._part.shaped(*gradient.shape)
        errors = self._floats(error)
        position = 0
        for _, columns in self._columns_of(index, inputs):
            for piece in parts(columns.shape[1]):
                of_piece = slice(position + piece.start, position + piece.stop)
                np.matmul(errors[:, of_piece], columns[:, piece].T, out=part)
                add_part(part, of_piece.start == 0, 0, gradient)
            position += columns.shape[1]
        flat: NDArray[np.int32] = gradient.reshape(-1)
        if self._method.trains_scores:
            weights, scored = self._model.weights[index], self._model.scored[index]
            score_gradient(flat, weights.reshape(-1), scored.reshape(-1))
        if self._dynamic:
            self._shifts[index, GRADIENT] = bit_width(flat)
        return flat

    def _descend(self, index: int, gradient: NDArray[np.int32]) -> None:
        shift = self.used[index].update_shift(self._method.learning_rate_bits)
        values = self._model.trained[index].reshape(-1)
        descend(values, gradient, shift, self._method.rounding)
