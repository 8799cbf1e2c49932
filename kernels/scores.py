"""Edge-popup with a fixed threshold: an edge is kept while its score reaches it (PRIOT).

An edge without a score (PRIOT-S) is always kept. Here it holds the largest score and is never
updated, so that one rule serves both methods. A second threshold, from which an edge counts twice,
makes edges ternary.
"""

import numpy as np
from numpy.typing import NDArray

from priot.kernels.jit import kernel
from priot.kernels.methods import NEVER_DOUBLED
from priot.kernels.round_shift import clip, round_shift

UNSCORED = 127


@kernel("void(int8[::1], int8[::1], int64, int64, int8[::1])")
def prune(
    weights: NDArray[np.int8],
    scores: NDArray[np.int8],
    threshold: int,
    double_threshold: int,
    kept: NDArray[np.int8],
) -> None:
    """kept = weights where the score reaches ``threshold``, else 0; all flat, of one length.

    Where it reaches ``double_threshold``, which is the larger one, kept = clip(2 * weights).
    """
    limit = np.int8(threshold)
    for index in range(weights.size):
        kept[index] = weights[index] if scores[index] >= limit else np.int8(0)
    if double_threshold < NEVER_DOUBLED:
        limit = np.int8(double_threshold)
        for index in range(weights.size):
            if scores[index] >= limit:
                kept[index] = clip(2 * np.int32(weights[index]))


@kernel("void(int32[::1], int8[::1], boolean[::1])")
def score_gradient(
    gradient: NDArray[np.int32], weights: NDArray[np.int8], scored: NDArray[np.bool_]
) -> None:
    """Turn a weight gradient into the score gradient, in place: times the weight, 0 if unscored.

    A threshold passes the gradient straight through (Ramanujan et al. 2020, section 3): the weight
    is that of the backbone, however often the edge counts.
    """
    for index in range(gradient.size):
        gradient[index] = gradient[index] * np.int32(weights[index]) if scored[index] else 0


@kernel("void(int8[::1], int32[::1], int64, int64)")
def descend(
    values: NDArray[np.int8], gradient: NDArray[np.int32], shift: int, rounding: int
) -> None:
    """values = clip(values - g) with g = clip(round(gradient / 2**shift)); weights or scores."""
    for index in range(values.size):
        step = clip(round_shift(gradient[index], shift, rounding))
        values[index] = clip(np.int32(values[index] - step))
