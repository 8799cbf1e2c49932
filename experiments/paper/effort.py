"""How much is searched for the settings of a network: the same for every row of Table 1."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """What a trial of one stage of the search runs."""

    angles: tuple[float, ...]
    seeds: tuple[int, ...]
    images: int
    epochs: int


@dataclass(frozen=True)
class Effort:
    """The budget of a search."""

    dataset: str
    """Training images, of which no table is made."""
    candidates: int
    """Drawn for every method, beside the defaults with every learning rate."""
    first: Stage
    finalists: int
    """For every angle of the last stage."""
    last: Stage
    measure_every: int = 1
    """Epochs between two measurements: a search needs the last alone, and others cost time."""


EFFORTS = {
    "tiny-cnn": Effort(
        dataset="mnist-sample",
        candidates=28,  # NITI with static scales has no more in its space
        first=Stage(angles=(30.0, 60.0, 90.0), seeds=(100,), images=1024, epochs=10),
        finalists=4,
        last=Stage(
            angles=(15.0, 30.0, 45.0, 60.0, 90.0),
            seeds=(100, 101, 102, 103, 104),
            images=1024,
            epochs=20,
        ),
    ),
    "vgg11": Effort(
        dataset="cifar10-sample",
        candidates=4,
        first=Stage(angles=(30.0,), seeds=(100,), images=512, epochs=3),
        finalists=2,
        last=Stage(angles=(30.0, 45.0), seeds=(100, 101), images=1024, epochs=5),
        measure_every=5,
    ),
}
"""By network. The tiny CNN's backbone never saw its sample; VGG11's saw these images, but upright.

VGG11's budget is some 160 runs of a minute and 72 of three: six hours of one core.
"""
