"""In which order training visits its images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def order_of_epoch(seed: int, epoch: int, images: int) -> NDArray[np.int64]:
    """The order of ``images`` images in an epoch, counted from 1."""
    return np.random.default_rng([seed, epoch]).permutation(images)
