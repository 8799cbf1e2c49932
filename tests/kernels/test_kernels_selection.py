"""priot.kernels.selection: how large each edge's gradient is, against the specification."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from kernel_strategies import SEEDS, image_for, int8s
from numpy.typing import NDArray
from random_networks import networks

from priot.kernels.errors import KernelError
from priot.kernels.methods import method
from priot.kernels.model import Model, initial_model
from priot.kernels.network import Network
from priot.kernels.operations import Conv2d, Dense, MaxPool2d, ReLU
from priot.kernels.reference.integers import ints
from priot.kernels.reference.trainer import ReferenceTrainer
from priot.kernels.rounding import Rounding
from priot.kernels.selection import SelectionError, gradient_magnitudes

CNN = Network("cnn", (1, 6, 6), (Conv2d(3), ReLU(), MaxPool2d(2), Dense(6), ReLU(), Dense(4)))


def one_step(backbone: Model, rounding: Rounding, image: NDArray[np.int8]) -> ReferenceTrainer:
    """A NITI step on one image of class 1, which prunes nothing."""
    trainer = ReferenceTrainer(backbone, method("niti-dynamic", rounding=rounding), None)
    trainer.step(ints(image), 1)
    return trainer


@settings(max_examples=30)
@given(networks(), SEEDS, st.sampled_from(Rounding), st.integers(0, 8))
def test_magnitudes_are_sums_over_images_of_gradient_times_weight(
    network: Network, seed: int, rounding: Rounding, confidence: int
) -> None:
    generator = np.random.default_rng(seed)
    backbone = initial_model(network, seed)
    for weights in backbone.weights.values():
        weights[...] = int8s(generator, weights.shape)
    backbone.exponents[network.weighted[-1]] += confidence  # some images have no error at all
    images = np.stack([image_for(network, generator) >> n for n in range(3)])
    steps = [one_step(backbone, rounding, image) for image in images]
    assume(any(step.errors[-1].any() for step in steps))
    before = backbone.state_hash()
    found = gradient_magnitudes(backbone, rounding, images, np.ones(3, np.uint8))
    assert tuple(found) == network.weighted
    for index, weights in backbone.weights.items():
        expected = sum(abs(step.gradients[index] * ints(weights)) for step in steps)
        assert found[index].tolist() == expected.tolist()
    assert backbone.state_hash() == before
    assert not backbone.scores


def test_images_without_error_have_no_say() -> None:
    backbone = initial_model(CNN, 0)
    backbone.exponents[CNN.weighted[-1]] += 100  # the least difference of logits is enough
    generator = np.random.default_rng(0)
    images = np.stack([image_for(CNN, generator) for _ in range(4)])
    steps = [one_step(backbone, Rounding.NEAREST, image) for image in images]
    right = np.array([step.outputs[-1].argmax() for step in steps]).astype(np.uint8)
    wrong = np.where(np.arange(4) == 2, (right + 1) % 4, right).astype(np.uint8)
    alone = gradient_magnitudes(backbone, Rounding.NEAREST, images[2:3], wrong[2:3])
    among = gradient_magnitudes(backbone, Rounding.NEAREST, images, wrong)
    for index in CNN.weighted:
        np.testing.assert_array_equal(among[index], alone[index])
    with pytest.raises(SelectionError, match=r"^all 4 images have an error of zero") as refusal:
        gradient_magnitudes(backbone, Rounding.NEAREST, images, right)
    assert isinstance(refusal.value, KernelError)
    with pytest.raises(SelectionError, match=r"^all 0 images"):
        gradient_magnitudes(backbone, Rounding.NEAREST, images[:0], right[:0])
