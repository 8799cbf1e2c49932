"""The reference's training step in plain NumPy, whole arrays at a time: the same bits.

It is what one would write before compiling anything: integers throughout, a convolution as a matrix
product over a view of all windows. docs/method.md says what is computed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from priot.kernels.loss import LARGEST_EXPONENT, LOG2_E, SERIES_EXPONENT, SMALLEST_EXPONENT
from priot.kernels.methods import Method
from priot.kernels.model import INPUT_EXPONENT, Model
from priot.kernels.operations import Conv2d, Dense, MaxPool2d, ReLU
from priot.kernels.rounding import Rounding
from priot.kernels.scale import Scale

Integers = NDArray[np.int32]


class NumpyTrainer:
    """Trains a model's weights or scores in place, image by image, as priot.kernels.trainer does.

    Args:
        scales: static scales by layer index; None lets every shift follow its tensor.
    """

    def __init__(self, model: Model, method: Method, scales: dict[int, Scale] | None) -> None:
        self.model, self._method, self._scales = model, method, scales

    def train(
        self, images: NDArray[np.int8], labels: NDArray[np.uint8], order: NDArray[np.int64]
    ) -> None:
        """``step`` for each index of ``order``; images (N,C,H,W), labels (N,)."""
        for index in order:
            self.step(images[index], int(labels[index]))

    def step(self, image: NDArray[np.int8], label: int) -> None:
        """Train on one image (C,H,W); an error of exactly zero changes nothing."""
        kept = self._kept_weights()
        activations, exponent = self._forward(image, kept)
        error = self._loss(activations[-1], exponent, label)
        if error.any():
            for index, gradient in self._backward(activations, kept, error):
                self._descend(index, gradient)

    def _kept_weights(self) -> dict[int, Integers]:
        """Weights by layer index, as often as their edges count."""
        kept = {index: weights.astype(np.int32) for index, weights in self.model.weights.items()}
        for index, scores in self.model.scores.items():
            threshold, twice = self._method.thresholds
            kept[index][scores < threshold] = 0
            if self._method.doubles:
                doubled = scores >= twice
                kept[index][doubled] = np.clip(2 * kept[index][doubled], -127, 127)
        return kept

    def _forward(
        self, image: NDArray[np.int8], kept: dict[int, Integers]
    ) -> tuple[list[Integers], int]:
        """The image and every layer's output, and the exponent of the logits."""
        activations, exponent = [image.astype(np.int32)], INPUT_EXPONENT
        for index, layer in enumerate(self.model.network.layers):
            inputs = activations[-1]
            if isinstance(layer, ReLU):
                outputs = np.maximum(inputs, 0)
            elif isinstance(layer, MaxPool2d):
                outputs = _pools(inputs, layer.size).max(axis=-1)
            else:
                sums = (
                    _correlate(kept[index], inputs, layer.padding)
                    if isinstance(layer, Conv2d)
                    else kept[index] @ inputs.reshape(-1)
                )
                shift = _dynamic_shift(sums) if not self._scales else self._scales[index].forward
                outputs = self._requantise(sums, shift)
                exponent += self.model.exponents[index] + shift
            activations.append(outputs)
        return activations, exponent

    def _loss(self, logits: Integers, exponent: int, label: int) -> Integers:
        """The error of the logits: softmax minus one-hot, in integers."""
        s = max(SMALLEST_EXPONENT, min(LARGEST_EXPONENT, exponent))
        o = logits.astype(np.int64)
        if s > SERIES_EXPONENT:
            z = o * LOG2_E << s - 15 if s > 15 else o * LOG2_E >> 15 - s
            powers = (1 << np.maximum(0, z - z.max() + 10)) - 1
        else:
            powers = (1 << 1 - 2 * s) + (o << 1 - s) + o * o
        softmax = (powers << 11) // powers.sum()
        softmax[label] -= softmax.sum()
        return self._requantise(softmax, 4)

    def _backward(
        self, activations: list[Integers], kept: dict[int, Integers], error: Integers
    ) -> list[tuple[int, Integers]]:
        """The gradients of weights or scores that are trained, with the layers' indices."""
        network, gradients = self.model.network, []
        first = self._method.trained_of(network)[0]
        for index in reversed(range(first, len(network.layers))):
            layer, inputs = network.layers[index], activations[index]
            if isinstance(layer, ReLU):
                error = np.where(activations[index + 1] > 0, error, 0)
            elif isinstance(layer, MaxPool2d):
                error = _unpool(inputs, layer.size, error)
            elif isinstance(layer, Conv2d | Dense):
                gradients.append((index, self._gradient(index, layer, inputs, error)))
                if index > first:
                    error = self._input_error(index, layer, kept[index], error)
                    error = error.reshape(inputs.shape)
        return gradients

    def _gradient(
        self, index: int, layer: Conv2d | Dense, inputs: Integers, error: Integers
    ) -> Integers:
        weights = self.model.weights[index]
        if isinstance(layer, Conv2d):
            columns = _columns(inputs, layer.kernel, layer.padding)
            gradient = (error.reshape(len(error), -1) @ columns.T).reshape(weights.shape)
        else:
            gradient = error[:, np.newaxis] * inputs.reshape(1, -1)
        if self._method.trains_scores:
            gradient = np.where(self.model.scored[index], gradient * weights, 0)
        return gradient

    def _input_error(
        self, index: int, layer: Conv2d | Dense, kept: Integers, error: Integers
    ) -> Integers:
        if isinstance(layer, Conv2d):  # a correlation with the kernels turned by 180 degrees
            turned = kept[:, :, ::-1, ::-1].swapaxes(0, 1)
            sums = _correlate(turned, error, layer.kernel - 1 - layer.padding)
        else:
            sums = error @ kept
        shift = _dynamic_shift(sums) if not self._scales else self._scales[index].backward
        return self._requantise(sums, shift)

    def _descend(self, index: int, gradient: Integers) -> None:
        bits = _bit_width(gradient) if not self._scales else self._scales[index].gradient_bits
        step = self._requantise(gradient, max(0, bits - self._method.learning_rate_bits))
        values = self.model.trained[index]
        values[:] = np.clip(values - step, -127, 127)

    def _requantise(self, sums: NDArray[Any], shift: int) -> Integers:
        """clip(round(sums / 2**shift)), with the method's rounding."""
        magnitude = np.abs(sums)
        rounded = magnitude >> shift
        dropped = magnitude - (rounded << shift)
        if self._method.rounding is Rounding.NEAREST:
            rounded += (dropped << 1 >> shift).astype(bool) if shift else 0
        else:
            bits = shift >> 1
            rounded += dropped >> bits > (dropped & (1 << bits) - 1) << (shift & 1)
        clipped: Integers = (np.sign(sums) * np.minimum(rounded, 127)).astype(np.int32)
        return clipped


def _bit_width(values: Integers) -> int:
    return int(np.abs(values).max()).bit_length()


def _dynamic_shift(sums: Integers) -> int:
    return max(0, _bit_width(sums) - 7)


def _columns(planes: Integers, size: int, padding: int) -> Integers:
    """planes (C,H,W) -> a column of C*size*size values for each of the H2*W2 windows."""
    border = ((0, 0), (padding, padding), (padding, padding))
    windows = sliding_window_view(np.pad(planes, border), (size, size), axis=(1, 2))
    return windows.transpose(0, 3, 4, 1, 2).reshape(len(planes) * size**2, -1)


def _correlate(weights: Integers, planes: Integers, padding: int) -> Integers:
    """weights (O,C,k,k), planes (C,H,W) -> sums (O,H2,W2)."""
    size = weights.shape[-1]
    sums = weights.reshape(len(weights), -1) @ _columns(planes, size, padding)
    height, width = (side + 2 * padding - size + 1 for side in planes.shape[1:])
    return sums.reshape(-1, height, width)


def _pools(planes: Integers, size: int) -> Integers:
    """planes (C,H,W) -> disjoint windows (C,H//size,W//size,size*size)."""
    channels, height, width = len(planes), planes.shape[1] // size, planes.shape[2] // size
    cut = planes[:, : height * size, : width * size]
    windows = cut.reshape(channels, height, size, width, size).transpose(0, 1, 3, 2, 4)
    return windows.reshape(channels, height, width, size * size)


def _unpool(planes: Integers, size: int, error: Integers) -> Integers:
    """A window's error (C,H//size,W//size) at its first largest element; as large as planes."""
    windows = _pools(planes, size)
    spread = np.zeros_like(windows)
    largest = windows.argmax(axis=-1)[..., np.newaxis]
    np.put_along_axis(spread, largest, error[..., np.newaxis], axis=-1)
    channels, height, width = error.shape
    squares = spread.reshape(channels, height, width, size, size).transpose(0, 1, 3, 2, 4)
    unpooled = np.zeros_like(planes)
    unpooled[:, : height * size, : width * size] = squares.reshape(
        channels, height * size, width * size
    )
    return unpooled
