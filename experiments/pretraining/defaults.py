"""The kinds of backbones that ``priot pretrain`` makes: the defaults of its options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from experiments.datasets.cifar10 import cifar10
from experiments.datasets.mnist import Images, mnist, train_without_sample
from kernels.model import Initial


@dataclass(frozen=True)
class Pretraining:
    """How one kind comes about; docs/method.md gives the reasons."""

    dataset: str
    network: str
    """As experiments.pretraining.networks.network_of takes it."""
    training: Callable[[Path | None], Images]
    test: Callable[[Path | None], Images]
    schedule: tuple[int, ...]
    batch: int
    initial: Initial
    augmented: bool
    images: int | None = None
    """The first so many of the training images; None: all."""


_INTEGER_UNIFORM = Pretraining(
    "mnist",
    "tiny-cnn",
    lambda folder: train_without_sample(mnist(folder, "train")),
    lambda folder: mnist(folder, "test"),
    schedule=(3, 3, 2, 2, 1, 1),
    batch=1,
    initial=Initial.GLOROT,
    augmented=False,
)
KINDS = {
    "integer-uniform": _INTEGER_UNIFORM,
    "integer-normal": replace(_INTEGER_UNIFORM, initial=Initial.GLOROT_NORMAL),
    "few-images": replace(_INTEGER_UNIFORM, images=3500, schedule=(3,) * 4 + (2,) * 4 + (1,) * 4),
    "short": replace(_INTEGER_UNIFORM, schedule=(3,)),
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
    ),
}
"""By name; of each data set the first is the default."""


def kind_of(dataset: str) -> str:
    """The default kind on a data set."""
    return next(name for name, kind in KINDS.items() if kind.dataset == dataset)
