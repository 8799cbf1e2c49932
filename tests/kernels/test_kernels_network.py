"""priot.kernels.network: shapes, descriptions in JSON, and networks that are refused."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from random_networks import networks

from priot.kernels.errors import KernelError
from priot.kernels.methods import method
from priot.kernels.model import initial_model
from priot.kernels.network import Network, NetworkError
from priot.kernels.operations import Conv2d, Dense, MaxPool2d, Operation, ReLU
from priot.kernels.trainer import Trainer

LENET = Network(
    "lenet",
    (1, 28, 28),
    (
        Conv2d(20, kernel=5, padding=0),
        MaxPool2d(),
        Conv2d(50, kernel=5, padding=0),
        MaxPool2d(),
        Dense(500),
        ReLU(),
        Dense(10),
    ),
)


def test_the_shapes_of_lenet() -> None:
    outputs = [LENET.output_shape_of(index) for index in range(-1, 7)]
    assert outputs == [
        (1, 28, 28),
        (20, 24, 24),
        (20, 12, 12),
        (50, 8, 8),
        (50, 4, 4),
        (500,),
        (500,),
        (10,),
    ]
    assert LENET.weighted == (0, 2, 4, 6)
    weights = [LENET.weight_shape_of(index) for index in range(7)]
    assert weights == [(20, 1, 5, 5), (), (50, 20, 5, 5), (), (500, 800), (), (10, 500)]
    assert LENET.classes == 10


def test_layers_are_numbered_by_kind() -> None:
    names = [LENET.name_of(index) for index in range(7)]
    assert names == [
        "conv2d 1",
        "max_pool2d 1",
        "conv2d 2",
        "max_pool2d 2",
        "dense 1",
        "relu 1",
        "dense 2",
    ]


def test_rows_and_columns_left_over_by_pooling_are_cut() -> None:
    network = Network("odd", (2, 7, 5), (MaxPool2d(3), Dense(2)))
    assert network.output_shape_of(0) == (2, 2, 1)


@given(networks())
def test_json_describes_a_network_completely(network: Network) -> None:
    text = json.dumps(network.to_json())
    assert Network.from_json(json.loads(text)) == network


@settings(max_examples=30)
@given(networks())
def test_shapes_are_consistent_and_sums_are_bounded(network: Network) -> None:
    for index in range(len(network.layers)):
        assert network.input_shape_of(index) == network.output_shape_of(index - 1)
        assert (network.weight_shape_of(index) != ()) == (index in network.weighted)
    assert network.output_shape_of(len(network.layers) - 1) == (network.classes,)


@settings(max_examples=30)
@given(networks())
def test_no_sum_exceeds_its_bound(network: Network) -> None:
    # All weights and pixels at their largest, all logits wrong: nothing can be larger.
    model = initial_model(network, 0)
    for weights in model.weights.values():
        weights[...] = 127
    trainer = Trainer(model, method("niti-dynamic"), None)
    trainer.step(np.full(network.input_shape, 127, np.int8), 0)
    for index in network.weighted:
        used, bound = trainer.used[index], network.largest_sum_of(index)
        assert 127 * int(np.abs(trainer.gradients[index]).max()) <= bound
        assert used.forward <= max(0, bound.bit_length() - 7)
        assert used.backward <= max(0, bound.bit_length() - 7)


def network_of(*layers: Operation, shape: tuple[int, ...] = (1, 8, 8)) -> Network:
    return Network("net", shape, layers)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ((Conv2d(0), Dense(2)), r"layer 0 \(conv2d 1\)"),
        ((Conv2d(2, kernel=3, padding=3), Dense(2)), r"layer 0 \(conv2d 1\).* 0\.\.2"),
        ((Conv2d(2, kernel=3, padding=-1), Dense(2)), r"layer 0 \(conv2d 1\).* 0\.\.2"),
        ((Conv2d(2, kernel=0, padding=0), Dense(2)), r"layer 0 \(conv2d 1\)"),
        ((Conv2d(2, kernel=9, padding=0), Dense(2)), r"layer 0 \(conv2d 1\).*\(2, 0, 0\)"),
        ((ReLU(), MaxPool2d(9), Dense(2)), r"layer 1 \(max_pool2d 1\)"),
        ((ReLU(), MaxPool2d(-2), Dense(2)), r"layer 1 \(max_pool2d 1\)"),
        ((Dense(4), Conv2d(2), Dense(2)), r"layer 1 \(conv2d 1\).*\(4,\)"),
        ((Dense(4), ReLU(), MaxPool2d(2), Dense(2)), r"layer 2 \(max_pool2d 1\).*\(4,\)"),
        ((Dense(0), Dense(2)), r"layer 0 \(dense 1\)"),
    ],
)
def test_a_layer_that_does_not_fit_is_named(layers: tuple[Operation, ...], message: str) -> None:
    with pytest.raises(NetworkError, match=f"net, {message}"):
        network_of(*layers)


def test_a_pooling_window_of_zero_is_refused() -> None:
    with pytest.raises(NetworkError, match=r"layer 0 \(max_pool2d 1\)"):
        network_of(MaxPool2d(0), Dense(2))


@pytest.mark.parametrize("layers", [(), (Conv2d(2),), (Dense(2), ReLU())])
def test_the_last_layer_must_be_dense(layers: tuple[Operation, ...]) -> None:
    with pytest.raises(NetworkError, match="net: the last layer must be dense"):
        network_of(*layers)


@pytest.mark.parametrize("classes", [-1, 0, 1])
def test_fewer_than_two_classes_are_refused(classes: int) -> None:
    with pytest.raises(NetworkError, match="leave nothing to learn"):
        network_of(Dense(classes))


@pytest.mark.parametrize("shape", [(), (8,), (8, 8), (1, 1, 8, 8), (0, 8, 8), (1, -1, 8)])
def test_an_input_that_is_no_image_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(NetworkError, match=r"net: input shape .* is not \(C, H, W\)"):
        network_of(Dense(2), shape=shape)


@pytest.mark.parametrize("shape", [[], [8, 8], [1, 1, 8, 8]])
def test_a_description_with_an_input_that_is_no_image_is_refused(shape: list[int]) -> None:
    description = {
        "name": "net",
        "input_shape": shape,
        "layers": [{"kind": "dense", "features": 2}],
    }
    with pytest.raises(NetworkError):
        Network.from_json(description)


@pytest.mark.parametrize(
    "change",
    [
        {"layers": None},
        {"layers": [{"kind": "attention"}]},
        {"layers": [{"features": 2}]},
        {"layers": [{"kind": "dense"}]},
        {"layers": [{"kind": "dense", "features": 2, "bias": True}]},
        {"layers": [{"kind": "dense", "features": "two"}]},
        {"layers": []},
        {"input_shape": None},
        {"input_shape": 8},
    ],
)
def test_a_bad_description_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(NetworkError):
        Network.from_json(LENET.to_json() | change)


@pytest.mark.parametrize("key", ["name", "input_shape", "layers"])
def test_a_description_that_lacks_a_key_is_refused_with_its_name(key: str) -> None:
    description = LENET.to_json()
    del description[key]
    with pytest.raises(NetworkError, match=key):
        Network.from_json(description)


def test_a_dense_sum_beyond_int32_is_refused() -> None:
    fits = (2**31 - 1) // 127**2
    assert network_of(Dense(2), shape=(1, 1, fits)).largest_sum_of(0) < 2**31
    with pytest.raises(NetworkError, match=r"layer 0 \(dense 1\): .* more than int32 holds"):
        network_of(Dense(2), shape=(1, 1, fits + 1))


def test_an_input_error_sum_beyond_int32_is_refused() -> None:
    features = (2**31 - 1) // 127**2 + 1
    with pytest.raises(NetworkError, match=r"layer 0 \(dense 1\)"):
        network_of(Dense(features), Dense(2), shape=(1, 1, 1))


def test_a_score_gradient_beyond_int32_is_refused() -> None:
    # Up to 1048 positions of weight * input * error fit.
    assert network_of(Conv2d(1, 1, 0), Dense(2), shape=(1, 32, 32))
    with pytest.raises(NetworkError, match=r"layer 0 \(conv2d 1\): .* more than int32 holds"):
        network_of(Conv2d(1, 1, 0), Dense(2), shape=(1, 33, 33))


def test_a_long_convolution_sum_beyond_int32_is_refused() -> None:
    with pytest.raises(NetworkError, match=r"layer 0 \(conv2d 1\): .* more than int32 holds"):
        network_of(Conv2d(1, 7, 3), Dense(2), shape=(2718, 2, 2))


def test_network_errors_are_kernel_errors() -> None:
    assert issubclass(NetworkError, KernelError)
