"""priot.plots.error_scale: heights, ends and labels of an axis of accuracy."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from priot.plots.error_scale import CEILING, set_error_scale

percents = st.floats(0, 100)


def axis_for(*values: float) -> Axes:
    axes = Figure().subplots()
    set_error_scale(axes, values)
    return axes


def height(axes: Axes, accuracy: float) -> float:
    """Share of the axes' height."""
    return float((axes.transData - axes.transAxes).transform((0, accuracy))[1])


AXES = axis_for(0, 100)
REUSED = axis_for(0, 100)


@given(percents, percents)
def test_larger_accuracies_stand_higher_up_to_the_ceiling(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert 0 <= height(AXES, low) <= height(AXES, high) <= 1 + 1e-9
    if high - low > 1e-6 and high <= CEILING:
        assert height(AXES, low) < height(AXES, high)


@pytest.mark.parametrize("halved", [(0, 50), (50, 75), (80, 90), (90, 95), (96, 98), (99, 99.5)])
def test_half_the_error_is_the_same_step_everywhere(halved: tuple[float, float]) -> None:
    worse, better = (height(AXES, accuracy) for accuracy in halved)
    assert better - worse == pytest.approx(math.log(2) / math.log(1000))


@given(st.lists(percents, min_size=1))
def test_ends_hold_all_values_and_are_labelled(values: list[float]) -> None:
    axes = REUSED  # to make new ones takes long
    set_error_scale(axes, values)
    bottom, top = axes.get_ylim()
    assert bottom <= min(values)
    assert bottom < top
    assert top >= min(max(values), CEILING)
    labelled = [*axes.get_yticks(), 0]
    assert {bottom, top} <= set(labelled)
    assert not any(bottom < tick <= min(values) for tick in labelled if tick < top)


def test_values_above_the_ceiling_are_drawn_at_it() -> None:
    assert height(AXES, 100) == height(AXES, CEILING) == pytest.approx(1)
