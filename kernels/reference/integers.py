"""Arrays whose elements are Python's integers, which have no width."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Ints = NDArray[Any]


def ints(values: ArrayLike) -> Ints:
    """A copy whose elements are Python's integers."""
    return np.asarray(values).astype(object)


def zeros(*shape: int) -> Ints:
    """An array of zeros."""
    return np.full(shape, 0, object)


def each(function: Callable[[int], int], values: Ints) -> Ints:
    """``function`` of every element; the shape stays."""
    return np.array([function(value) for value in values.flat], object).reshape(values.shape)
