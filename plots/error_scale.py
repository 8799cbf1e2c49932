"""An axis of accuracy on the logarithm of the error, so that 95 % and 97 % lie well apart."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

CEILING = 99.9
"""Percent. The logarithm has no 100 %: accuracies above this one are drawn at it."""

_LABELLED = (10, 30, 50, 70, 80, 90, 95, 97, 98, 99, 99.5, 99.7, 99.8, CEILING)
_STEPS = tuple(100 - digit * unit for unit in (10, 1, 0.1) for digit in range(10, 0, -1))


def set_error_scale(axes: Axes, values: Sequence[float]) -> None:
    """Let the vertical axis hold all ``values``, accuracies in percent, larger ones up.

    Equal heights are equal ratios of the error, 100 % less the accuracy. The axis ends at labelled
    accuracies, or at 0 %, which stands too close to 10 % to be labelled itself.
    """
    axes.set_yscale("function", functions=(_height, _accuracy))
    axes.set_yticks(_LABELLED, [f"{tick:g}" for tick in _LABELLED])
    axes.set_yticks(_STEPS, minor=True)
    low, high = min(values), min(max(values), CEILING)
    bottom = max((tick for tick in _LABELLED[:-1] if tick <= low), default=0)
    axes.set_ylim(bottom, min(tick for tick in _LABELLED if tick >= high and tick > bottom))


def _height(accuracy: NDArray[np.float64]) -> NDArray[np.float64]:
    height: NDArray[np.float64] = -np.log10(100 - np.minimum(accuracy, CEILING))
    return height


def _accuracy(height: NDArray[np.float64]) -> NDArray[np.float64]:
    return 100 - 10**-height
