"""priot.kernels.round_shift and priot.kernels.requantise against exact rationals."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from priot.kernels.reference.integers import ints
from priot.kernels.reference.rounding import clipped, requantised, rounded
from priot.kernels.requantise import bit_width, dynamic_shift, requantise
from priot.kernels.round_shift import clip, round_shift
from priot.kernels.rounding import Rounding

LARGEST = 2**31 - 1
VALUES = st.integers(-LARGEST, LARGEST) | st.sampled_from([-LARGEST, -1, 0, 1, LARGEST])
SHIFTS = st.integers(0, 31)
ROUNDINGS = st.sampled_from(Rounding)
SUMS = st.lists(VALUES, min_size=1, max_size=40).map(lambda sums: np.array(sums, np.int32))


def requantise_to_int8(sums: np.ndarray, shift: int, rounding: Rounding) -> np.ndarray:
    values = np.empty(sums.size, np.int8)
    requantise(sums, shift, rounding, values)
    return values


@pytest.mark.parametrize("rounding", Rounding)
@pytest.mark.parametrize("shift", range(32))
def test_rounding_at_the_edges_of_every_shift(shift: int, rounding: Rounding) -> None:
    half = 2**shift // 2
    edges = {0, 1, half - 1, half, half + 1, 2**shift - 1, 2**shift, 3 * half, LARGEST}
    for magnitude in {edge for edge in edges if 0 <= edge <= LARGEST}:
        for value in (magnitude, -magnitude):
            expected = rounded(value, shift, rounding)
            assert round_shift(value, shift, rounding) == expected


@given(VALUES, SHIFTS, ROUNDINGS)
@example(LARGEST, 31, Rounding.NEAREST)
@example(LARGEST, 31, Rounding.PSEUDO_STOCHASTIC)
def test_rounding_is_exact_and_symmetric(value: int, shift: int, rounding: Rounding) -> None:
    expected = rounded(value, shift, rounding)
    assert round_shift(value, shift, rounding) == expected
    assert round_shift(-value, shift, rounding) == -expected


@given(VALUES, ROUNDINGS)
def test_a_shift_of_zero_changes_nothing(value: int, rounding: Rounding) -> None:
    assert round_shift(value, 0, rounding) == value


@given(VALUES, SHIFTS)
def test_nearest_is_the_nearest_integer_with_halves_away_from_zero(value: int, shift: int) -> None:
    exact = Fraction(value, 2**shift)
    result = round_shift(value, shift, Rounding.NEAREST)
    assert abs(result - exact) <= Fraction(1, 2)
    if abs(result - exact) == Fraction(1, 2):
        assert abs(result) > abs(exact)


@given(VALUES, SHIFTS)
def test_pseudo_stochastic_takes_one_of_the_two_neighbours(value: int, shift: int) -> None:
    exact = Fraction(value, 2**shift)
    assert abs(round_shift(value, shift, Rounding.PSEUDO_STOCHASTIC) - exact) < 1


@pytest.mark.parametrize("shift", [6, 7, 8, 9, 10, 11, 12, 13])
def test_pseudo_stochastic_has_the_expectation_of_the_quotient(shift: int) -> None:
    # Over all lower halves of the dropped bits, the share that goes up is what the upper half
    # says, exactly to the lower half's resolution.
    lower = 2 ** (shift // 2)
    for start in range(0, 2**shift, lower):
        results = [round_shift(start + low, shift, 0) for low in range(lower)]
        quotients = [Fraction(start + low, 2**shift) for low in range(lower)]
        assert abs(Fraction(sum(results), lower) - sum(quotients) / lower) <= Fraction(1, lower)


def test_pseudo_stochastic_over_random_bits_has_no_drift() -> None:
    generator = np.random.default_rng(1)
    shift = 12
    sums = generator.integers(-100 << shift, 100 << shift, 200_000, np.int32)
    values = requantise_to_int8(sums, shift, Rounding.PSEUDO_STOCHASTIC)
    # The deviation of one result is at most 1/2, so that of the mean is below 0.0012; the bias
    # of rounding up only where upper > lower is at most 2**-7 towards zero.
    assert abs(np.mean(values - sums / 2**shift)) < 0.005
    assert abs(np.mean(np.abs(values) - np.abs(sums) / 2**shift)) < 2**-7 + 0.005


@given(st.integers(-(2**40), 2**40))
def test_clip_limits_to_the_symmetric_range(value: int) -> None:
    assert clip(value) == clipped(value)


@given(SUMS, SHIFTS, ROUNDINGS)
def test_requantise_rounds_and_clips_each_sum(
    sums: np.ndarray, shift: int, rounding: Rounding
) -> None:
    expected = requantised(ints(sums), shift, rounding)
    assert requantise_to_int8(sums, shift, rounding).tolist() == expected.tolist()


@given(SUMS)
def test_bit_width_is_that_of_the_largest_magnitude(sums: np.ndarray) -> None:
    assert bit_width(sums) == max(abs(value) for value in sums.tolist()).bit_length()


@pytest.mark.parametrize("bits", range(1, 32))
def test_bit_width_on_both_sides_of_every_power_of_two(bits: int) -> None:
    assert bit_width(np.array([0, -(2**bits - 1)], np.int32)) == bits
    assert bit_width(np.array([2 ** (bits - 1), 0], np.int32)) == bits


def test_zeros_have_no_bits_and_no_shift() -> None:
    assert bit_width(np.zeros(3, np.int32)) == 0
    assert dynamic_shift(np.zeros(3, np.int32)) == 0


@given(SUMS, ROUNDINGS)
def test_a_dynamic_shift_fills_seven_bits(sums: np.ndarray, rounding: Rounding) -> None:
    shift = dynamic_shift(sums)
    largest = max(abs(value) for value in sums.tolist())
    values = np.abs(requantise_to_int8(sums, shift, rounding).astype(int))
    assert values.max() <= 127
    if shift == 0:
        assert values.max() == largest
    else:
        assert largest >> shift in range(64, 128)  # no smaller shift would fit
        assert values.max() >= 64


@pytest.mark.parametrize("rounding", Rounding)
def test_rounding_up_from_127_is_the_one_case_that_a_dynamic_shift_clips(
    rounding: Rounding,
) -> None:
    largest = 0b1111111_10
    sums = np.array([largest, -largest], np.int32)
    shift = dynamic_shift(sums)
    assert round_shift(largest, shift, rounding) == 128
    assert requantise_to_int8(sums, shift, rounding).tolist() == [127, -127]


@given(SUMS, ROUNDINGS)
def test_a_dynamic_shift_clips_nothing_else(sums: np.ndarray, rounding: Rounding) -> None:
    shift = dynamic_shift(sums)
    for value in sums.tolist():
        unclipped = round_shift(value, shift, rounding)
        assert abs(unclipped) <= 127 or (abs(unclipped) == 128 and abs(value) >> shift == 127)


def test_names_of_roundings_for_users() -> None:
    assert [rounding.label for rounding in Rounding] == ["pseudo-stochastic", "nearest"]
