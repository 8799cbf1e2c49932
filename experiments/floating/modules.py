"""A network of this project as a PyTorch module, in float32. Needs PyTorch, which is optional."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from kernels.model import INPUT_EXPONENT, Model
from kernels.network import Conv2d, Dense, MaxPool2d, Network, ReLU

Weights = dict[int, NDArray[np.float32]]
"""By layer index, of ``network.weight_shape_of(index)``."""


def module_of(network: Network) -> nn.Sequential:
    """The layers by their indices, with PyTorch's own first weights; nothing has a bias."""
    return nn.Sequential(*(_layer(network, index) for index in range(len(network.layers))))


def _layer(network: Network, index: int) -> nn.Module:
    layer, shape = network.layers[index], network.input_shape_of(index)
    match layer:
        case Conv2d(channels, kernel, padding):
            return nn.Conv2d(shape[0], channels, kernel, padding=padding, bias=False)
        case Dense(features):
            inputs = network.weight_shape_of(index)[1]
            return FlatLinear(inputs, features, bias=False)
        case ReLU():
            return nn.ReLU()
        case MaxPool2d(size):
            return nn.MaxPool2d(size)


class FlatLinear(nn.Linear):
    """A fully connected layer for inputs of any shape (N,...)."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Outputs (N,features)."""
        return super().forward(inputs.flatten(1))


def weights_of(module: nn.Sequential, network: Network) -> Weights:
    """Copies of the weights."""
    return {index: _weight(module, index).detach().numpy().copy() for index in network.weighted}


def set_weights(module: nn.Sequential, weights: Mapping[int, NDArray[np.float32]]) -> None:
    """Replace the weights of the layers that ``weights`` names."""
    with torch.no_grad():
        for index, values in weights.items():
            _weight(module, index).copy_(torch.from_numpy(values))


def _weight(module: nn.Sequential, index: int) -> nn.Parameter:
    layer = module[index]
    assert isinstance(layer, nn.Conv2d | nn.Linear)
    return layer.weight


def float_weights(model: Model) -> Weights:
    """What a model's int8 weights stand for: w * 2**exponent, which float32 holds exactly."""
    return {
        index: np.ldexp(values.astype(np.float32), model.exponents[index])
        for index, values in model.weights.items()
    }


def hash_of(weights: Weights) -> str:
    """SHA-256 of the weights in the order of their layers."""
    digest = hashlib.sha256()
    for index in sorted(weights):
        digest.update(weights[index].tobytes())
    return digest.hexdigest()


def as_floats(images: NDArray[np.int8]) -> torch.Tensor:
    """What a network's input stands for: float32 (N,C,H,W), 0..1."""
    return torch.from_numpy(np.ldexp(images.astype(np.float32), INPUT_EXPONENT))


def right_answers(
    module: nn.Module, images: NDArray[np.int8], labels: NDArray[np.uint8], block: int = 500
) -> int:
    """How many images (N,C,H,W) are classified as their labels (N,) say."""
    right = 0
    with torch.inference_mode():
        for start in range(0, len(images), block):
            logits = module(as_floats(images[start : start + block])).numpy()
            right += int(np.count_nonzero(logits.argmax(axis=1) == labels[start : start + block]))
    return right


@contextmanager
def deterministic(seed: int, threads: int) -> Iterator[None]:
    """Within it the same computation gives the same bits on one machine.

    PyTorch's random numbers follow from ``seed``. Sums depend on the number of threads.
    """
    before: tuple[Any, int] = (torch.are_deterministic_algorithms_enabled(), torch.get_num_threads())
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        torch.use_deterministic_algorithms(True)
        torch.set_num_threads(threads)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(before[0])
            torch.set_num_threads(before[1])
