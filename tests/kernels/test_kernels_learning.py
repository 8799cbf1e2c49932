"""Every method learns: a backbone knows bright bars on dark ground, and gets dark ones."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from priot.kernels.calibration import calibrate
from priot.kernels.methods import METHODS, method
from priot.kernels.model import Model, initial_model, with_scores
from priot.kernels.network import Network
from priot.kernels.operations import Conv2d, Dense, MaxPool2d, ReLU
from priot.kernels.rounding import Rounding
from priot.kernels.trainer import Trainer

NETWORK = Network("bars", (1, 8, 8), (Conv2d(8), ReLU(), MaxPool2d(2), Dense(16), ReLU(), Dense(2)))
IMAGES = 300
CALIBRATION_IMAGES = 64

# A tenth of so few edges is too little to learn from; everything else is the default.
SETTINGS: dict[str, dict[str, Any]] = {"priot-s": {"scored_fraction": 0.5}}


def bars(seed: int, dark: bool) -> tuple[NDArray[np.int8], NDArray[np.uint8]]:
    """Noisy images (N,1,8,8) with one row (class 0) or column (class 1) that stands out."""
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 40, (IMAGES, 1, 8, 8), np.int8) + np.int8(70 if dark else 0)
    labels = generator.integers(0, 2, IMAGES).astype(np.uint8)
    for image, label in zip(images, labels, strict=True):
        rows = image[0].T if label else image[0]
        rows[generator.integers(8)] = 0 if dark else 110
    return images, labels


def train(trainer: Trainer, seed: int, dark: bool, epochs: int) -> None:
    images, labels = bars(seed, dark)
    for _ in range(epochs):
        for image, label in zip(images, labels, strict=True):
            trainer.step(image, int(label))


def accuracy(trainer: Trainer, seed: int, dark: bool) -> float:
    """Share of images that are classified rightly."""
    images, labels = bars(seed, dark)
    return float(np.mean([trainer.predict(image) for image in images] == labels))


@cache
def backbone() -> Model:
    model = initial_model(NETWORK, seed=0)
    train(Trainer(model, method("niti-dynamic"), None), seed=1, dark=False, epochs=2)
    return model


def test_niti_learns_from_random_weights() -> None:
    trainer = Trainer(backbone().copy(), method("niti-dynamic"), None)
    assert accuracy(trainer, seed=2, dark=False) > 0.95


@pytest.mark.parametrize("rounding", Rounding)
@pytest.mark.parametrize("name", METHODS)
def test_every_method_learns_from_a_backbone(name: str, rounding: Rounding) -> None:
    chosen = method(name, rounding=rounding, **SETTINGS.get(name, {}))
    model = with_scores(backbone(), chosen, seed=23)
    images, labels = bars(seed=24, dark=True)
    few = slice(CALIBRATION_IMAGES)
    scales = None if chosen.dynamic else calibrate(model, chosen, images[few], labels[few])
    trainer = Trainer(model, chosen, scales)
    assert accuracy(trainer, seed=5, dark=True) < 0.8
    train(trainer, seed=24, dark=True, epochs=5)
    assert accuracy(trainer, seed=5, dark=True) > 0.95
