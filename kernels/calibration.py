"""Static scales: chosen among the shifts that dynamic scaling would have used."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from priot.kernels.errors import KernelError
from priot.kernels.methods import Method
from priot.kernels.model import Model
from priot.kernels.trainer import Scale, Trainer


class CalibrationError(KernelError):
    """The images say nothing about a scale."""


class Statistic(Enum):
    """Which of the shifts that calibration images would have had becomes the static one."""

    FREQUENT = "the most frequent; of equally frequent ones the largest, which overflows least"
    PERCENTILE_90 = "the smallest that is large enough for nine images in ten"
    LARGEST = "the largest: nothing overflows, small values vanish"
    SMALLEST = "the smallest: small values count, large ones overflow"

    def of(self, values: Sequence[int]) -> int:
        """The chosen one of at least one value."""
        if self is Statistic.LARGEST:
            return max(values)
        if self is Statistic.SMALLEST:
            return min(values)
        if self is Statistic.PERCENTILE_90:
            return sorted(values)[math.ceil(0.9 * len(values)) - 1]
        counts = Counter(values)
        return max(counts, key=lambda value: (counts[value], value))


@dataclass(frozen=True)
class Rule:
    """How static scales are chosen: the three kinds of shifts of a layer may follow their own."""

    forward: Statistic = Statistic.FREQUENT
    backward: Statistic = Statistic.FREQUENT
    """Of errors."""
    gradient: Statistic = Statistic.FREQUENT
    """Of the width of gradients."""
    all_errors: bool = False
    """Images without any error count as shifts of 0 of errors and gradients."""


def calibrate(
    model: Model,
    method: Method,
    images: NDArray[np.int8],
    labels: NDArray[np.uint8],
    rule: Rule = Rule(),
) -> dict[int, Scale]:
    """Static scales from the shifts of dynamic ones over images (N,C,H,W), labels (N,).

    The model is not changed. An image that is classified with full confidence has an error of
    exactly zero: its zeros say nothing about the width of errors, so that it counts for the forward
    shifts alone unless the rule says otherwise.

    Raises:
        CalibrationError: when no image is given, or all have an error of zero.
    """
    trainer = Trainer(model.copy(), method, scales=None)
    everything: list[dict[int, Scale]] = []
    with_error: list[dict[int, Scale]] = []
    for image, label in zip(images, labels, strict=True):
        trainer.forward(image)
        trainer.backward(int(label))
        everything.append(trainer.used)
        if trainer.errors[-1].any():
            with_error.append(everything[-1])
    if not with_error:
        raise CalibrationError(
            f"all {len(images)} calibration images have an error of zero: "
            "calibrate on images that the backbone does not know yet"
        )
    backward = everything if rule.all_errors else with_error
    return {
        index: Scale(
            rule.forward.of([used[index].forward for used in everything]),
            rule.backward.of([used[index].backward for used in backward]),
            rule.gradient.of([used[index].gradient_bits for used in backward]),
        )
        for index in model.network.weighted
    }
