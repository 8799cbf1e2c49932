"""How much is searched for the settings of a network: the same for every row of Table 1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Space = dict[str, tuple[Any, ...]]
"""Values of every setting."""


def _spaces(bits_of_weights: range, bits_of_scores: range) -> dict[str, Space]:
    """By method: with these learning-rate bits."""
    rounding: Space = {"rounding": ("pseudo-stochastic", "nearest")}
    calibration: Space = {"calibration": ("rotated", "rotated-headroom", "upright")}
    weights: Space = {"learning_rate_bits": tuple(bits_of_weights)}
    scores: Space = {
        "learning_rate_bits": tuple(bits_of_scores),
        "threshold": (-96, -64, -32, -16, 0),
        "score_spread": (8, 16, 32, 48),
    }
    double: Space = {"double_threshold": (32, 64, 96)}
    return {
        "niti-dynamic": weights | rounding,
        "niti-static": weights | rounding | calibration,
        "priot": scores | rounding | calibration,
        "priot-ternary": scores | double | rounding | calibration,
        "priot-s": scores | rounding | calibration,
    }


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
    spaces: Mapping[str, Space]
    """By method."""
    first: Stage
    finalists: int
    """For every angle of the last stage, beside the common setting."""
    last: Stage
    rounds: int = 1
    """Of looking along the lines through the best."""
    measure_every: int = 1
    """Epochs between two measurements: a search needs the last alone, and others cost time."""


EFFORTS = {
    "tiny-cnn": Effort(
        dataset="mnist-sample",
        spaces=_spaces(bits_of_weights=range(1, 8), bits_of_scores=range(3, 8)),
        first=Stage(angles=(30.0, 60.0, 90.0), seeds=(100,), images=1024, epochs=10),
        finalists=4,
        last=Stage(
            angles=(15.0, 30.0, 45.0, 60.0, 90.0),
            seeds=(100, 101, 102, 103, 104),
            images=1024,
            epochs=20,
        ),
        measure_every=20,
    ),
    "vgg11": Effort(
        dataset="cifar10-sample",
        # Many more weights move the logits at each step: smaller updates are worth a try.
        spaces=_spaces(bits_of_weights=range(7), bits_of_scores=range(1, 7)),
        first=Stage(angles=(30.0,), seeds=(100,), images=512, epochs=2),
        finalists=3,
        last=Stage(angles=(30.0,), seeds=(100, 101), images=512, epochs=2),
        rounds=2,
        measure_every=4,
    ),
}
"""By network. The tiny CNN's backbone never saw its sample; VGG11's saw these images, but upright.

VGG11's budget is some 200 runs of a quarter of a minute: less than an hour of one core.
"""
