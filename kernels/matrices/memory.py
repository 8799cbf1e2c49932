"""Memory that is used again and again, in whatever shape is needed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Memory:
    """An array of one dtype that is shaped anew for each use, and grows when it has to."""

    def __init__(self, dtype: type[np.generic]) -> None:
        self._flat: NDArray[Any] = np.empty(0, dtype)

    def shaped(self, *shape: int) -> NDArray[Any]:
        """An array of this shape with any content; what was shaped before is lost."""
        size = math.prod(shape)
        if self._flat.size < size:
            self._flat = np.empty(size, self._flat.dtype)
        return self._flat[:size].reshape(shape)
