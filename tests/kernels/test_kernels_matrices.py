"""priot.kernels.matrices.engine: bit for bit the plain engine, alone and in batches."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_strategies import SEEDS, image_for, int8s
from numpy.typing import NDArray
from random_networks import networks
from test_kernels_trainer import CNN, methods, random_model, random_scales

from priot.kernels.methods import METHODS, Method, method
from priot.kernels.model import Model, initial_model
from priot.kernels.network import Network
from priot.kernels.operations import Conv2d, Dense, MaxPool2d, ReLU
from priot.kernels.scale import Scale
from priot.kernels.trainer import LARGE, Trainer

pytestmark = pytest.mark.usefixtures("products", "pieces")
Scales = dict[int, Scale] | None
LONG = Network(
    "sums of more than 1,024 terms",
    (127, 3, 3),
    (
        *(Conv2d(131), ReLU(), Conv2d(5)),
        *(Dense(1045), ReLU(), Dense(1043), ReLU()),
        Dense(3),
    ),
)
WIDE = Network(
    "more than 1,024 positions", (2, 8, 131), (Conv2d(3), MaxPool2d(3), Conv2d(2, 4), Dense(4))
)


def images_for(network: Network, seed: int, count: int) -> NDArray[np.int8]:
    generator = np.random.default_rng(seed)
    return np.stack([image_for(network, generator) for _ in range(count)])


def labels_for(network: Network, seed: int, count: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, network.classes, count).astype(np.uint8)


def both(model: Model, chosen: Method, scales: Scales) -> tuple[Trainer, Trainer]:
    plain = Trainer(model.copy(), chosen, scales, matrices=False)
    return plain, Trainer(model.copy(), chosen, scales, matrices=True)


def assert_equal(plain: Trainer, matrices: Trainer) -> None:
    """Every tensor and shift."""
    assert matrices.logit_exponent == plain.logit_exponent
    for mine, other in zip(matrices.outputs, plain.outputs, strict=True):
        np.testing.assert_array_equal(mine, other)
    for mine, other in zip(matrices.errors, plain.errors, strict=True):
        np.testing.assert_array_equal(mine, other)
    for index, gradient in plain.gradients.items():
        np.testing.assert_array_equal(matrices.gradients[index], gradient)
    assert matrices.used == plain.used
    assert matrices.model.state_hash() == plain.model.state_hash()


def assert_equal_steps(model: Model, chosen: Method, scales: Scales, seed: int) -> None:
    plain, matrices = both(model, chosen, scales)
    images = images_for(model.network, seed, 3)
    labels = labels_for(model.network, seed, 3)
    for image, label in zip(images, labels, strict=True):
        assert plain.step(image, int(label)) == matrices.step(image, int(label))
        assert_equal(plain, matrices)
    order = np.array([2, 0, 1, 1])
    for trainer in (plain, matrices):
        trainer.train(images, labels, order)
    assert matrices.model.state_hash() == plain.model.state_hash()
    np.testing.assert_array_equal(matrices.logits_of(images), plain.logits_of(images))


@pytest.mark.parametrize("dynamic", [True, False], ids=["dynamic", "static"])
@pytest.mark.parametrize("name", METHODS)
def test_any_network(name: str, dynamic: bool) -> None:
    @settings(max_examples=20)
    @given(networks(), methods(name), SEEDS)
    def steps_equal(network: Network, chosen: Method, seed: int) -> None:
        scales = None if dynamic else random_scales(network, seed)
        assert_equal_steps(random_model(network, chosen, seed), chosen, scales, seed)

    steps_equal()


@pytest.mark.parametrize("network", [CNN, LONG, WIDE], ids=lambda network: network.name)
@pytest.mark.parametrize("name", METHODS)
def test_long_sums_of_extreme_values(name: str, network: Network) -> None:
    for seed in range(3):
        model = random_model(network, method(name), seed)
        generator = np.random.default_rng(seed)
        for weights in model.weights.values():
            signs = generator.choice(np.array([-127, 127], np.int8), weights.shape)
            weights[...] = (
                127 if seed == 0 else signs if seed == 1 else int8s(generator, weights.shape)
            )
        for scales in (None, random_scales(network, seed)):
            assert_equal_steps(model, method(name), scales, seed)


@pytest.mark.parametrize("name", METHODS)
def test_logits_of_a_batch_are_those_of_single_images(name: str) -> None:
    @settings(max_examples=12)
    @given(networks(), methods(name), SEEDS, st.booleans(), st.integers(1, 300))
    def batch_equals_single(
        network: Network, chosen: Method, seed: int, dynamic: bool, count: int
    ) -> None:
        scales = None if dynamic else random_scales(network, seed)
        plain, matrices = both(random_model(network, chosen, seed), chosen, scales)
        images = images_for(network, seed, count)
        images[::3] >>= 3  # other shifts than their neighbours
        np.testing.assert_array_equal(matrices.logits_of(images), plain.logits_of(images))

    batch_equals_single()


@pytest.mark.parametrize("name", METHODS)
def test_a_vgg_of_few_channels(name: str) -> None:
    blocks = [
        layer
        for channels in (4, 8, 16, 24, 32)
        for layer in (Conv2d(channels), ReLU(), Conv2d(channels), ReLU(), MaxPool2d())
    ]
    network = Network("small VGG", (3, 32, 32), (*blocks, Dense(10)))
    for scales in (None, random_scales(network, 0)):
        assert_equal_steps(random_model(network, method(name), 0), method(name), scales, 0)


def test_large_networks_take_the_matrix_engine() -> None:
    for features, engine in ((9, "PlainEngine"), (LARGE // 10, "MatrixEngine")):
        network = Network("dense", (10, 1, 1), (Dense(features),))
        trainer = Trainer(initial_model(network, 0), method("niti-dynamic"), None)
        assert type(trainer._engine).__name__ == engine


def test_a_second_backward_pass_sees_what_the_first_one_changed() -> None:
    image, chosen = images_for(CNN, 0, 1)[0], method("niti-dynamic", learning_rate_bits=7)
    plain, matrices = both(initial_model(CNN, 0), chosen, None)
    for trainer in (plain, matrices):
        trainer.step(image, 1)
        trainer.backward(2)
        trainer.update()
    assert_equal(plain, matrices)
