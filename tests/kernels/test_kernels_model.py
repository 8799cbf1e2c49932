"""priot.kernels.model: first weights and scores, the choice of scored edges, the state hash."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_strategies import SEEDS
from numpy.typing import NDArray
from random_networks import networks

from priot.kernels.methods import METHODS, SELECTIONS, method
from priot.kernels.model import Model, initial_model, with_scores
from priot.kernels.network import Network
from priot.kernels.operations import Conv2d, Dense, MaxPool2d, ReLU
from priot.kernels.scores import UNSCORED

NETWORK = Network(
    "small", (2, 10, 10), (Conv2d(6), ReLU(), MaxPool2d(), Dense(20), ReLU(), Dense(5))
)


def assert_equal_models(left: Model, right: Model) -> None:
    assert left.network == right.network
    assert left.exponents == right.exponents
    for name in ("weights", "scores", "scored"):
        tensors, others = getattr(left, name), getattr(right, name)
        assert tensors.keys() == others.keys()
        for index in tensors:
            np.testing.assert_array_equal(tensors[index], others[index])


def random_gradients(network: Network, seed: int) -> dict[int, NDArray[np.int64]]:
    """Magnitudes of which many are equal."""
    generator = np.random.default_rng(seed)
    return {i: generator.integers(0, 9, network.weight_shape_of(i)) for i in network.weighted}


@settings(max_examples=40)
@given(networks(), SEEDS)
def test_first_weights_lie_within_glorots_bound_and_use_six_bits(
    network: Network, seed: int
) -> None:
    model = initial_model(network, seed)
    assert tuple(model.weights) == tuple(model.exponents) == network.weighted
    for index, weights in model.weights.items():
        assert weights.shape == network.weight_shape_of(index)
        assert weights.dtype == np.int8
        fan_out, fan_in = weights.shape[0], weights.shape[1]
        window = math.prod(weights.shape[2:])
        bound = math.sqrt(6 / ((fan_in + fan_out) * window))
        scale = 2.0 ** model.exponents[index]
        assert np.abs(weights.astype(int)).max() <= min(127, bound / scale)
        assert 63 <= bound / scale < 128


def test_first_weights_are_uniform() -> None:
    weights = initial_model(Network("wide", (1, 1, 400), (Dense(200),)), 3).weights[0].astype(int)
    largest = np.abs(weights).max()
    counts = np.bincount((weights + largest).reshape(-1), minlength=2 * largest + 1)
    expected = weights.size / counts.size
    assert np.all(np.abs(counts - expected) < 6 * math.sqrt(expected))


def test_first_weights_follow_from_the_seed() -> None:
    assert_equal_models(initial_model(NETWORK, 7), initial_model(NETWORK, 7))
    assert initial_model(NETWORK, 7).state_hash() != initial_model(NETWORK, 8).state_hash()


@pytest.mark.parametrize("name", ["niti-dynamic", "niti-static"])
def test_niti_starts_from_a_copy_of_the_backbone(name: str) -> None:
    backbone = initial_model(NETWORK, 1)
    model = with_scores(backbone, method(name), 2)
    assert_equal_models(model, backbone)
    assert model.trained is model.weights
    model.weights[0][...] = 0
    assert backbone.weights[0].any()


@settings(max_examples=60)
@given(networks(), SEEDS, st.sampled_from(SELECTIONS), st.floats(0.001, 1))
def test_the_scored_share_of_every_layer_is_exact(
    network: Network, seed: int, selection: str, fraction: float
) -> None:
    chosen = method("priot-s", scored_fraction=fraction, selection=selection)
    backbone = initial_model(network, seed)
    model = with_scores(backbone, chosen, seed, random_gradients(network, seed))
    assert tuple(model.scores) == tuple(model.scored) == network.weighted
    for index in network.weighted:
        weights, scores, scored = model.weights[index], model.scores[index], model.scored[index]
        assert scores.shape == scored.shape == weights.shape
        assert (scores.dtype, scored.dtype) == (np.int8, np.bool_)
        assert scored.sum() == max(1, round(fraction * weights.size))
        assert np.all(scores[~scored] == UNSCORED)
        assert scores.min() >= -127
        np.testing.assert_array_equal(weights, backbone.weights[index])


@pytest.mark.parametrize("fraction", [0.01, 0.1, 0.37, 0.9])
def test_magnitude_scores_the_largest_weights(fraction: float) -> None:
    chosen = method("priot-s", scored_fraction=fraction, selection="magnitude")
    model = with_scores(initial_model(NETWORK, 4), chosen, 1)
    for index, scored in model.scored.items():
        magnitudes = np.abs(model.weights[index].astype(int))
        assert magnitudes[scored].min() >= magnitudes[~scored].max()


@settings(max_examples=60)
@given(networks(), SEEDS, st.floats(0.001, 1))
def test_gradient_scores_the_edges_with_the_largest_and_of_equals_the_first(
    network: Network, seed: int, fraction: float
) -> None:
    chosen = method("priot-s", scored_fraction=fraction, selection="gradient")
    gradients = random_gradients(network, seed)
    model = with_scores(initial_model(network, seed), chosen, seed, gradients)
    for index, scored in model.scored.items():
        order = sorted(enumerate(gradients[index].flat), key=lambda edge: (-edge[1], edge[0]))
        count = max(1, round(fraction * scored.size))
        assert set(np.flatnonzero(scored)) == {place for place, _ in order[:count]}


def test_first_scores_are_those_of_magnitude() -> None:
    backbone, gradients = initial_model(NETWORK, 4), random_gradients(NETWORK, 1)
    by_gradient, by_magnitude = (
        with_scores(
            backbone, method("priot-s", scored_fraction=0.5, selection=selection), 7, gradients
        )
        for selection in ("gradient", "magnitude")
    )
    for index in NETWORK.weighted:
        both = by_gradient.scored[index] & by_magnitude.scored[index]
        assert 0 < both.sum() < by_gradient.scored[index].sum()
        np.testing.assert_array_equal(
            by_gradient.scores[index][both], by_magnitude.scores[index][both]
        )


def test_gradient_without_gradients_is_refused() -> None:
    chosen = method("priot-s", selection="gradient")
    with pytest.raises(ValueError, match=r"PRIOT-S 10 % gradient: .* with gradient_magnitudes\(\)"):
        with_scores(initial_model(NETWORK, 4), chosen, 1)


def test_magnitude_does_not_depend_on_the_seed() -> None:
    chosen = method("priot-s", scored_fraction=0.3, selection="magnitude")
    backbone = initial_model(NETWORK, 4)
    first, second = with_scores(backbone, chosen, 1), with_scores(backbone, chosen, 2)
    for index in NETWORK.weighted:
        np.testing.assert_array_equal(first.scored[index], second.scored[index])


def test_random_edges_and_scores_follow_from_the_seed() -> None:
    backbone, chosen = initial_model(NETWORK, 4), method("priot-s", scored_fraction=0.3)
    first, again, other = (with_scores(backbone, chosen, seed) for seed in (1, 1, 2))
    assert_equal_models(first, again)
    for index in NETWORK.weighted:
        assert not np.array_equal(first.scored[index], other.scored[index])


def test_random_edges_are_spread_over_the_layer() -> None:
    backbone = initial_model(Network("wide", (1, 1, 1000), (Dense(100),)), 0)
    scored = with_scores(backbone, method("priot-s", scored_fraction=0.2), 5).scored[0]
    # 20,000 of 100,000 edges: 2,000 a tenth, with a deviation below 45.
    tenths = scored.reshape(10, -1).sum(axis=1)
    assert np.all(np.abs(tenths - 2000) < 250)


def test_priot_scores_every_edge_and_leaves_the_weights() -> None:
    backbone = initial_model(NETWORK, 4)
    before = backbone.state_hash()
    model = with_scores(backbone, method("priot"), 1)
    assert model.trained is model.scores
    assert all(scored.all() for scored in model.scored.values())
    assert backbone.state_hash() == before
    assert not backbone.scores


@pytest.mark.parametrize("spread", [0, 1, 32, 127])
def test_first_scores_have_the_spread_that_was_asked_for(spread: int) -> None:
    backbone = initial_model(Network("wide", (1, 1, 1000), (Dense(20),)), 0)
    scores = with_scores(backbone, method("priot", score_spread=spread), 9).scores[0].astype(float)
    assert abs(scores.mean()) < max(0.05 * spread, 0.01)
    assert np.abs(scores).max() <= 127
    if spread <= 32:  # wider ones are clipped
        assert scores.std() == pytest.approx(math.hypot(spread, 0.29) if spread else 0, rel=0.03)


@pytest.mark.parametrize("name", METHODS)
def test_the_state_hash_sees_every_byte_that_can_be_trained(name: str) -> None:
    network = Network("tiny", (1, 3, 3), (Conv2d(2, 2, 0), Dense(2)))
    model = with_scores(initial_model(network, 1), method(name), 1)
    before = model.state_hash()
    for tensor in (*model.weights.values(), *model.scores.values()):
        flat = tensor.reshape(-1)
        for place in range(flat.size):
            flat[place] ^= 1
            assert model.state_hash() != before
            flat[place] ^= 1
    assert model.state_hash() == before
    assert model.copy().state_hash() == before


@pytest.mark.parametrize("name", METHODS)
def test_a_copy_shares_nothing(name: str) -> None:
    model = with_scores(initial_model(NETWORK, 1), method(name), 1)
    copy = model.copy()
    assert_equal_models(copy, model)
    for kind in ("weights", "scores", "scored"):
        for index, tensor in getattr(model, kind).items():
            assert not np.shares_memory(tensor, getattr(copy, kind)[index])
    copy.exponents[0] += 1
    assert model.exponents != copy.exponents
