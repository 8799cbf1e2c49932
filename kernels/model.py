"""A network with its tensors: what training starts from, and what it changes."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from priot.kernels.methods import Method
from priot.kernels.network import Network
from priot.kernels.scores import UNSCORED

INPUT_EXPONENT = -7  # pixels 0..255 become int8 0..127, read as 0..1


@dataclass
class Model:
    """Tensors by layer index; only the layers in ``network.weighted`` have any.

    ``weights`` are int8 of ``network.weight_shape_of(index)`` with a power-of-two ``exponents``
    each. ``scores`` (int8) and ``scored`` (bool) have the weights' shape; both are empty where no
    scores are trained, and an edge without a score holds ``UNSCORED``.
    """

    network: Network
    weights: dict[int, NDArray[np.int8]]
    exponents: dict[int, int]
    scores: dict[int, NDArray[np.int8]] = field(default_factory=dict)
    scored: dict[int, NDArray[np.bool_]] = field(default_factory=dict)

    def copy(self) -> Model:
        """A model that can be trained without changing this one."""
        return Model(
            self.network,
            {index: values.copy() for index, values in self.weights.items()},
            dict(self.exponents),
            {index: values.copy() for index, values in self.scores.items()},
            {index: values.copy() for index, values in self.scored.items()},
        )

    @property
    def trained(self) -> dict[int, NDArray[np.int8]]:
        """The tensors that training may change: the scores if there are any, else the weights."""
        return self.scores or self.weights

    def state_hash(self) -> str:
        """SHA-256 of all weights, exponents and scores: equal hashes mean equal models."""
        digest = hashlib.sha256()
        for index in self.network.weighted:
            digest.update(self.exponents[index].to_bytes(4, "little", signed=True))
            digest.update(self.weights[index].tobytes())
            if self.scores:
                digest.update(self.scores[index].tobytes())
        return digest.hexdigest()


class Initial(Enum):
    """How first weights are drawn."""

    GLOROT = "Glorot"
    """Uniform within sqrt(6 / (fan-in + fan-out)) (Glorot & Bengio 2010)."""
    GLOROT_NORMAL = "Glorot normal"
    """Normal with the same variance, 2 / (fan-in + fan-out), known as Xavier-normal too."""
    HE = "He"
    """Uniform within sqrt(6 / fan-in), so that activations keep their size (He et al. 2015)."""

    @classmethod
    def named(cls, label: str) -> Initial:
        """The member with that name for users, "glorot-normal"."""
        return cls[label.upper().replace("-", "_")]


def initial_model(network: Network, seed: int, initial: Initial = Initial.GLOROT) -> Model:
    """Random weights before any training, as int8 of a power of two.

    The exponent is the smallest with which the bound fits 127, so that at least 6 bits are used; of
    normal weights the bound is the largest magnitude drawn.
    """
    generator = np.random.default_rng(seed)
    weights, exponents = {}, {}
    for index in network.weighted:
        shape = network.weight_shape_of(index)
        window = math.prod(shape[2:])
        fans = shape[1] if initial is Initial.HE else shape[0] + shape[1]
        bound = math.sqrt(6 / (fans * window))
        if initial is Initial.GLOROT_NORMAL:
            drawn = generator.normal(0.0, bound / math.sqrt(3), shape)
            bound = float(np.abs(drawn).max())
            exponents[index] = math.ceil(math.log2(bound / 127))
            weights[index] = np.rint(drawn / 2.0 ** exponents[index]).astype(np.int8)
        else:
            exponents[index] = math.ceil(math.log2(bound / 127))
            largest = math.floor(bound / 2.0 ** exponents[index])
            weights[index] = generator.integers(-largest, largest, shape, np.int8, endpoint=True)
    return Model(network, weights, exponents)


def with_scores(
    backbone: Model,
    method: Method,
    seed: int,
    gradients: Mapping[int, NDArray[np.int64]] | None = None,
) -> Model:
    """The model that ``method`` starts from: a copy of the backbone, with scores if it trains any.

    First scores and, for PRIOT-S, a random choice of scored edges follow from ``seed``.

    Args:
        gradients: how large each edge's gradient is, by layer, of the weights' shapes
            (``priot.kernels.selection.gradient_magnitudes``); for the selection "gradient" alone.

    Raises:
        ValueError: for that selection without ``gradients``.
    """
    model = backbone.copy()
    if not method.trains_scores:
        return model
    generator = np.random.default_rng(seed)
    for index in model.network.weighted:
        weights = model.weights[index]
        of_layer = None if gradients is None else gradients[index]
        scored = _choose_edges(weights, method, generator, of_layer)
        drawn = np.rint(generator.normal(0.0, method.score_spread, weights.shape))
        scores = np.clip(drawn, -127, 127).astype(np.int8)
        scores[~scored] = UNSCORED
        model.scores[index], model.scored[index] = scores, scored
    return model


def _choose_edges(
    weights: NDArray[np.int8],
    method: Method,
    generator: np.random.Generator,
    gradients: NDArray[np.int64] | None,
) -> NDArray[np.bool_]:
    """A mask of the edges that have a score: all, a random share, or those with the largest
    weights or gradients, of equals the first.
    """
    fraction = 1.0 if method.scored_fraction is None else method.scored_fraction
    count = max(1, round(fraction * weights.size))
    if method.selection == "magnitude":
        chosen = _largest(np.abs(weights.astype(np.int16)), count)
    elif method.selection == "gradient":
        if gradients is None:
            raise ValueError(
                f"{method.label}: gradients are missing; make them with gradient_magnitudes()"
            )
        chosen = _largest(gradients, count)
    else:
        chosen = generator.permutation(weights.size)[:count]
    scored = np.zeros(weights.size, np.bool_)
    scored[chosen] = True
    return scored.reshape(weights.shape)


def _largest(values: NDArray[Any], count: int) -> NDArray[np.int64]:
    """Flat places of the ``count`` largest values, of equals the first."""
    return np.argsort(-values.reshape(-1), kind="stable")[:count]
