"""The training step of every method, layer by layer: the exact specification of the firmware."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kernels.conv2d import conv2d_forward, conv2d_input_error, conv2d_weight_gradient
from kernels.dense import dense_forward, dense_input_error, dense_weight_gradient
from kernels.loss import loss_gradient
from kernels.max_pool2d import max_pool2d_backward, max_pool2d_forward
from kernels.methods import Method
from kernels.model import INPUT_EXPONENT, Model
from kernels.network import Conv2d, Dense, ReLU
from kernels.relu import relu_backward, relu_forward
from kernels.requantise import bit_width, dynamic_shift, requantise
from kernels.scores import descend, prune, score_gradient


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
    """Trains a model in place, one image at a time.

    After a step ``outputs[i]`` (int8) is what layer i wrote, ``errors[i]`` (int8, same shape) the
    error of that output, and ``gradients[i]`` (int32) the gradient of layer i's weights or scores.
    Layers up to the first with weights have no use for an error of their input: none is computed.

    Args:
        model: trained in place.
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
        self.model, self.method, self.scales = model, method, scales
        self.used: dict[int, Scale] = {}
        """Shifts of the last step, by layer index."""
        self.logit_exponent = 0
        count = len(network.layers)
        self.outputs = [np.zeros(network.output_shape_of(i), np.int8) for i in range(count)]
        self.errors = [np.zeros_like(output) for output in self.outputs]
        self.gradients = {i: np.zeros(w.shape, np.int32) for i, w in model.weights.items()}
        self._image = np.zeros(network.input_shape, np.int8)
        self._kept = {
            i: np.empty_like(w) if method.trains_scores else w for i, w in model.weights.items()
        }
        self._output_sums = {i: np.empty(self.outputs[i].shape, np.int32) for i in model.weights}
        self._input_sums = {i: np.empty(network.input_shape_of(i), np.int32) for i in model.weights}
        self._forward_shift = dict.fromkeys(network.weighted, 0)
        self._backward_shift = dict.fromkeys(network.weighted, 0)

    def forward(self, image: NDArray[np.int8]) -> NDArray[np.int8]:
        """Run the network on one image (C,H,W), int8; returns the logits (classes,), a view."""
        if image.shape != self._image.shape:
            raise ValueError(f"an image of shape {image.shape} is not {self._image.shape}")
        self._image[:] = image
        exponent = INPUT_EXPONENT
        for index, layer in enumerate(self.model.network.layers):
            inputs, outputs = self._input_of(index), self.outputs[index]
            if isinstance(layer, Conv2d | Dense):
                kept, sums = self._kept_weights(index), self._output_sums[index]
                if isinstance(layer, Conv2d):
                    conv2d_forward(kept, inputs, layer.padding, sums)
                else:
                    dense_forward(kept, inputs.reshape(-1), sums)
                flat = sums.reshape(-1)
                shift = self.scales[index].forward if self.scales else dynamic_shift(flat)
                requantise(flat, shift, self.method.rounding, outputs.reshape(-1))
                exponent += self.model.exponents[index] + shift
                self._forward_shift[index] = shift
            elif isinstance(layer, ReLU):
                relu_forward(inputs.reshape(-1), outputs.reshape(-1))
            else:
                max_pool2d_forward(inputs, layer.size, outputs)
        self.logit_exponent = exponent
        return self.outputs[-1]

    def backward(self, label: int) -> None:
        """Errors of every layer's output and gradients of every layer's weights or scores."""
        network, method = self.model.network, self.method
        if not 0 <= label < network.classes:
            raise ValueError(f"label {label} is not one of the {network.classes} classes")
        loss_gradient(
            self.outputs[-1], self.logit_exponent, label, method.rounding, self.errors[-1]
        )
        first = network.weighted[0]
        for index in range(len(network.layers) - 1, first - 1, -1):
            layer, error = network.layers[index], self.errors[index]
            if isinstance(layer, Conv2d | Dense):
                if index > first:
                    self._input_error(index)
                self._gradient(index)
                width = (
                    self.scales[index].gradient_bits
                    if self.scales
                    else bit_width(self.gradients[index].reshape(-1))
                )
                self.used[index] = Scale(
                    self._forward_shift[index], self._backward_shift[index], width
                )
            elif isinstance(layer, ReLU):
                relu_backward(
                    self.outputs[index].reshape(-1),
                    error.reshape(-1),
                    self.errors[index - 1].reshape(-1),
                )
            else:
                max_pool2d_backward(
                    self.outputs[index - 1],
                    layer.size,
                    self.outputs[index],
                    error,
                    self.errors[index - 1],
                )

    def update(self) -> None:
        """Move every weight or score against its gradient."""
        for index, values in self.model.trained.items():
            shift = self.used[index].update_shift(self.method.learning_rate_bits)
            gradient = self.gradients[index].reshape(-1)
            descend(values.reshape(-1), gradient, shift, self.method.rounding)

    def step(self, image: NDArray[np.int8], label: int) -> int:
        """Train on one image (C,H,W), int8; returns the class predicted before the update."""
        prediction = self.predict(image)
        self.backward(label)
        self.update()
        return prediction

    def predict(self, image: NDArray[np.int8]) -> int:
        """The class of the largest logit, the first of equals."""
        return int(np.argmax(self.forward(image)))

    def _input_of(self, index: int) -> NDArray[np.int8]:
        return self.outputs[index - 1] if index else self._image

    def _kept_weights(self, index: int) -> NDArray[np.int8]:
        weights, kept = self.model.weights[index], self._kept[index]
        if self.method.trains_scores:
            scores = self.model.scores[index].reshape(-1)
            prune(weights.reshape(-1), scores, self.method.threshold, kept.reshape(-1))
        return kept

    def _input_error(self, index: int) -> None:
        layer, kept, error = self.model.network.layers[index], self._kept[index], self.errors[index]
        sums = self._input_sums[index]
        if isinstance(layer, Conv2d):
            conv2d_input_error(kept, error, layer.padding, sums)
        else:
            dense_input_error(kept, error, sums.reshape(-1))
        flat = sums.reshape(-1)
        shift = self.scales[index].backward if self.scales else dynamic_shift(flat)
        requantise(flat, shift, self.method.rounding, self.errors[index - 1].reshape(-1))
        self._backward_shift[index] = shift

    def _gradient(self, index: int) -> None:
        layer, inputs, error = (
            self.model.network.layers[index],
            self._input_of(index),
            self.errors[index],
        )
        gradient = self.gradients[index]
        if isinstance(layer, Conv2d):
            conv2d_weight_gradient(inputs, error, layer.padding, gradient)
        else:
            dense_weight_gradient(inputs.reshape(-1), error, gradient)
        if self.method.trains_scores:
            score_gradient(
                gradient.reshape(-1),
                self.model.weights[index].reshape(-1),
                self.model.scored[index].reshape(-1),
            )
