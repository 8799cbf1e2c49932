"""priot.kernels.calibration: which shifts become static ones, and which images have a say."""

from collections import Counter
from collections.abc import Callable
from dataclasses import astuple
from itertools import product

import numpy as np
import pytest
from kernel_strategies import image_for
from numpy.typing import NDArray

from priot.kernels.calibration import CalibrationError, Rule, Statistic, calibrate
from priot.kernels.errors import KernelError
from priot.kernels.methods import METHODS, Method, method
from priot.kernels.model import Model, initial_model, with_scores
from priot.kernels.network import Network
from priot.kernels.operations import Conv2d, Dense, MaxPool2d, ReLU
from priot.kernels.reference.integers import ints
from priot.kernels.reference.trainer import ReferenceTrainer
from priot.kernels.trainer import Scale

CNN = Network("cnn", (1, 6, 6), (Conv2d(3), ReLU(), MaxPool2d(2), Dense(6), ReLU(), Dense(4)))
NITI = method("niti-static")


def dynamic_step(
    model: Model, chosen: Method, image: NDArray[np.int8], label: int
) -> ReferenceTrainer:
    """One dynamic step from the model as it is."""
    trainer = ReferenceTrainer(model, chosen, None)
    trainer.step(ints(image), label)
    return trainer


def mode(values: list[int]) -> int:
    counts = Counter(values)
    return max(value for value in counts if counts[value] == max(counts.values()))


def ninth_in_ten(values: list[int]) -> int:
    return min(v for v in values if 10 * sum(other <= v for other in values) >= 9 * len(values))


CHOICES: dict[Statistic, Callable[[list[int]], int]] = {
    Statistic.FREQUENT: mode,
    Statistic.PERCENTILE_90: ninth_in_ten,
    Statistic.LARGEST: max,
    Statistic.SMALLEST: min,
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "chosen",
    [*METHODS.values(), *(method(NITI.name, trained_layers=few) for few in ("dense", "last"))],
    ids=lambda chosen: chosen.label,
)
def test_scales_follow_from_independent_dynamic_steps(chosen: Method, seed: int) -> None:
    generator = np.random.default_rng(seed)
    model = with_scores(initial_model(CNN, seed), chosen, seed)
    for index in model.exponents:
        model.exponents[index] += 3  # logits so large leave no doubt
    before = model.state_hash()
    images = np.stack([image_for(CNN, generator) >> (n % 4) for n in range(24)])
    labels = generator.integers(0, 4, 24).astype(np.uint8)
    for n in range(0, 24, 2):  # these are right, most of them with full confidence
        labels[n] = np.argmax(dynamic_step(model, chosen, images[n], 0).outputs[-1])
    steps = [dynamic_step(model, chosen, *pair) for pair in zip(images, labels, strict=True)]
    wrong = [step for step in steps if step.errors[-1].any()]
    assert 0 < len(wrong) < len(steps)
    apart = (Rule(*of_each) for of_each in product(Statistic, repeat=3))
    for rule in (*apart, Rule(all_errors=True)):
        heard = steps if rule.all_errors else wrong
        expected = {
            index: Scale(
                CHOICES[rule.forward]([step.used[index].forward for step in steps]),
                CHOICES[rule.backward]([step.used[index].backward for step in heard]),
                CHOICES[rule.gradient]([step.used[index].gradient_bits for step in heard]),
            )
            for index in CNN.weighted
        }
        assert calibrate(model, chosen, images, labels, rule) == expected, rule
    frequent = Rule(*[Statistic.FREQUENT] * 3)
    assert calibrate(model, chosen, images, labels) == calibrate(
        model, chosen, images, labels, frequent
    )
    assert model.state_hash() == before


def one_layer() -> Model:
    """Pixel 0 speaks for class 0 and pixel 1 for class 1, without doubt when it is large."""
    model = initial_model(Network("pair", (1, 1, 2), (Dense(2),)), 0)
    model.weights[0][...] = [[127, 0], [0, 127]]
    model.exponents[0] = 0
    return model


def pair_images(*pixels: int) -> NDArray[np.int8]:
    """Images whose pixel 0 is given and whose pixel 1 is dark."""
    return np.array([[[[pixel, 0]]] for pixel in pixels], np.int8)


# 127 * pixel has 7, 8 and 14 bits: shifts 0, 1 and 7.
@pytest.mark.parametrize(
    ("pixels", "shift"),
    [((1, 1, 127), 0), ((1, 127), 7), ((127, 1), 7), ((1, 2, 2, 1), 1), ((127, 1, 2, 1, 2), 1)],
)
def test_of_equally_frequent_shifts_the_largest_is_taken(
    pixels: tuple[int, ...], shift: int
) -> None:
    labels = np.ones(len(pixels), np.uint8)
    assert calibrate(one_layer(), NITI, pair_images(*pixels), labels)[0].forward == shift


def test_confident_images_count_for_the_forward_shifts_only() -> None:
    # Three images are right without doubt; their gradients of zero would win the vote.
    images, labels = pair_images(127, 127, 127, 1, 1), np.array([0, 0, 0, 1, 1], np.uint8)
    assert astuple(calibrate(one_layer(), NITI, images, labels)[0])[0] == 7
    only_wrong = calibrate(one_layer(), NITI, images[3:], labels[3:])[0]
    assert only_wrong.gradient_bits > 0
    assert calibrate(one_layer(), NITI, images, labels)[0] == Scale(
        7, only_wrong.backward, only_wrong.gradient_bits
    )


def test_images_without_error_are_shifts_of_zero_where_all_have_a_say() -> None:
    images, labels = pair_images(127, 127, 127, 1, 2), np.array([0, 0, 0, 1, 1], np.uint8)
    of_all = calibrate(one_layer(), NITI, images, labels, Rule(all_errors=True))[0]
    assert of_all == Scale(7, 0, 0)


@pytest.mark.parametrize(("statistic", "shift"), [(Statistic.LARGEST, 7), (Statistic.SMALLEST, 0)])
def test_largest_and_smallest_are_extremes(statistic: Statistic, shift: int) -> None:
    images, labels = pair_images(2, 2, 1, 2, 127), np.ones(5, np.uint8)
    scale = calibrate(one_layer(), NITI, images, labels, Rule(*[statistic] * 3))[0]
    bits = [calibrate(one_layer(), NITI, images[n : n + 1], labels[:1])[0] for n in range(5)]
    extreme = max if statistic is Statistic.LARGEST else min
    assert scale.forward == shift
    assert scale.gradient_bits == extreme(scale.gradient_bits for scale in bits)


@pytest.mark.parametrize("statistic", Statistic)
def test_calibration_without_an_error_is_refused(statistic: Statistic) -> None:
    with pytest.raises(CalibrationError, match="all 3 calibration images have an error of zero"):
        calibrate(
            *(one_layer(), NITI, pair_images(127, 127, 127), np.zeros(3, np.uint8)),
            Rule(*[statistic] * 3),
        )


def test_calibration_without_images_is_refused() -> None:
    with pytest.raises(CalibrationError):
        calibrate(one_layer(), NITI, np.zeros((0, 1, 1, 2), np.int8), np.zeros(0, np.uint8))


def test_images_and_labels_of_different_number_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        calibrate(one_layer(), NITI, pair_images(1, 2), np.ones(1, np.uint8))


def test_calibration_errors_are_kernel_errors() -> None:
    assert issubclass(CalibrationError, KernelError)
