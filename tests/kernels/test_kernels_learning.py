"""The four methods learn: horizontal against vertical bars, from random weights."""

import numpy as np
import pytest
from numpy.typing import NDArray

from kernels.calibration import calibrate
from kernels.methods import METHODS, Method, method
from kernels.model import initial_model, with_scores
from kernels.network import Conv2d, Dense, MaxPool2d, Network, ReLU
from kernels.rounding import Rounding
from kernels.trainer import Trainer

NETWORK = Network("bars", (1, 8, 8), (Conv2d(8), ReLU(), MaxPool2d(2), Dense(16), ReLU(), Dense(2)))


def bars(count: int, seed: int) -> tuple[NDArray[np.int8], NDArray[np.uint8]]:
    """Images (N,1,8,8) with one bright row (class 0) or column (class 1) on noise."""
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 40, (count, 1, 8, 8), np.int8)
    labels = generator.integers(0, 2, count).astype(np.uint8)
    for image, label in zip(images, labels, strict=True):
        plane = image[0].T if label else image[0]
        plane[generator.integers(8)] = 110
    return images, labels


def accuracy_after_training(chosen: Method, seed: int) -> tuple[float, float]:
    """Share of unseen images classified rightly, before and after training."""
    images, labels = bars(300, seed)
    unseen, answers = bars(300, seed + 1000)
    model = with_scores(initial_model(NETWORK, seed), chosen, seed)
    scales = None if chosen.dynamic else calibrate(model, chosen, images[:64], labels[:64])
    trainer = Trainer(model, chosen, scales)
    before = float(np.mean([trainer.predict(image) for image in unseen] == answers))
    for _ in range(4):
        for image, label in zip(images, labels, strict=True):
            trainer.step(image, int(label))
    return before, float(np.mean([trainer.predict(image) for image in unseen] == answers))


@pytest.mark.parametrize("rounding", Rounding)
@pytest.mark.parametrize("name", METHODS)
def test_bars_are_learned(name: str, rounding: Rounding) -> None:
    before, after = accuracy_after_training(method(name, rounding=rounding), seed=1)
    assert before < 0.8
    assert after > 0.95
