"""How a backbone's weights lie in int8, and the same backbone with finer or coarser steps."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from priot.kernels.model import Model

LIMIT = 127


def room(weights: NDArray[np.int8]) -> float:
    """Bits by which training can let a layer's weights grow: log2(127 / mean magnitude).

    Each weight is clipped to +-127, so that no layer's sums can grow by more.
    """
    return math.log2(LIMIT / float(np.abs(weights.astype(np.int16)).mean()))


def describe(model: Model) -> list[Mapping[str, Any]]:
    """One row for each layer with weights."""
    rows: list[Mapping[str, Any]] = []
    for index in model.network.weighted:
        weights = model.weights[index].astype(np.int16)
        rows.append(
            {
                "layer": model.network.name_of(index),
                "exponent": model.exponents[index],
                "mean_magnitude": round(float(np.abs(weights).mean()), 2),
                "largest": int(np.abs(weights).max()),
                "at_limit_share": round(100 * float((np.abs(weights) == LIMIT).mean()), 2),
                "zero_share": round(100 * float((weights == 0).mean()), 2),
                "room_bits": round(room(model.weights[index]), 3),
            }
        )
    return rows


def with_steps(model: Model, bits: int, layers: Collection[int]) -> Model:
    """The model with the weights of ``layers`` in steps of 2**bits times the size.

    Coarser steps (bits above 0) round to the nearest and leave more room to grow; finer ones are
    exact, but for weights that they clip at +-127. What the network computes hardly changes.
    """
    changed = model.copy()
    for index in layers:
        scaled = np.rint(changed.weights[index] / 2.0**bits)
        changed.weights[index] = np.clip(scaled, -LIMIT, LIMIT).astype(np.int8)
        changed.exponents[index] += bits
    return changed
