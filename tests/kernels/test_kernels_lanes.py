"""priot.kernels.lanes: the logits of many images are those of each image alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_strategies import SEEDS, image_for, int8s
from random_networks import networks
from test_kernels_trainer import methods, random_model, random_scales

from priot.kernels.methods import METHODS, Method, method
from priot.kernels.network import Network
from priot.kernels.operations import Conv2d, Dense, MaxPool2d, ReLU
from priot.kernels.rounding import Rounding
from priot.kernels.trainer import Trainer
from priot.kernels.vectors import BLOCK, LANES

COUNTS = st.sampled_from([0, 1, LANES - 1, LANES, LANES + 1, 2 * LANES + 3])
WIDE = [
    Network(
        "blocks that are not full",
        (3, 11, 10),
        (ReLU(), Conv2d(BLOCK + 1, 5, 3), MaxPool2d(3), Conv2d(2 * BLOCK + 3, 2, 0), Dense(10)),
    ),
    Network(
        "full blocks",
        (2, 6, 7),
        (MaxPool2d(), Conv2d(2 * BLOCK), ReLU(), Dense(BLOCK), ReLU(), Dense(2 * BLOCK)),
    ),
    Network("no planes", (5, 3, 3), (Dense(BLOCK + 5), ReLU(), Dense(3))),
    Network("a dense layer of planes", (5, 3, 3), (ReLU(), Dense(BLOCK + 5), ReLU(), Dense(3))),
]


def assert_each_is_alone(
    network: Network, chosen: Method, dynamic: bool, seed: int, count: int
) -> None:
    scales = None if dynamic else random_scales(network, seed)
    generator = np.random.default_rng(seed)
    trainer = Trainer(random_model(network, chosen, seed), chosen, scales, matrices=False)
    trainer.step(image_for(network, generator), 0)  # weights or scores that have moved
    images = int8s(generator, (count, *network.input_shape))
    images[::2] >>= 3  # other dynamic shifts than those of their neighbours
    alone = [trainer.forward(image).tolist() for image in images]
    outputs, used = [output.copy() for output in trainer.outputs], trainer.used
    assert trainer.logits_of(images).tolist() == alone
    assert trainer.logits_of(images[-1:]).tolist() == alone[-1:]
    assert trainer.used == used
    for output, before in zip(trainer.outputs, outputs, strict=True):
        np.testing.assert_array_equal(output, before)


@pytest.mark.parametrize("dynamic", [True, False], ids=["dynamic", "static"])
@pytest.mark.parametrize("name", METHODS)
def test_each_image_of_many_is_alone(name: str, dynamic: bool) -> None:
    @settings(max_examples=30)
    @given(networks() | st.sampled_from(WIDE), methods(name), SEEDS, COUNTS)
    def each_is_alone(network: Network, chosen: Method, seed: int, count: int) -> None:
        assert_each_is_alone(network, chosen, dynamic, seed, count)

    each_is_alone()


@pytest.mark.parametrize("rounding", Rounding)
@pytest.mark.parametrize("dynamic", [True, False], ids=["dynamic", "static"])
@pytest.mark.parametrize("network", WIDE, ids=lambda network: network.name)
def test_each_image_is_alone_in_any_number_of_blocks(
    network: Network, dynamic: bool, rounding: Rounding
) -> None:
    for seed in range(3):
        chosen = method("priot", rounding=rounding)
        assert_each_is_alone(network, chosen, dynamic, seed, 2 * LANES + 3)
