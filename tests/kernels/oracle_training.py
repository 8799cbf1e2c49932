"""The training step in plain Python integers: as slow and as literal as its description.

Tensors are arrays of dtype object. Their elements are Python ints, so that no sum can overflow and
no cast can hide a mistake. Shapes are those of the kernels: activations (C,H,W) or (N,), kernels
(O,C,k,k), dense weights (O,I).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels.network import Conv2d, Dense, MaxPool2d, Network, ReLU

Ints = NDArray[np.object_]
Place = tuple[int, ...]


def ints(values: ArrayLike) -> Ints:
    """A copy whose elements are Python ints."""
    return np.asarray(values).astype(object)


def rounded(value: int, shift: int, nearest: bool) -> int:
    """value / 2**shift: a half and more goes up, or the upper dropped bits against the lower."""
    whole, dropped = divmod(abs(value), 2**shift)
    if nearest:
        up = Fraction(dropped, 2**shift) >= Fraction(1, 2)
    else:
        upper, lower = divmod(dropped, 2 ** (shift // 2))
        up = upper > (2 * lower if shift % 2 else lower)
    return (whole + up) * (-1 if value < 0 else 1)


def clipped(value: int) -> int:
    """value limited to -127..127."""
    return sorted((-127, value, 127))[1]


def requantised(sums: Ints, shift: int, nearest: bool) -> Ints:
    """Sums of any shape, rounded and clipped."""
    return _each(lambda value: clipped(rounded(value, shift, nearest)), sums)


def width_of(sums: Ints) -> int:
    """Bits of the largest magnitude."""
    return max(abs(value) for value in sums.flat).bit_length()


def conv2d_forward(weights: Ints, inputs: Ints, padding: int) -> Ints:
    """Sums (O,H+2p-k+1,W+2p-k+1)."""
    sums = _zeros(_conv2d_output(weights.shape, inputs.shape, padding))
    for w, i, o in _conv2d_products(weights.shape, inputs.shape, padding):
        sums[o] += weights[w] * inputs[i]
    return sums


def conv2d_input_error(weights: Ints, error: Ints, padding: int, shape: Place) -> Ints:
    """Sums of the input error, of the inputs' shape (C,H,W)."""
    sums = _zeros(shape)
    for w, i, o in _conv2d_products(weights.shape, shape, padding):
        sums[i] += weights[w] * error[o]
    return sums


def conv2d_weight_gradient(inputs: Ints, error: Ints, padding: int, shape: Place) -> Ints:
    """Gradient of the weights, of their shape (O,C,k,k)."""
    gradient = _zeros(shape)
    for w, i, o in _conv2d_products(shape, inputs.shape, padding):
        gradient[w] += inputs[i] * error[o]
    return gradient


def dense_forward(weights: Ints, inputs: Ints) -> Ints:
    """Sums (O,)."""
    return _list([sum(w * x for w, x in zip(row, inputs, strict=True)) for row in weights])


def dense_input_error(weights: Ints, error: Ints) -> Ints:
    """Sums of the input error (I,)."""
    return dense_forward(weights.T, error)


def dense_weight_gradient(inputs: Ints, error: Ints) -> Ints:
    """Gradient (O,I)."""
    return np.array([[x * e for x in inputs] for e in error], object)


def max_pool2d(inputs: Ints, size: int) -> tuple[Ints, dict[Place, Place]]:
    """Outputs (C,H//k,W//k), and the place in the inputs where each output was found first."""
    channels, height, width = inputs.shape
    outputs = _zeros((channels, height // size, width // size))
    found: dict[Place, Place] = {}
    for c, y, x in np.ndindex(outputs.shape):
        window = [(c, y * size + dy, x * size + dx) for dy in range(size) for dx in range(size)]
        found[c, y, x] = max(window, key=lambda place: inputs[place])  # max() takes the first
        outputs[c, y, x] = inputs[found[c, y, x]]
    return outputs, found


def loss_error(logits: Ints, exponent: int, label: int, nearest: bool) -> Ints:
    """Error (classes,) of logits whose values are logits * 2**exponent."""
    if exponent > -7:
        log2_e = Fraction(47274, 2**15)
        z = [math.floor(logit * log2_e * Fraction(2) ** exponent) for logit in logits]
        y = [2 ** max(value - (max(z) - 10), 0) - 1 for value in z]
    else:
        y = [2 ** (1 - 2 * exponent) + o * 2 ** (1 - exponent) + o**2 for o in logits]
    p = [math.floor(Fraction(2**11 * value, sum(y))) for value in y]
    p[label] -= sum(p)
    return requantised(_list(p), 4, nearest)


def _each(function: Callable[[int], int], values: Ints) -> Ints:
    return _list([function(value) for value in values.flat]).reshape(values.shape)


def _list(values: list[int]) -> Ints:
    return np.array(values, object)


def _ones(mask: NDArray[np.bool_]) -> Ints:
    """1 where the mask is true, else 0."""
    return mask.astype(int).astype(object)


def _zeros(shape: Place) -> Ints:
    return np.full(shape, 0, object)


def _conv2d_output(weights: Place, inputs: Place, padding: int) -> Place:
    return (weights[0], *(side + 2 * padding - weights[2] + 1 for side in inputs[1:]))


def _conv2d_products(
    weights: Place, inputs: Place, padding: int
) -> Iterator[tuple[Place, Place, Place]]:
    """Places (weight, input, output) of every product; those that fall on padding are left out."""
    size, (_, height, width) = weights[2], inputs
    _, rows, columns = _conv2d_output(weights, inputs, padding)
    places = (weights[0], inputs[0], size, size, rows, columns)
    for o, c, ky, kx, y, x in product(*map(range, places)):
        row, column = y + ky - padding, x + kx - padding
        if 0 <= row < height and 0 <= column < width:
            yield (o, c, ky, kx), (c, row, column), (o, y, x)


@dataclass
class Shifts:
    """The shifts of one layer with weights: output, input error, and width of the gradient."""

    forward: int
    backward: int
    gradient_bits: int


@dataclass
class NaiveTrainer:
    """One image at a time; tensors by layer index. ``scores`` is empty for NITI."""

    network: Network
    weights: dict[int, Ints]
    exponents: dict[int, int]
    scores: dict[int, Ints]
    scored: dict[int, NDArray[np.bool_]]
    learning_rate_bits: int
    threshold: int
    double_threshold: int | None
    nearest: bool
    static: dict[int, Shifts] | None
    trained: frozenset[int]
    """Indices of the layers that learn."""
    outputs: list[Ints] = field(default_factory=list)
    errors: list[Ints] = field(default_factory=list)
    gradients: dict[int, Ints] = field(default_factory=dict)
    used: dict[int, Shifts] = field(default_factory=dict)

    def step(self, image: Ints, label: int) -> None:
        """Forward, backward and update."""
        self.used = {index: Shifts(0, 0, 0) for index in self.weights}
        exponent = self._forward(image)
        self._backward(image, exponent, label)
        self._update()

    def _forward(self, image: Ints) -> int:
        """Fill the outputs; returns the exponent of the logits."""
        self.outputs, values, exponent = [], image, -7
        for index, layer in enumerate(self.network.layers):
            if isinstance(layer, Conv2d):
                sums = conv2d_forward(self._kept(index), values, layer.padding)
            elif isinstance(layer, Dense):
                sums = dense_forward(self._kept(index), values.reshape(-1))
            elif isinstance(layer, MaxPool2d):
                values, _ = max_pool2d(values, layer.size)
            else:
                values = _each(lambda value: max(value, 0), values)
            if index in self.weights:
                shift = self._shift("forward", index, sums)
                values = requantised(sums, shift, self.nearest)
                exponent += self.exponents[index] + shift
            self.outputs.append(values)
        return exponent

    def _backward(self, image: Ints, exponent: int, label: int) -> None:
        """Fill the errors and gradients, down to the first layer that learns."""
        self.errors = [_zeros(output.shape) for output in self.outputs]
        self.errors[-1] = loss_error(self.outputs[-1], exponent, label, self.nearest)
        waiting = set(self.trained)
        for index in reversed(range(len(self.network.layers))):
            inputs = self.outputs[index - 1] if index > 0 else image
            if index in waiting:
                waiting.remove(index)
                self._weight_gradient(index, inputs)
            if not waiting:
                return
            self.errors[index - 1] = self._input_error(index, inputs)

    def _weight_gradient(self, index: int, inputs: Ints) -> None:
        layer, error = self.network.layers[index], self.errors[index]
        if isinstance(layer, Conv2d):
            shape = self.weights[index].shape
            gradient = conv2d_weight_gradient(inputs, error, layer.padding, shape)
        else:
            gradient = dense_weight_gradient(inputs.reshape(-1), error)
        if self.scores:
            gradient = (
                gradient * self.weights[index] * self.scored[index].astype(int).astype(object)
            )
        self.gradients[index] = gradient
        self.used[index].gradient_bits = (
            self.static[index].gradient_bits if self.static else width_of(gradient)
        )

    def _input_error(self, index: int, inputs: Ints) -> Ints:
        layer, error = self.network.layers[index], self.errors[index]
        if isinstance(layer, ReLU):
            return error * _ones(inputs > 0)
        if isinstance(layer, MaxPool2d):
            _, found = max_pool2d(inputs, layer.size)
            input_error = _zeros(inputs.shape)
            for place, source in found.items():
                input_error[source] += error[place]
            return input_error
        if isinstance(layer, Conv2d):
            sums = conv2d_input_error(self._kept(index), error, layer.padding, inputs.shape)
        else:
            sums = dense_input_error(self._kept(index), error).reshape(inputs.shape)
        return requantised(sums, self._shift("backward", index, sums), self.nearest)

    def _update(self) -> None:
        for index in self.trained:
            values = (self.scores or self.weights)[index]
            shift = max(0, self.used[index].gradient_bits - self.learning_rate_bits)
            moved = values - requantised(self.gradients[index], shift, self.nearest)
            values[...] = _each(clipped, moved)

    def _kept(self, index: int) -> Ints:
        if not self.scores:
            return self.weights[index]
        keep = (self.scores[index] >= self.threshold) | ~self.scored[index]
        kept = self.weights[index] * _ones(keep)
        if self.double_threshold is None:
            return kept
        twice = self.scores[index] >= self.double_threshold
        return _each(clipped, kept + kept * _ones(twice))

    def _shift(self, direction: str, index: int, sums: Ints) -> int:
        shift = (
            getattr(self.static[index], direction) if self.static else max(0, width_of(sums) - 7)
        )
        setattr(self.used[index], direction, shift)
        return shift
