"""priot.kernels.loss against rationals without bounds, and against the softmax it stands for."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from priot.kernels.loss import loss_gradient
from priot.kernels.reference.integers import ints
from priot.kernels.reference.loss import loss_gradient as specified_gradient
from priot.kernels.rounding import Rounding

LOGIT_LISTS = st.lists(st.integers(-127, 127), min_size=2, max_size=12)
EXPONENTS = st.integers(-30, 20)
ROUNDINGS = st.sampled_from(Rounding)


def error_of(
    logits: list[int], exponent: int, label: int, rounding: Rounding = Rounding.NEAREST
) -> NDArray[np.int8]:
    error = np.empty(len(logits), np.int8)
    powers = np.zeros(len(logits), np.int64)
    loss_gradient(np.array(logits, np.int8), exponent, label, rounding, powers, error)
    return error


def exact_error(logits: list[int], exponent: int) -> NDArray[np.float64]:
    """The softmax of logits * 2**exponent."""
    values = np.array(logits) * 2.0**exponent
    powers = np.exp(values - values.max())
    return powers / powers.sum()


@pytest.mark.parametrize("rounding", Rounding)
@pytest.mark.parametrize("exponent", range(-30, 21))
def test_loss_equals_rationals_for_every_exponent(exponent: int, rounding: Rounding) -> None:
    generator = np.random.default_rng(exponent + 30)
    for spread in (1, 2, 10, 60, 127):
        for _ in range(8):
            logits = generator.integers(-spread, spread + 1, generator.integers(2, 12)).tolist()
            label = int(generator.integers(len(logits)))
            expected = specified_gradient(ints(logits), exponent, label, rounding)
            assert error_of(logits, exponent, label, rounding).tolist() == expected.tolist()


@pytest.mark.parametrize("exponent", range(3))
def test_loss_equals_rationals_for_all_close_pairs(exponent: int) -> None:
    # Where powers are whole, a last digit of log2(e) decides about a few pairs only.
    for first in range(-127, 128):
        for second in range(max(-127, first - 7), first + 1):
            expected = specified_gradient(ints([first, second]), exponent, 1, Rounding.NEAREST)
            assert error_of([first, second], exponent, 1).tolist() == expected.tolist()


@settings(max_examples=300)
@given(LOGIT_LISTS, EXPONENTS, ROUNDINGS, st.data())
def test_loss_equals_rationals_for_any_logits(
    logits: list[int], exponent: int, rounding: Rounding, data: st.DataObject
) -> None:
    label = data.draw(st.integers(0, len(logits) - 1))
    expected = specified_gradient(ints(logits), exponent, label, rounding)
    assert error_of(logits, exponent, label, rounding).tolist() == expected.tolist()


@given(LOGIT_LISTS, st.sampled_from([-(2**40), -1000, -31, 21, 1000, 2**40]))
def test_exponents_without_bound_are_the_limits(logits: list[int], exponent: int) -> None:
    limit = max(-30, min(20, exponent))
    assert error_of(logits, exponent, 0).tolist() == error_of(logits, limit, 0).tolist()


@given(LOGIT_LISTS, EXPONENTS, ROUNDINGS, st.data())
def test_only_the_label_is_pushed_up_and_the_pushes_balance(
    logits: list[int], exponent: int, rounding: Rounding, data: st.DataObject
) -> None:
    label = data.draw(st.integers(0, len(logits) - 1))
    error = error_of(logits, exponent, label, rounding).astype(int).tolist()
    assert error.pop(label) <= 0
    assert min(error) >= 0
    # Before the rounding shift the sum is zero; each class is then off by less than one.
    whole = error_of(logits, exponent, label, rounding).astype(int)
    assert abs(whole.sum()) <= len(logits)


@given(st.lists(st.integers(-127, 100), min_size=1, max_size=9), st.integers(-1, 20), ROUNDINGS)
def test_a_right_and_confident_image_has_no_error(
    others: list[int], exponent: int, rounding: Rounding
) -> None:
    # From exponent -1 on, 27 steps of the logits are more than the ten bits of the powers.
    logits = [*others, 127]
    assert not error_of(logits, exponent, len(others), rounding).any()


@given(st.lists(st.integers(-127, 100), min_size=1, max_size=9), st.integers(-1, 20), ROUNDINGS)
def test_a_wrong_and_confident_image_has_the_largest_error(
    others: list[int], exponent: int, rounding: Rounding
) -> None:
    error = error_of([*others, 127], exponent, 0, rounding).tolist()
    assert (error[0], error[-1]) == (-127, 127)
    assert not any(error[1:-1])


@settings(max_examples=200)
@given(LOGIT_LISTS, st.integers(-6, 0), st.data())
@example([127, 126, -127], -2, None)
def test_base_two_stays_within_a_factor_of_two_of_the_softmax(
    logits: list[int], exponent: int, data: st.DataObject | None
) -> None:
    # Whole exponents cut each power to between a half and all of it, so that a share is at least
    # half and at most twice the true one. Powers are of at least 1/1024 and shares of 1/2048.
    label = data.draw(st.integers(0, len(logits) - 1)) if data else 0
    share = error_of(logits, exponent, label) / 128
    share[label] += 1
    softmax = exact_error(logits, exponent)
    slack = len(logits) / 1023 + len(logits) / 2048 + 1 / 128
    assert np.all(share >= softmax / 2 - slack)
    assert np.all(share <= 2 * softmax + slack)


@settings(max_examples=200)
@given(LOGIT_LISTS, st.integers(-30, -7), st.data())
def test_the_series_stays_close_to_the_softmax(
    logits: list[int], exponent: int, data: st.DataObject
) -> None:
    # |v| < 1, where 1 + v + v*v/2 is off by less than 0.22.
    label = data.draw(st.integers(0, len(logits) - 1))
    share = error_of(logits, exponent, label) / 128
    share[label] += 1
    np.testing.assert_allclose(share, exact_error(logits, exponent), atol=0.1)


@pytest.mark.parametrize("exponent", range(-12, -2))
def test_the_error_points_along_softmax_minus_onehot(exponent: int) -> None:
    generator = np.random.default_rng(exponent + 12)
    for _ in range(50):
        logits = generator.integers(-127, 128, 10).tolist()
        label = int(generator.integers(10))
        error = error_of(logits, exponent, label).astype(float)
        true = exact_error(logits, exponent)
        true[label] -= 1
        if np.linalg.norm(true) < 0.1:
            continue  # nearly right: rounding to int8 decides the direction
        cosine = error @ true / (np.linalg.norm(error) * np.linalg.norm(true))
        assert cosine > 0.9


def test_equal_logits_share_the_error_equally() -> None:
    assert error_of([9, 9, 9, 9], -3, 2).tolist() == [32, 32, -96, 32]
    assert error_of([9, 9, 9, 9], -20, 2).tolist() == [32, 32, -96, 32]
