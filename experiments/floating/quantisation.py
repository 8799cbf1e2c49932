"""Post-training quantisation: float weights as int8, with one power of two for each tensor."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.errors import UserError
from kernels.model import Model
from kernels.network import Network

LARGEST = 127
"""Weights are symmetric about zero, as NITI has them."""
PERCENTILE_SHARE = 0.99


class Quantisation(Enum):
    """How the power of two of a tensor is chosen."""

    MIN_MAX = "min-max"
    """The smallest with which all weights fit."""
    PERCENTILE = "percentile"
    """The smallest with which a share of the weights fits; the others are clipped."""


@dataclass(frozen=True)
class Quantised:
    """A tensor as int8 values of exponent ``exponent``."""

    values: NDArray[np.int8]
    exponent: int
    clipped: int
    """Weights that did not fit."""


def quantise(weights: NDArray[np.floating[Any]], share: float = 1.0) -> Quantised:
    """The tensor with the smallest exponent with which at least ``share`` of the weights fit.

    A weight w fits when round(|w| / 2**exponent) <= 127; halves are rounded to even. A tensor of
    zeros has exponent 0.

    Raises:
        UserError: for a weight that is not finite.
    """
    magnitudes = np.sort(np.abs(weights.astype(np.float64)), axis=None)
    if not np.isfinite(magnitudes[-1]):
        raise UserError("a weight is not finite: training diverged; lower the learning rates")
    decisive = float(magnitudes[max(1, math.ceil(share * magnitudes.size)) - 1])
    exponent = 0
    if decisive > 0:
        exponent = math.floor(math.log2(decisive / LARGEST))
        while round(decisive / 2.0**exponent) > LARGEST:
            exponent += 1
    rounded = np.rint(weights.astype(np.float64) / 2.0**exponent)
    values = np.clip(rounded, -LARGEST, LARGEST).astype(np.int8)
    return Quantised(values, exponent, int(np.count_nonzero(np.abs(rounded) > LARGEST)))


def quantised_model(
    network: Network, weights: Mapping[int, NDArray[np.floating[Any]]], share: float
) -> tuple[Model, dict[int, int]]:
    """The network with weights by layer index as int8, and how many of each layer were clipped.

    Raises:
        UserError: as ``quantise`` does.
    """
    tensors = {index: quantise(weights[index], share) for index in network.weighted}
    model = Model(
        network,
        {index: tensor.values for index, tensor in tensors.items()},
        {index: tensor.exponent for index, tensor in tensors.items()},
    )
    return model, {index: tensor.clipped for index, tensor in tensors.items()}
