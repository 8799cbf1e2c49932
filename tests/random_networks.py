"""Random networks of every operation that there is, with any settings that suit its inputs."""

from __future__ import annotations

import math
from dataclasses import fields
from functools import cache
from itertools import product

from hypothesis import strategies as st

from priot.kernels.network import Network
from priot.kernels.operations import OPERATIONS, Dense, Operation, Shape, Weighted

LARGEST_SETTING = 9
MOST_OUTPUTS, MOST_PRODUCTS = 700, 30_000  # of a layer: a test computes hundreds of them


@cache
def choices(operation: type[Operation], inputs: Shape) -> tuple[Operation, ...]:
    """The operation with all settings 0..LARGEST_SETTING that suit such inputs, if not large."""
    settings = product(range(LARGEST_SETTING + 1), repeat=len(fields(operation)))
    layers = (operation(*values) for values in settings)
    return tuple(layer for layer in layers if layer.fault(inputs) is None and _small(layer, inputs))


def _small(layer: Operation, inputs: Shape) -> bool:
    outputs = layer.output_shape(inputs)
    if not 1 <= min(outputs) <= math.prod(outputs) <= MOST_OUTPUTS:
        return False
    if not isinstance(layer, Weighted):
        return True
    window = layer.window(inputs)
    return window.terms * math.prod(window.output) <= MOST_PRODUCTS


@st.composite
def layers_on(draw: st.DrawFn, inputs: Shape, axes: int, most: int) -> list[Operation]:
    """Up to ``most`` layers with outputs of 3 ``axes`` (planes), or of 1 (features)."""
    layers: list[Operation] = []
    for _ in range(draw(st.integers(0, most))):
        possible = [(o, _choices_with(o, inputs, axes)) for o in OPERATIONS]
        _, fitting = draw(st.sampled_from([entry for entry in possible if entry[1]]))
        layers.append(draw(st.sampled_from(fitting)))
        inputs = layers[-1].output_shape(inputs)
    return layers


def _choices_with(operation: type[Operation], inputs: Shape, axes: int) -> list[Operation]:
    layers = choices(operation, inputs)
    return [layer for layer in layers if len(layer.output_shape(inputs)) == axes]


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Planes of up to 9 x 9 through up to five layers, then up to four without planes."""
    shape = draw(st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9)))
    layers = draw(layers_on(shape, 3, 5))
    inputs: Shape = shape
    for layer in layers:
        inputs = layer.output_shape(inputs)
    layers += draw(layers_on(inputs, 1, 4))
    return Network(draw(st.text(max_size=8)), shape, (*layers, Dense(draw(st.integers(2, 12)))))
