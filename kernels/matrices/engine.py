"""The engine for large networks: layers are matrix products over one image or a batch.

Every number is the plain engine's. Of a batch, training sees one tensor: one dynamic shift for
all its images, and the sum of their gradients. Inference gives each image its own shifts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, replace
from functools import cached_property
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from priot.kernels.errors import KernelError
from priot.kernels.matrices.memory import Memory
from priot.kernels.matrices.products import Products, fastest_products
from priot.kernels.matrices.shard import Shard
from priot.kernels.methods import Method
from priot.kernels.model import INPUT_EXPONENT, Model
from priot.kernels.network import INT32_MAX
from priot.kernels.operations import Weighted
from priot.kernels.requantise import bit_width
from priot.kernels.scale import Scale, of_trained
from priot.kernels.scores import descend, prune, score_gradient

INFERENCE_IMAGES = 128  # at once
FORWARD, BACKWARD, GRADIENT = range(3)  # the shifts of a Scale
_T = TypeVar("_T")
_P = ParamSpec("_P")


class MatrixEngine:
    """An engine (priot.kernels.engine.Engine) on matrix products, exact in every bit.

    The model's tensors are used as they are; pruned weights and operands are copies of their size.

    Args:
        threads: shards that a batch is cut into, each worked on by a thread of its own. NumPy's
            and PyTorch's products should use one thread then (OPENBLAS_NUM_THREADS=1,
            OMP_NUM_THREADS=1).
        products: how matrices are multiplied (None: the fastest way); no number depends on it.
    """

    def __init__(
        self,
        model: Model,
        method: Method,
        scales: dict[int, Scale] | None,
        threads: int = 1,
        products: type[Products] | None = None,
    ) -> None:
        self._model, self._network, self._method = model, model.network, method
        self._dynamic = scales is None
        self._shifts = np.zeros((len(self._network.layers), 3), np.int64)
        weighted, self._trained = self._network.weighted, method.trained_of(self._network)
        self._first = self._trained[0]
        for index, scale in of_trained(scales or {}, self._first).items():
            self._shifts[index] = astuple(scale)
        self._windows = {
            index: layer.window(self._network.input_shape_of(index))
            for index, layer in enumerate(self._network.layers)
            if isinstance(layer, Weighted)
        }
        for index in weighted:
            model.weights[index] = np.ascontiguousarray(model.weights[index])
            if model.scores:
                model.scores[index] = np.ascontiguousarray(model.scores[index])
                model.scored[index] = np.ascontiguousarray(model.scored[index])
        self._products = products or fastest_products()
        self._single = self._shard(1)
        self._shards = [self._single]
        self._pruned = {index: Memory(np.int8) for index in weighted}
        self._operands = {index: Memory(self._products.dtype) for index in weighted}
        self._kept: dict[int, NDArray[Any]] = {}
        self._threads, self._pool = threads, ThreadPoolExecutor(threads)

    @property
    def outputs(self) -> list[NDArray[np.int8]]:
        """Of each layer."""
        return self._of_one_image(self._single.values)

    @property
    def errors(self) -> list[NDArray[np.int8]]:
        """Of each layer's output."""
        return self._of_one_image(self._single.errors)

    @cached_property
    def gradients(self) -> dict[int, NDArray[np.int32]]:
        """By layer index; ``train`` needs none and leaves them."""
        return {
            index: np.zeros(self._model.weights[index].shape, np.int32) for index in self._trained
        }

    @property
    def used(self) -> dict[int, Scale]:
        """Shifts of the last step, by layer index."""
        return {index: Scale(*map(int, self._shifts[index])) for index in self._network.weighted}

    def forward(self, image: NDArray[np.int8]) -> int:
        """Run the network on one image (C,H,W); returns the exponent of the logits."""
        self._load(image[np.newaxis])
        return self._forward()

    def backward(self, exponent: int, label: int) -> None:
        """Errors and gradients of the last image, whose logits have ``exponent``."""
        self._shards = [self._single]
        self._compute_loss(exponent, np.array([label], np.uint8))
        for index, gradient in self._backward():
            self.gradients[index].reshape(-1)[:] = gradient

    def update(self) -> None:
        """Move weights or scores against the gradients."""
        for index, gradient in self.gradients.items():
            self._descend(index, gradient.reshape(-1))
            if not self._method.trains_scores:
                self._keep(index)  # for another backward pass, which sees the new weights

    def set_learning_rate_bits(self, bits: int) -> None:
        """Of the updates from now on."""
        self._method = replace(self._method, learning_rate_bits=bits)

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
            KernelError: when the sum of a batch's gradients could leave 32 bits.
        """
        self._check(batch)
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            self._load(images[chosen])
            self._compute_loss(self._forward(), labels[chosen])
            if any(shard.errors[-1].any() for shard in self._shards):
                for index, gradient in self._backward():
                    self._descend(index, gradient)

    def logits_of(self, images: NDArray[np.int8]) -> NDArray[np.int8]:
        """Logits (N,classes) of images (N,C,H,W), each with the shifts it has alone."""
        logits = [np.zeros((0, self._network.classes), np.int8)]
        for start in range(0, len(images), INFERENCE_IMAGES):
            self._load(images[start : start + INFERENCE_IMAGES])
            self._infer()
            logits += [shard.logits for shard in self._shards]
        return np.concatenate(logits)

    def _load(self, images: NDArray[np.int8]) -> None:
        """Take in a batch (N,C,H,W), in shards of nearly equal size."""
        pieces = np.array_split(images, min(self._threads, len(images)))
        if [len(piece) for piece in pieces] != [shard.images for shard in self._shards]:
            self._shards = (
                [self._single]
                if len(images) == 1
                else [self._shard(len(piece)) for piece in pieces]
            )
        for shard, piece in zip(self._shards, pieces, strict=True):
            shard.load(piece)

    def _each(
        self,
        function: Callable[Concatenate[Shard, _P], _T],
        *arguments: _P.args,
        **options: _P.kwargs,
    ) -> list[_T]:
        """``function`` of each shard, in order; in threads where there are several."""
        if len(self._shards) == 1:
            return [function(self._shards[0], *arguments, **options)]
        calls = [
            self._pool.submit(function, shard, *arguments, **options) for shard in self._shards
        ]
        return [call.result() for call in calls]

    def _of_one_image(self, tensors: list[NDArray[np.int8]]) -> list[NDArray[np.int8]]:
        return [
            values.reshape(self._network.output_shape_of(index))
            for index, values in enumerate(tensors[1:])
        ]

    def _check(self, batch: int) -> None:
        # priot.kernels.network checks the same for one image.
        product = 127**3 if self._method.trains_scores else 127**2
        for index in self._trained:
            positions = math.prod(self._windows[index].output[1:])
            if batch * positions * product > INT32_MAX:
                raise KernelError(
                    f"{self._network.name}: a gradient over {batch} images could leave 32 bits; "
                    f"take {INT32_MAX // (positions * product)} at most"
                )

    def _shard(self, images: int) -> Shard:
        return Shard(self._network, self._windows, images, self._products())

    def _keep(self, index: int) -> NDArray[Any]:
        """Note the weights (O,terms), as often as they count, as an operand of products."""
        weights = self._model.weights[index]
        kept = weights.reshape(len(weights), -1)
        if self._method.trains_scores:
            kept = self._pruned[index].shaped(*kept.shape)
            scores = self._model.scores[index].reshape(-1)
            prune(weights.reshape(-1), scores, *self._method.thresholds, kept.reshape(-1))
        self._kept[index] = self._single.products.operand(kept, self._operands[index])
        return self._kept[index]

    def _forward(self) -> int:
        """From the batch to its logits, as one tensor; returns their exponent."""
        exponent = INPUT_EXPONENT
        for index in range(len(self._network.layers)):
            if index in self._windows:
                self._each(Shard.sum_outputs, index, self._keep(index))
                shift = self._shift(index, FORWARD)
                self._each(Shard.requantise_outputs, index, shift, self._method.rounding)
                exponent += self._model.exponents[index] + shift
            else:
                self._each(Shard.forward, index)
        return exponent

    def _infer(self) -> None:
        """From the batch to its logits, each image on its own."""
        for index in range(len(self._network.layers)):
            if index in self._windows:
                shift = None if self._dynamic else int(self._shifts[index, FORWARD])
                self._each(Shard.sum_outputs, index, self._keep(index))
                self._each(Shard.requantise_outputs, index, shift, self._method.rounding)
            else:
                self._each(Shard.forward, index)

    def _shift(self, index: int, which: int) -> int:
        """The shift of the sums at hand: the static one, or that of the largest of all sums."""
        if self._dynamic:
            width = max(self._each(Shard.width_of_sums))
            self._shifts[index, which] = max(0, width - 7)
        return int(self._shifts[index, which])

    def _compute_loss(self, exponent: int, labels: NDArray[np.uint8]) -> None:
        """The errors of the logits, which have one ``exponent``."""
        first = 0
        for shard in self._shards:
            exponents = np.full(shard.images, exponent, np.int64)
            shard.compute_loss(
                exponents, labels[first : first + shard.images], self._method.rounding
            )
            first += shard.images

    def _backward(self) -> Iterator[tuple[int, NDArray[np.int32]]]:
        """The flat gradient of every layer that is trained, the last first.

        It is one memory for all layers. A layer's weights may change once its gradient is out.
        """
        for index in range(len(self._network.layers) - 1, self._first - 1, -1):
            if index not in self._windows:
                self._each(Shard.backward, index)
                continue
            if index > self._first:
                self._each(Shard.sum_input_error, index, self._kept[index])
                shift = self._shift(index, BACKWARD)
                self._each(Shard.requantise_input_error, index, shift, self._method.rounding)
            yield index, self._gradient(index)

    def _gradient(self, index: int) -> NDArray[np.int32]:
        """Flat gradient of the weights or scores, the sum over the batch; notes its width."""
        gradient, *others = self._each(Shard.gradient, index)
        for other in others:
            gradient += other
        flat = gradient.reshape(-1)
        if self._method.trains_scores:
            weights, scored = self._model.weights[index], self._model.scored[index]
            score_gradient(flat, weights.reshape(-1), scored.reshape(-1))
        if self._dynamic:
            self._shifts[index, GRADIENT] = bit_width(flat)
        return flat

    def _descend(self, index: int, gradient: NDArray[np.int32]) -> None:
        scale = Scale(*map(int, self._shifts[index]))
        shift = scale.update_shift(self._method.learning_rate_bits)
        values = self._model.trained[index].reshape(-1)
        descend(values, gradient, shift, self._method.rounding)
