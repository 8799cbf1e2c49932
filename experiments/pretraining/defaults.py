"""How a backbone is pre-trained on each data set, unless options say otherwise."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from experiments.datasets.cifar10 import cifar10
from experiments.datasets.mnist import Images, mnist, train_without_sample
from experiments.floating.plan import FloatPlan, Optimiser
from kernels.model import Initial


@dataclass(frozen=True)
class Pretraining:
    """The defaults of ``priot pretrain`` on one data set; docs/method.md gives their reasons."""

    network: str
    """As experiments.pretraining.networks.network_of takes it."""
    training: Callable[[Path | None], Images]
    test: Callable[[Path | None], Images]
    schedule: tuple[int, ...]
    batch: int
    initial: Initial
    augmented: bool
    floating: FloatPlan
    """In float32 instead of integers."""


def _cosine(first: float, epochs: int) -> tuple[float, ...]:
    """Learning rates that fall from ``first`` as half a wave of the cosine does (SGDR)."""
    return tuple(first * (1 + math.cos(math.pi * e / epochs)) / 2 for e in range(epochs))


PRETRAININGS = {
    "mnist": Pretraining(
        "tiny-cnn",
        lambda folder: train_without_sample(mnist(folder, "train")),
        lambda folder: mnist(folder, "test"),
        schedule=(3, 3, 2, 2, 1, 1),
        batch=1,
        initial=Initial.GLOROT,
        augmented=False,
        floating=FloatPlan((1e-3,) * 4 + (3e-4,) * 3 + (1e-4,) * 3, Optimiser.ADAM, batch=64),
    ),
    "cifar10": Pretraining(
        "vgg11",
        lambda folder: cifar10(folder, "train"),
        lambda folder: cifar10(folder, "test"),
        schedule=(2,) * 18 + (1,) * 6 + (0,) * 4,
        batch=64,
        initial=Initial.HE,
        augmented=True,
        floating=FloatPlan(_cosine(0.05, epochs=40), Optimiser.SGD, batch=128, augmented=True),
    ),
}
