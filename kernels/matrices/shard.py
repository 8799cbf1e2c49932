"""Some images of a batch, with the memory and the operations of every layer on them.

A batch is cut into shards so that several processor cores can work on it. Tensors have their images
innermost, (C,H,W,N). What depends on the whole batch, shifts and weights, comes from the engine.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from priot.kernels.matrices.batch import (
    largest_of_images,
    loss_of_images,
    requantise_images,
)
from priot.kernels.matrices.memory import Memory
from priot.kernels.matrices.products import Products
from priot.kernels.matrices.windows import gather, scatter
from priot.kernels.network import Network
from priot.kernels.operations import Weightless
from priot.kernels.operations.operation import Window, planes
from priot.kernels.requantise import bit_width, requantise
from priot.kernels.rounding import Rounding

COLUMN_ELEMENTS = 2**21  # of a matrix product's operand: more would leave the caches


class Shard:
    """Activations and errors of ``images`` images, and the sums of the layer at hand.

    ``values[i]`` and ``errors[i]`` (int8, (C,H,W,N)) are the input of layer i and its error.
    """

    def __init__(
        self, network: Network, windows: dict[int, Window], images: int, products: Products
    ) -> None:
        self.images, self._network, self._windows = images, network, windows
        self.products = products
        shapes = [network.input_shape_of(index) for index in range(len(network.layers) + 1)]
        self.values = [np.zeros((*planes(shape), images), np.int8) for shape in shapes]
        self.errors = [np.zeros((*planes(shape), images), np.int8) for shape in shapes]
        self.sums: NDArray[np.int32] = np.zeros((0, 0, 0, images), np.int32)
        """Of a layer's outputs, (O,H,W,N), or of its input's error, (C,H,W,N)."""
        self._sums, self._gradient, self._spread = (Memory(np.int32) for _ in range(3))
        self._error = Memory(products.dtype)
        self._columns = {index: Memory(products.dtype) for index in windows}

    def load(self, images: NDArray[np.int8]) -> None:
        """Take in images (N,C,H,W)."""
        self.values[0][...] = images.transpose(1, 2, 3, 0)

    @property
    def logits(self) -> NDArray[np.int8]:
        """(N,classes)"""
        return np.ascontiguousarray(self.values[-1][:, 0, 0].T)

    def compute_loss(
        self, exponents: NDArray[np.int64], labels: NDArray[np.uint8], rounding: Rounding
    ) -> None:
        """The errors of the logits, which have ``exponents`` (N,)."""
        logits = self.logits
        errors = np.empty_like(logits)
        loss_of_images(logits, exponents, labels, rounding, errors)
        self.errors[-1][:, 0, 0] = errors.T

    def forward(self, index: int) -> None:
        """The outputs of a layer without weights."""
        self._weightless(index).forward_batch(*self.values[index : index + 2])

    def backward(self, index: int) -> None:
        """The input error of a layer without weights."""
        inputs, outputs = self.values[index : index + 2]
        input_error, error = self.errors[index : index + 2]
        self._weightless(index).backward_batch(inputs, outputs, error, input_error)

    def _weightless(self, index: int) -> Weightless:
        layer = self._network.layers[index]
        assert isinstance(layer, Weightless)
        return layer

    def sum_outputs(self, index: int, weights: NDArray[Any]) -> None:
        """``sums`` of layer ``index``; weights (O,terms), an operand of products."""
        self.sums = self._sums.shaped(*self._windows[index].output, self.images)
        flat = self.sums.reshape(len(weights), -1)
        for first, columns in self._gathered(index):
            self.products.multiply(weights, columns, flat, first)

    def sum_input_error(self, index: int, weights: NDArray[Any]) -> None:
        """``sums`` of the input error of layer ``index``; weights (O,terms), an operand."""
        window = self._windows[index]
        self.sums = self._sums.shaped(*window.input, self.images)
        self.sums[:] = 0
        errors = self._error_of(index)
        row = window.output[2] * self.images
        for first, rows in self._rows(window):
            columns = self._spread.shaped(window.terms, rows * row)
            self.products.multiply(
                weights.T, errors[:, first * row : (first + rows) * row], columns
            )
            scatter(columns, window.size, window.padding, window.output[2], first, self.sums)

    def gradient(self, index: int) -> NDArray[np.int32]:
        """Gradient of the weights of layer ``index``, (O,terms): the sum over the images."""
        window = self._windows[index]
        gradient: NDArray[np.int32] = self._gradient.shaped(window.output[0], window.terms)
        errors = self._error_of(index)
        for first, columns in self._gathered(index, again=True):
            of_columns = errors[:, first : first + columns.shape[1]]
            self.products.multiply(of_columns, columns.T, gradient, add=first > 0)
        return gradient

    def width_of_sums(self) -> int:
        """Bits of the largest of all sums."""
        return bit_width(self.sums.reshape(-1))

    def requantise_outputs(self, index: int, shift: int | None, rounding: Rounding) -> None:
        """``sums`` to the outputs of layer ``index``; None: each image by its own sums."""
        outputs = self.values[index + 1]
        if shift is not None:
            requantise(self.sums.reshape(-1), shift, rounding, outputs.reshape(-1))
            return
        sums = self.sums.reshape(-1, self.images)
        largest = np.empty(self.images, np.int32)
        largest_of_images(sums, largest)
        widths = np.frexp(largest.astype(np.float64))[1]  # its exponents are widths in bits
        shifts = np.maximum(0, widths - 7).astype(np.int32)
        requantise_images(sums, shifts, rounding, outputs.reshape(sums.shape))

    def requantise_input_error(self, index: int, shift: int, rounding: Rounding) -> None:
        """``sums`` to the input error of layer ``index``."""
        requantise(self.sums.reshape(-1), shift, rounding, self.errors[index].reshape(-1))

    def _rows(self, window: Window) -> Iterator[tuple[int, int]]:
        """First output row and number of rows of each piece that is worked on at once."""
        channels, height, width = window.output
        elements = max(window.terms, channels) * width * self.images
        most = min(height, max(1, COLUMN_ELEMENTS // elements))
        for first in range(0, height, most):
            yield first, min(most, height - first)

    def _gathered(self, index: int, again: bool = False) -> Iterator[tuple[int, NDArray[Any]]]:
        """First position and columns (terms,positions), an operand, of each piece.

        ``again``, for the same inputs: what is in one piece is still there.
        """
        window = self._windows[index]
        width = window.output[2]
        for first, rows in self._rows(window):
            columns = self._columns[index].shaped(window.terms, rows * width * self.images)
            if not again or rows < window.output[1]:
                gather(self.values[index], window.size, window.padding, width, first, columns)
            yield first * width * self.images, columns

    def _error_of(self, index: int) -> NDArray[Any]:
        """The error of a layer's output as an operand (O,positions)."""
        error = self.errors[index + 1]
        return self.products.operand(error.reshape(len(error), -1), self._error)
