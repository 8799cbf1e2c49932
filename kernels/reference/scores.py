"""Edges that count by their scores, and the update of weights or scores.

Twins: firmware_elf/trainer/scores.c, scores.h and ternary.h.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from priot.kernels.methods import Method
from priot.kernels.reference.integers import Ints, each, zeros
from priot.kernels.reference.rounding import clipped, requantised
from priot.kernels.rounding import Rounding


def kept(weights: Ints, scores: Ints, scored: NDArray[np.bool_], method: Method) -> Ints:
    """Weights of any shape, as often as their edges count: 0, 1 or 2 times.

    An edge without a score counts once.
    """
    counted = zeros(*weights.shape)
    for edge in np.ndindex(weights.shape):
        if not scored[edge]:
            counted[edge] = weights[edge]
        elif method.double_threshold is not None and scores[edge] >= method.double_threshold:
            counted[edge] = clipped(2 * int(weights[edge]))
        elif scores[edge] >= method.threshold:
            counted[edge] = weights[edge]
    return counted


def score_gradient(gradient: Ints, weights: Ints, scored: NDArray[np.bool_]) -> Ints:
    """Of the weights' gradient: times the backbone's weight, straight through every threshold."""
    of_scores = zeros(*weights.shape)
    for edge in np.ndindex(weights.shape):
        if scored[edge]:
            of_scores[edge] = gradient[edge] * weights[edge]
    return of_scores


def descend(values: Ints, gradient: Ints, shift: int, rounding: Rounding) -> Ints:
    """Weights or scores after their update."""
    return each(clipped, values - requantised(gradient, shift, rounding))
