"""Random tensors that the tests of the kernels draw from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.typing import NDArray

from priot.kernels.matrices.float_products import FloatProducts
from priot.kernels.matrices.products import is_exact
from priot.kernels.network import Network

try:
    from priot.kernels.matrices.int8_products import Int8Products
except ImportError:
    Int8Products = None  # type: ignore[assignment, misc]

PRODUCTS = [
    FloatProducts,
    pytest.param(
        Int8Products,
        id="Int8Products",
        marks=pytest.mark.skipif(
            Int8Products is None or not is_exact(Int8Products()),
            reason="PyTorch is not installed, or its products are not exact on this processor",
        ),
    ),
]
"""Of priot.kernels.matrices.products.Products, as parameters of a test."""
SEEDS = st.integers(0, 2**32 - 1)


def int8s(generator: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.int8]:
    """Values -127..127; a fifth of them zero and a fifth of them extreme."""
    values = generator.integers(-127, 127, shape, np.int8, endpoint=True)
    kind = generator.integers(0, 5, shape)
    values[kind == 0] = 0
    values[kind == 1] = np.where(values[kind == 1] < 0, -127, 127)
    return values


def image_for(network: Network, generator: np.random.Generator) -> NDArray[np.int8]:
    """Pixels 0..127, as datasets give them."""
    return generator.integers(0, 127, network.input_shape, np.int8, endpoint=True)
