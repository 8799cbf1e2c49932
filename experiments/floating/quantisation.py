"""Post-training quantisation: float weights as int8, with one power of two for each tensor."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from priot.experiments.errors import UserError
from priot.kernels.model import Model
from priot.kernels.network import Network

LARGEST = 127
"""Weights are symmetric about zero, as NITI has them."""


class Quantisation(Enum):
    """How the power of two of a tensor is chosen."""

    MIN_MAX = "min-max"
    """The smallest with which every weight fits."""
    PERCENTILE = "percentile"
    """The smallest with which 99 % of the weights fit; the others are clipped."""

    @property
    def share(self) -> float:
        """Of a tensor's weights, those that fit at least."""
        return {Quantisation.MIN_MAX: 1.0, Quantisation.PERCENTILE: 0.99}[self]


@dataclass(frozen=True)
class QuantisedTensor:
    """What a tensor has become: ``values`` * 2**``exponent``, of the same shape."""

    values: NDArray[np.int8]
    exponent: int
    clipped: int
    """Weights that did not fit."""


def quantised_tensor(weights: NDArray[np.float32], rule: Quantisation) -> QuantisedTensor:
    """Weights of any shape as int8 values, rounded to the nearest, halves to the even one.

    A weight w fits where |w| / 2**exponent is at most 127 after rounding; zeros alone have the
    exponent 0.

    Raises:
        UserError: for a weight that is not a finite number.
    """
    exact = weights.astype(np.float64)
    magnitudes = np.sort(np.abs(exact), axis=None)
    if not np.isfinite(magnitudes).all():
        raise UserError("weights are not finite, training diverged: take smaller learning rates")
    largest = float(magnitudes[_enough(rule.share, magnitudes.size) - 1])
    exponent = 0
    if largest > 0:
        exponent = math.floor(math.log2(largest / LARGEST))
        if round(largest / 2.0**exponent) > LARGEST:
            exponent += 1
    rounded = np.rint(exact / 2.0**exponent)
    values = np.clip(rounded, -LARGEST, LARGEST).astype(np.int8)
    return QuantisedTensor(values, exponent, int(np.count_nonzero(np.abs(rounded) > LARGEST)))


def quantised_model(
    network: Network, weights: Mapping[int, NDArray[np.float32]], rule: Quantisation
) -> tuple[Model, dict[int, int]]:
    """The network with its weights by layer index as int8, and how many of each were clipped.

    Raises:
        UserError: as ``quantised_tensor`` does.
    """
    tensors = {index: quantised_tensor(weights[index], rule) for index in network.weighted}
    model = Model(
        network,
        {index: tensor.values for index, tensor in tensors.items()},
        {index: tensor.exponent for index, tensor in tensors.items()},
    )
    return model, {index: tensor.clipped for index, tensor in tensors.items()}


def smallest_for(share: float, values: NDArray[np.int64]) -> int:
    """The smallest of ``values`` (N,) that at least ``share`` of them do not exceed."""
    return int(np.sort(values)[_enough(share, values.size) - 1])


def _enough(share: float, count: int) -> int:
    """How many of ``count`` make ``share`` of them: 1 at least."""
    return max(1, math.ceil(share * count))
