"""benchmarks.numpy_trainer: bit for bit the reference, else its speed would mean nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.numpy_trainer import NumpyTrainer
from benchmarks.training import Training, trainings
from priot.kernels.methods import METHODS, TRAINED_LAYERS, Method, method
from priot.kernels.model import initial_model, with_scores
from priot.kernels.network import Network
from priot.kernels.operations import Conv2d, Dense, MaxPool2d, ReLU
from priot.kernels.rounding import Rounding
from priot.kernels.scale import Scale
from priot.kernels.trainer import Trainer

IMAGES = 48  # among them some with an error
NITI = ("niti-dynamic", "niti-static")

NETWORKS = (
    Network("pools that cut", (2, 7, 8), (Conv2d(3, 3, 0), MaxPool2d(3), ReLU(), Dense(4))),
    Network("even kernels", (1, 6, 5), (Conv2d(2, 2, 1), Conv2d(3, 4, 2), MaxPool2d(2), Dense(3))),
    Network("no weights first", (3, 4, 4), (MaxPool2d(2), ReLU(), Dense(6), ReLU(), Dense(10))),
)


@pytest.mark.parametrize("training", trainings(IMAGES), ids=lambda t: t.settings.label)
def test_what_is_timed_ends_with_the_bits_of_the_reference(training: Training) -> None:
    order = np.arange(IMAGES)
    hashes = {training.model.state_hash()}
    for trainer in (Trainer, NumpyTrainer):
        model = training.model.copy()
        task = training.task
        trainer(model, training.settings, training.scales).train(task.images, task.labels, order)
        hashes.add(model.state_hash())
    assert len(hashes) == 2, "both have learned the same"


@settings(max_examples=100)
@given(
    network=st.sampled_from(NETWORKS),
    chosen=st.builds(method, st.sampled_from(sorted(METHODS)), rounding=st.sampled_from(Rounding))
    | st.builds(
        method, st.sampled_from(NITI), trained_layers=st.sampled_from(sorted(TRAINED_LAYERS))
    ),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_step_has_the_bits_of_the_reference(
    network: Network, chosen: Method, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    model = with_scores(initial_model(network, seed), chosen, seed)
    scales = None
    if not chosen.dynamic:
        scales = {
            index: Scale(*map(int, generator.integers(0, 12, 3))) for index in network.weighted
        }
    images = generator.integers(0, 127, (4, *network.input_shape), np.int8, endpoint=True)
    labels = generator.integers(0, network.classes, 4).astype(np.uint8)
    other = model.copy()
    Trainer(model, chosen, scales).train(images, labels, np.arange(4))
    NumpyTrainer(other, chosen, scales).train(images, labels, np.arange(4))
    assert other.state_hash() == model.state_hash()
