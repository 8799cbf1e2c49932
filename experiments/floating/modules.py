"""A network of this project as a PyTorch module, in float32. Needs PyTorch, which is optional."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from priot.kernels.errors import KernelError
from priot.kernels.model import INPUT_EXPONENT, Model
from priot.kernels.network import Network
from priot.kernels.operations import Conv2d, Dense, MaxPool2d, ReLU

Weights = dict[int, NDArray[np.float32]]
"""By layer index, of ``network.weight_shape_of(index)``."""
BLOCK = 500  # inputs whose outputs are computed at a time


def module_of(network: Network) -> nn.Sequential:
    """A module for each layer, with PyTorch's own first weights; nothing has a bias."""
    return nn.Sequential(*(_layer(network, index) for index in range(len(network.layers))))


def _layer(network: Network, index: int) -> nn.Module:
    layer, shape = network.layers[index], network.input_shape_of(index)
    match layer:
        case Conv2d(channels, kernel, padding):
            return nn.Conv2d(shape[0], channels, kernel, padding=padding, bias=False)
        case Dense(features):
            return nn.Sequential(nn.Flatten(), nn.Linear(math.prod(shape), features, bias=False))
        case ReLU():
            return nn.ReLU()
        case MaxPool2d(size):
            return nn.MaxPool2d(size)
        case _:
            raise KernelError(f"{network.name_of(index)}: no counterpart in PyTorch is known")


def weights_of(module: nn.Sequential, network: Network) -> Weights:
    """Copies of the weights of a ``module_of`` the network."""
    return {
        index: weight.detach().numpy().copy()
        for index, weight in zip(network.weighted, module.parameters(), strict=True)
    }


def module_with(network: Network, weights: Weights) -> nn.Sequential:
    """``module_of`` the network with copies of these weights."""
    module = module_of(network)
    with torch.no_grad():
        for index, weight in zip(network.weighted, module.parameters(), strict=True):
            weight.copy_(torch.from_numpy(weights[index]))
    return module


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


def outputs_of(module: nn.Module, inputs: torch.Tensor) -> torch.Tensor:
    """What the module makes of inputs (N,...), some at a time, without gradients."""
    with torch.no_grad():
        return torch.cat([module(some) for some in torch.split(inputs, BLOCK)])


def right_answers(module: nn.Module, inputs: torch.Tensor, labels: NDArray[np.uint8]) -> int:
    """How many inputs (N,...) are classified as their labels (N,) say."""
    logits = outputs_of(module, inputs).numpy()
    return int(np.count_nonzero(logits.argmax(axis=1) == labels))


@contextmanager
def deterministic(seed: int, threads: int) -> Iterator[None]:
    """Within it the same computation gives the same bits on one machine.

    PyTorch's random numbers follow from ``seed``. Sums depend on the number of threads.
    """
    was_deterministic = torch.are_deterministic_algorithms_enabled()
    had_threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        torch.use_deterministic_algorithms(True)
        torch.set_num_threads(threads)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(was_deterministic)
            torch.set_num_threads(had_threads)
