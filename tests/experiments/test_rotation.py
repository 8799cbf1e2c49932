"""priot.experiments.datasets.rotation: rotated images and their quantisation."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from priot.experiments.datasets.mnist import mnist_sample
from priot.experiments.datasets.rotation import quantise, rotate
from priot.experiments.errors import UserError
from priot.kernels.model import INPUT_EXPONENT

# The sample's first eight images at 30 degrees, as Pillow 13.0 draws them.
GOLDEN_30_DEGREES = "1d40c638c8b5bb09852f632032123686b68ae50b45ccade4f8cd712945b78572"


def test_golden_at_30_degrees() -> None:
    rotated = rotate(mnist_sample().pixels[:8], 30)
    assert hashlib.sha256(rotated.tobytes()).hexdigest() == GOLDEN_30_DEGREES


@pytest.mark.parametrize("quarters", range(-4, 5))
def test_quarter_turns_are_exact_and_counter_clockwise(quarters: int) -> None:
    pixels = mnist_sample().pixels[:3]
    expected = np.rot90(pixels, quarters, axes=(1, 2))
    np.testing.assert_array_equal(rotate(pixels, 90 * quarters), expected)


def test_zero_degrees_gives_a_copy() -> None:
    pixels = mnist_sample().pixels[:2]
    rotated = rotate(pixels, 0)
    assert rotated.flags.writeable
    assert not np.shares_memory(rotated, pixels)


def test_a_dot_travels_counter_clockwise() -> None:
    pixels = np.zeros((1, 28, 28), np.uint8)
    pixels[0, 13:15, 24:26] = 255  # east of the centre
    row, column = np.unravel_index(rotate(pixels, 45)[0].argmax(), (28, 28))
    assert row < 9  # north ...
    assert column > 18  # ... east


def test_corners_turn_black() -> None:
    white = np.full((1, 28, 28), 255, np.uint8)
    rotated = rotate(white, 45)[0]
    assert rotated[[0, 0, -1, -1], [0, -1, 0, -1]].tolist() == [0, 0, 0, 0]
    assert rotated[14, 14] == 255


@given(st.floats(-720, 720), st.integers(0, 3))
def test_shape_and_dtype_stay(degrees: float, count: int) -> None:
    rotated = rotate(mnist_sample().pixels[:count], degrees)
    assert rotated.shape == (count, 28, 28)
    assert rotated.dtype == np.uint8


@pytest.mark.parametrize("degrees", [float("nan"), float("inf"), float("-inf")])
def test_angle_must_be_finite(degrees: float) -> None:
    with pytest.raises(UserError, match="finite"):
        rotate(mnist_sample().pixels[:1], degrees)


@pytest.mark.parametrize("pixels", [np.zeros((1, 28, 28), np.int8), np.zeros((28, 28), np.uint8)])
def test_other_arrays_are_refused(pixels: np.ndarray) -> None:
    with pytest.raises(ValueError, match="uint8"):
        rotate(pixels, 30)


def test_quantise_covers_every_pixel_value() -> None:
    quantised = quantise(np.arange(256, dtype=np.uint8))
    assert quantised.dtype == np.int8
    assert quantised.tolist() == [pixel // 2 for pixel in range(256)]
    assert quantised.max() * 2.0**INPUT_EXPONENT < 1
