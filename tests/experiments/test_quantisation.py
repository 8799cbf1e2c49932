"""Post-training quantisation: one power of two for each tensor, without PyTorch."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from experiment_models import SMALL, random_images
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from priot.experiments.errors import UserError
from priot.experiments.floating.quantisation import (
    Quantisation,
    quantised_model,
    quantised_tensor,
    smallest_for,
)
from priot.experiments.floating.static_inference import static_classifier, static_shifts
from priot.kernels.methods import METHODS
from priot.kernels.model import initial_model
from priot.kernels.trainer import Trainer

RULES = st.sampled_from(Quantisation)
Weights = NDArray[np.float32]

WEIGHTS = arrays(
    np.float32,
    st.integers(1, 300),
    elements=st.floats(-1e9, 1e9, width=32),
    fill=st.floats(-1, 1, width=32),
)
NORMAL = st.builds(
    lambda seed, size, scale: np.float32(np.random.default_rng(seed).normal(0, 2.0**scale, size)),
    st.integers(0, 2**32),
    st.integers(100, 2000),
    st.floats(-12, 3),
)
"""As weights are, with some far from the others."""
TENSORS = WEIGHTS | NORMAL


def fitting(weights: Weights, exponent: int) -> int:
    """How many weights are at most 127 after exact division and rounding of halves to even."""
    return sum(round(abs(Fraction(float(w))) / Fraction(2) ** exponent) <= 127 for w in weights)


@given(TENSORS, RULES)
def test_no_smaller_power_of_two_would_do(weights: Weights, rule: Quantisation) -> None:
    tensor = quantised_tensor(weights, rule)
    wanted = rule.share * weights.size
    assert fitting(weights, tensor.exponent) >= wanted
    if np.count_nonzero(weights) > weights.size - wanted:
        assert fitting(weights, tensor.exponent - 1) < wanted


@given(TENSORS, RULES)
def test_the_error_is_half_a_step_unless_clipped(weights: Weights, rule: Quantisation) -> None:
    tensor = quantised_tensor(weights, rule)
    clipped = 0
    for weight, value in zip(weights.tolist(), tensor.values.tolist(), strict=True):
        steps = Fraction(weight) / Fraction(2) ** tensor.exponent
        if abs(round(steps)) > 127:
            assert value == math.copysign(127, weight)
            clipped += 1
        else:
            assert abs(steps - value) <= Fraction(1, 2)
    assert tensor.clipped == clipped
    assert tensor.values.dtype == np.int8


@given(TENSORS)
def test_min_max_clips_nothing(weights: Weights) -> None:
    assert quantised_tensor(weights, Quantisation.MIN_MAX).clipped == 0


@given(TENSORS, RULES)
def test_rounding_is_symmetric(weights: Weights, rule: Quantisation) -> None:
    one, other = quantised_tensor(weights, rule), quantised_tensor(-weights, rule)
    np.testing.assert_array_equal(one.values, -other.values)
    assert one.exponent == other.exponent


@pytest.mark.parametrize(
    ("largest", "exponent", "value"),
    [
        (127.0, 0, 127),
        (127.4, 0, 127),
        (127.5, 1, 64),  # rounds to 128
        (128.0, 1, 64),
        (1.0, -6, 64),
        (0.0, 0, 0),
    ],
)
def test_the_exponent_of_the_largest_weight(largest: float, exponent: int, value: int) -> None:
    tensor = quantised_tensor(np.float32([0, -largest]), Quantisation.MIN_MAX)
    assert (tensor.exponent, tensor.values.tolist()) == (exponent, [0, -value])


def test_a_hundredth_of_the_weights_is_clipped() -> None:
    weights = np.ones(1000, np.float32)
    weights[:10] = -8
    tensor = quantised_tensor(weights, Quantisation.PERCENTILE)
    assert (tensor.exponent, tensor.clipped) == (-6, 10)
    assert set(tensor.values.tolist()) == {64, -127}
    weights[10] = 8  # one more than a hundredth
    assert quantised_tensor(weights, Quantisation.PERCENTILE).exponent == -3


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_weights_that_are_not_finite_are_refused(bad: float) -> None:
    with pytest.raises(UserError, match="training diverged"):
        quantised_tensor(np.float32([1, bad]), Quantisation.PERCENTILE)


def test_a_model_keeps_the_shapes() -> None:
    generator = np.random.default_rng(0)
    weights = {
        index: np.float32(generator.normal(size=SMALL.weight_shape_of(index)))
        for index in SMALL.weighted
    }
    model, clipped = quantised_model(SMALL, weights, Quantisation.MIN_MAX)
    assert clipped == dict.fromkeys(SMALL.weighted, 0)
    for index, values in model.weights.items():
        np.testing.assert_allclose(
            values * 2.0 ** model.exponents[index],
            weights[index],
            atol=2.0 ** (model.exponents[index] - 1),
        )


# --- static scales of activations


@given(st.lists(st.integers(0, 31), min_size=1, max_size=300), st.floats(0.001, 1))
def test_the_smallest_shift_for_a_share(shifts: list[int], share: float) -> None:
    found = smallest_for(share, np.array(shifts))
    assert found in shifts
    assert sum(shift <= found for shift in shifts) >= share * len(shifts)
    assert sum(shift < found for shift in shifts) < share * len(shifts)


@pytest.mark.parametrize("rule", Quantisation)
def test_the_shifts_of_one_image_give_its_own_logits(rule: Quantisation) -> None:
    model = initial_model(SMALL, 0)
    dynamic = Trainer(model.copy(), METHODS["niti-dynamic"], scales=None)
    for image in random_images(SMALL, 5)[:, np.newaxis]:
        static = static_classifier(model, static_shifts(model, image, rule))
        np.testing.assert_array_equal(static.logits_of(image), dynamic.logits_of(image))


def test_with_min_max_no_calibration_image_overflows() -> None:
    """Its shifts are those of the images one by one, each the largest."""
    model, images = initial_model(SMALL, 1), random_images(SMALL, 20)
    together = static_shifts(model, images, Quantisation.MIN_MAX)
    alone = [static_shifts(model, images[i : i + 1], Quantisation.MIN_MAX) for i in range(20)]
    assert together == {index: max(one[index] for one in alone) for index in SMALL.weighted}
    assert len({tuple(one.values()) for one in alone}) > 1
