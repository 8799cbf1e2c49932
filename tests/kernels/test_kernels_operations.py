"""priot.kernels.operations: the registry, and what each operation tells of itself."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import find, given, settings
from kernel_strategies import SEEDS, int8s
from random_networks import networks

from priot.kernels.network import Network
from priot.kernels.operations import OPERATIONS, Operation, Weighted, Weightless
from priot.kernels.reference.integers import ints
from priot.kernels.workspace import LAYER


def test_kinds_and_names_are_each_operation_s_own() -> None:
    assert len({operation.kind for operation in OPERATIONS}) == len(OPERATIONS)
    assert len({operation.name for operation in OPERATIONS}) == len(OPERATIONS)
    assert min(operation.kind for operation in OPERATIONS) > 0, "0 is memory that nobody filled"


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_random_networks_that_engines_are_compared_on_have_every_operation(
    operation: type[Operation],
) -> None:
    find(networks(), lambda network: any(isinstance(layer, operation) for layer in network.layers))


@settings(max_examples=200)
@given(networks(), SEEDS)
def test_an_operation_in_place_has_no_error_where_it_changes_a_value(
    network: Network, seed: int
) -> None:
    """A pooling before it would look for its largest value, and not find it."""
    generator = np.random.default_rng(seed)
    for index, layer in enumerate(network.layers):
        if isinstance(layer, Weightless) and layer.in_place:
            assert not layer.backward_reads_inputs
            inputs = ints(int8s(generator, network.input_shape_of(index)))
            outputs = layer.forward(inputs)
            error = layer.backward(inputs, outputs, ints(int8s(generator, inputs.shape)))
            assert not error[inputs != outputs].any()


@settings(max_examples=40)
@given(networks(), SEEDS)
def test_shapes_bounds_and_windows_are_those_of_the_specification(
    network: Network, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    for index, layer in enumerate(network.layers):
        shape, output = network.input_shape_of(index), network.output_shape_of(index)
        assert set(layer.words) <= set(LAYER.names or ())
        inputs = ints(int8s(generator, shape))
        error = ints(int8s(generator, output))
        if isinstance(layer, Weightless):
            outputs = layer.forward(inputs)
            assert outputs.shape == output
            assert layer.backward(inputs, outputs, error).shape == shape
            continue
        assert isinstance(layer, Weighted)
        weights = ints(int8s(generator, network.weight_shape_of(index)))
        sums, gradient = layer.forward(weights, inputs), layer.weight_gradient(inputs, error)
        assert sums.shape == output
        assert layer.input_error(weights, error).size == math.prod(shape)
        assert gradient.shape == weights.shape
        window = layer.window(shape)
        assert len(weights) * window.terms == weights.size
        assert math.prod(window.output) == math.prod(output)
        largest = max(abs(value) for value in [*sums.flat, *(gradient * weights).flat])
        assert largest <= network.largest_sum_of(index)
