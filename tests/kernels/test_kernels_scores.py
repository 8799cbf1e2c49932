"""priot.kernels.scores: edges by threshold, straight-through gradients, clipped updates."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernel_strategies import SEEDS, int8s
from numpy.typing import NDArray

from priot.kernels.methods import NEVER_DOUBLED
from priot.kernels.reference.rounding import clipped, rounded
from priot.kernels.rounding import Rounding
from priot.kernels.scores import UNSCORED, descend, prune, score_gradient

COUNTS = st.integers(1, 60)


def pruned(
    weights: NDArray[np.int8],
    scores: NDArray[np.int8],
    threshold: int,
    double_threshold: int = NEVER_DOUBLED,
) -> NDArray[np.int8]:
    kept = np.full(weights.size, 99, np.int8)
    prune(weights, scores, threshold, double_threshold, kept)
    return kept


@given(SEEDS, COUNTS, st.integers(-127, 127))
def test_prune_keeps_edges_whose_score_reaches_the_threshold(
    seed: int, count: int, threshold: int
) -> None:
    generator = np.random.default_rng(seed)
    weights, scores = int8s(generator, (count,)), int8s(generator, (count,))
    pairs = zip(weights.tolist(), scores.tolist(), strict=True)
    expected = [weight if score >= threshold else 0 for weight, score in pairs]
    assert pruned(weights, scores, threshold).tolist() == expected


@pytest.mark.parametrize("threshold", [-127, -64, 0, 126, 127])
def test_the_threshold_itself_is_kept_and_one_below_is_pruned(threshold: int) -> None:
    weights = np.array([5, 5], np.int8)
    scores = np.array([threshold, threshold - 1], np.int8)
    assert pruned(weights, scores, threshold).tolist() == [5, 0]


def test_an_edge_without_a_score_is_kept_at_every_threshold() -> None:
    weight, score = np.array([-7], np.int8), np.array([UNSCORED], np.int8)
    for threshold in range(-127, 128):
        assert pruned(weight, score, threshold).tolist() == [-7]


@given(SEEDS, COUNTS, st.integers(-127, 126), st.data())
def test_edges_count_0_1_or_2_times_by_their_score(
    seed: int, count: int, threshold: int, data: st.DataObject
) -> None:
    double = data.draw(st.integers(threshold + 1, 127), label="double threshold")
    generator = np.random.default_rng(seed)
    weights, scores = int8s(generator, (count,)), int8s(generator, (count,))
    pairs = zip(weights.tolist(), scores.tolist(), strict=True)
    expected = [clipped(weight * ((s >= threshold) + (s >= double))) for weight, s in pairs]
    assert pruned(weights, scores, threshold, double).tolist() == expected


def test_twice_a_weight_beyond_63_is_limited() -> None:
    weights = np.array([-127, -64, -63, -1, 0, 1, 63, 64, 127], np.int8)
    doubled = pruned(weights, np.full(weights.size, 5, np.int8), -64, 5)
    assert doubled.tolist() == [-127, -127, -126, -2, 0, 2, 126, 127, 127]


@pytest.mark.parametrize("double", [-126, 0, 64, 127])
def test_the_double_threshold_itself_counts_twice_and_one_below_once(double: int) -> None:
    weights, scores = np.array([-6, -6], np.int8), np.array([double, double - 1], np.int8)
    assert pruned(weights, scores, -127, double).tolist() == [-12, -6]


@given(SEEDS, COUNTS)
def test_the_score_gradient_is_the_weight_gradient_times_the_weight(seed: int, count: int) -> None:
    generator = np.random.default_rng(seed)
    weights, scored = int8s(generator, (count,)), generator.random(count) < 0.7
    largest = (2**31 - 1) // 127
    gradient = generator.integers(-largest, largest, count, np.int32, endpoint=True)
    rows = zip(gradient.tolist(), weights.tolist(), scored.tolist(), strict=True)
    expected = [g * w if has_score else 0 for g, w, has_score in rows]
    score_gradient(gradient, weights, scored)
    assert gradient.tolist() == expected


def test_a_pruned_edge_still_has_a_gradient() -> None:
    # The gradient passes straight through the threshold: it never sees the scores.
    gradient = np.array([3, 3], np.int32)
    score_gradient(gradient, np.array([10, -10], np.int8), np.array([True, True]))
    assert gradient.tolist() == [30, -30]


@given(SEEDS, COUNTS, st.integers(0, 31), st.sampled_from(Rounding))
def test_descend_subtracts_the_rounded_step_and_clips(
    seed: int, count: int, shift: int, rounding: Rounding
) -> None:
    generator = np.random.default_rng(seed)
    values = int8s(generator, (count,))
    largest = min(2**31 - 1, 2 ** (shift + 8))
    gradient = generator.integers(-largest, largest, count, np.int32, endpoint=True)
    pairs = zip(values.tolist(), gradient.tolist(), strict=True)
    expected = [clipped(value - clipped(rounded(g, shift, rounding))) for value, g in pairs]
    descend(values, gradient, shift, rounding)
    assert values.tolist() == expected


def test_descend_stops_at_the_ends_of_the_range() -> None:
    values = np.array([-127, -120, 120, 127, 0], np.int8)
    gradient = np.array([1, 127, -127, -1, 2**31 - 1], np.int32)
    descend(values, gradient, 0, Rounding.NEAREST)
    assert values.tolist() == [-127, -127, 127, 127, -127]


@given(SEEDS, COUNTS, st.integers(0, 31), st.sampled_from(Rounding))
def test_edges_without_a_score_are_never_updated(
    seed: int, count: int, shift: int, rounding: Rounding
) -> None:
    generator = np.random.default_rng(seed)
    scored = generator.random(count) < 0.5
    scores = np.where(scored, int8s(generator, (count,)), np.int8(UNSCORED))
    gradient = generator.integers(-(2**24), 2**24, count, np.int32)
    score_gradient(gradient, int8s(generator, (count,)), scored)
    descend(scores, gradient, shift, rounding)
    assert np.all(scores[~scored] == UNSCORED)
