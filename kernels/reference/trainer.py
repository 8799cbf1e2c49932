"""The training step as the specification says: forward, backward and update of a whole network."""

from __future__ import annotations

from dataclasses import replace

from priot.kernels.methods import Method
from priot.kernels.model import INPUT_EXPONENT, Model
from priot.kernels.operations import Weighted, Weightless
from priot.kernels.reference.integers import Ints, ints, zeros
from priot.kernels.reference.loss import loss_gradient
from priot.kernels.reference.rounding import bit_width, dynamic_shift, requantised
from priot.kernels.reference.scores import descend, kept, score_gradient
from priot.kernels.scale import Scale


class ReferenceTrainer:
    """Trains copies of a model's tensors, one image at a time; tensors by layer index.

    After a step ``outputs``, ``errors``, ``gradients`` and ``used`` are those that
    priot.kernels.trainer.Trainer has to hold.

    Args:
        model: what training starts from; it is not changed.
        method: what is trained and how large a step is.
        scales: static scales by layer index; None: every shift follows its tensor.
    """

    def __init__(self, model: Model, method: Method, scales: dict[int, Scale] | None) -> None:
        self.network, self.method, self.scales = model.network, method, scales
        self.exponents, self.scored = dict(model.exponents), model.scored
        self.weights = {index: ints(values) for index, values in model.weights.items()}
        self.scores = {index: ints(values) for index, values in model.scores.items()}
        self.trained = method.trained_of(model.network)
        self.logit_exponent = 0
        self.inputs: list[Ints] = []
        """Of each layer."""
        self.outputs: list[Ints] = []
        self.errors: list[Ints] = []
        """Of each layer's output; zero where nothing before it is trained."""
        self.gradients: dict[int, Ints] = {}
        """Of the weights or scores that are trained."""
        self.used: dict[int, Scale] = {}

    def step(self, image: Ints, label: int) -> None:
        """Forward, backward and update on one image (C,H,W)."""
        self.forward(image)
        self.backward(label)
        self.update()

    def forward(self, image: Ints) -> Ints:
        """From the image (C,H,W) to the logits (classes,)."""
        self.inputs, self.outputs = [], []
        self.used = dict.fromkeys(self.network.weighted, Scale(0, 0, 0))
        self.logit_exponent, values = INPUT_EXPONENT, image
        for index, layer in enumerate(self.network.layers):
            self.inputs.append(values)
            if isinstance(layer, Weighted):
                sums = layer.forward(self._kept(index), values)
                shift = self._shift(index, "forward", sums)
                values = requantised(sums, shift, self.method.rounding)
                self.logit_exponent += self.exponents[index] + shift
            elif isinstance(layer, Weightless):
                values = layer.forward(values)
            self.outputs.append(values)
        return values

    def backward(self, label: int) -> None:
        """From the loss to the error and gradient of every layer that is trained."""
        logits, rounding = self.outputs[-1], self.method.rounding
        self.errors = [zeros(*output.shape) for output in self.outputs]
        self.errors[-1] = loss_gradient(logits, self.logit_exponent, label, rounding)
        first = self.trained[0]
        for index in reversed(range(first, len(self.network.layers))):
            if index in self.trained:
                self.gradients[index] = self._gradient(index)
            if index > first:
                self.errors[index - 1] = self._input_error(index)

    def update(self) -> None:
        """Move every weight or score that is trained against its gradient."""
        values = self.scores or self.weights
        for index, gradient in self.gradients.items():
            shift = self.used[index].update_shift(self.method.learning_rate_bits)
            values[index] = descend(values[index], gradient, shift, self.method.rounding)

    def _kept(self, index: int) -> Ints:
        """The weights as often as their edges count."""
        if not self.scores:
            return self.weights[index]
        return kept(self.weights[index], self.scores[index], self.scored[index], self.method)

    def _input_error(self, index: int) -> Ints:
        layer, error, inputs = self.network.layers[index], self.errors[index], self.inputs[index]
        if isinstance(layer, Weightless):
            return layer.backward(inputs, self.outputs[index], error)
        assert isinstance(layer, Weighted)
        sums = layer.input_error(self._kept(index), error)
        shift = self._shift(index, "backward", sums)
        return requantised(sums, shift, self.method.rounding).reshape(inputs.shape)

    def _gradient(self, index: int) -> Ints:
        layer = self.network.layers[index]
        assert isinstance(layer, Weighted)
        gradient = layer.weight_gradient(self.inputs[index], self.errors[index])
        if self.scores:
            gradient = score_gradient(gradient, self.weights[index], self.scored[index])
        bits = self.scales[index].gradient_bits if self.scales else bit_width(gradient)
        self.used[index] = replace(self.used[index], gradient_bits=bits)
        return gradient

    def _shift(self, index: int, which: str, sums: Ints) -> int:
        """The static shift, or the one that follows the tensor."""
        shift = getattr(self.scales[index], which) if self.scales else dynamic_shift(sums)
        self.used[index] = replace(self.used[index], **{which: shift})
        return int(shift)
