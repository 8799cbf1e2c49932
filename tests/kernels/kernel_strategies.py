"""Random tensors and networks that the tests of the kernels draw from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.typing import NDArray

from priot.kernels.matrices.float_products import FloatProducts
from priot.kernels.matrices.products import is_exact
from priot.kernels.network import Network
from priot.kernels.operations import Conv2d, Dense, MaxPool2d, Operation, ReLU

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


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Any network of small planes: convolutions, pooling and ReLU, then dense layers."""
    shape = draw(st.tuples(st.integers(1, 3), st.integers(2, 8), st.integers(2, 8)))
    height, width = shape[1:]
    layers: list[Operation] = []
    for _ in range(draw(st.integers(0, 4))):
        kind = draw(st.sampled_from((Conv2d, MaxPool2d, ReLU)))
        side = min(height, width)
        if kind is Conv2d:
            kernel = draw(st.integers(1, min(4, side)))
            padding = draw(st.integers(0, kernel - 1))
            layers.append(Conv2d(draw(st.integers(1, 3)), kernel, padding))
            height, width = (extent + 2 * padding - kernel + 1 for extent in (height, width))
        elif kind is MaxPool2d:
            size = draw(st.integers(1, min(3, side)))
            layers.append(MaxPool2d(size))
            height, width = height // size, width // size
        else:
            layers.append(ReLU())
    for _ in range(draw(st.integers(0, 1))):
        layers += [Dense(draw(st.integers(1, 6))), ReLU()]
    layers.append(Dense(draw(st.integers(2, 5))))
    return Network(draw(st.text(max_size=8)), shape, tuple(layers))
