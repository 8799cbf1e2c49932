"""The kinds of backbones that ``priot pretrain`` makes: the defaults of its options."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from priot.experiments.datasets.cifar10 import cifar10
from priot.experiments.datasets.mnist import Images, mnist, train_without_sample
from priot.experiments.floating.plan import FloatPlan, Optimiser
from priot.experiments.floating.quantisation import Quantisation
from priot.kernels.model import Initial


@dataclass(frozen=True)
class Pretraining:
    """How one kind comes about; docs/method.md gives the reasons."""

    dataset: str
    network: str
    """As priot.experiments.pretraining.networks.network_of takes it."""
    training: Callable[[Path | None], Images]
    test: Callable[[Path | None], Images]
    schedule: tuple[int, ...]
    batch: int
    initial: Initial
    augmented: bool
    floating: FloatPlan
    """In float32 instead of integers."""
    quantisation: Quantisation | None = None
    """Of what is trained in float32; None: integers are trained."""
    images: int | None = None
    """The first so many of the training images; None: all."""

    def training_images(self, folder: Path | None) -> Images:
        """Those that are trained on. Raises UserError as ``training`` does."""
        every = self.training(folder)
        return every if self.images is None else every.first(self.images)


def _cosine(first: float, epochs: int) -> tuple[float, ...]:
    """Learning rates that fall from ``first`` as half a wave of the cosine does (SGDR)."""
    return tuple(first * (1 + math.cos(math.pi * e / epochs)) / 2 for e in range(epochs))


_INTEGER_UNIFORM = Pretraining(
    "mnist",
    "tiny-cnn",
    lambda folder: train_without_sample(mnist(folder, "train")),
    lambda folder: mnist(folder, "test"),
    schedule=(3, 3, 2, 2, 1, 1),
    batch=1,
    initial=Initial.GLOROT,
    augmented=False,
    floating=FloatPlan((1e-3,) * 4 + (3e-4,) * 3 + (1e-4,) * 3, Optimiser.ADAM, batch=64),
)
KINDS = {
    "integer-uniform": _INTEGER_UNIFORM,
    "integer-normal": replace(_INTEGER_UNIFORM, initial=Initial.GLOROT_NORMAL),
    "few-images": replace(_INTEGER_UNIFORM, images=3500, schedule=(3,) * 4 + (2,) * 4 + (1,) * 4),
    "short": replace(_INTEGER_UNIFORM, schedule=(3,)),
    "float32-minmax": replace(_INTEGER_UNIFORM, quantisation=Quantisation.MIN_MAX),
    "float32-percentile": replace(_INTEGER_UNIFORM, quantisation=Quantisation.PERCENTILE),
    "lenet": replace(_INTEGER_UNIFORM, network="lenet"),
    "vgg11": Pretraining(
        "cifar10",
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
"""By name; of each data set the first is the default."""


def kind_of(dataset: str) -> str:
    """The default kind on a data set."""
    return next(name for name, kind in KINDS.items() if kind.dataset == dataset)
