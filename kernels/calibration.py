"""Static scales: chosen among the shifts that dynamic scaling would have used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from kernels.errors import KernelError
from kernels.methods import Method
from kernels.model import Model
from kernels.trainer import Scale, Trainer


class CalibrationError(KernelError):
    """The images say nothing about a scale."""


class Statistic(Enum):
    """Which of the shifts that calibration images would have had becomes the static one."""

    FREQUENT = "the most frequent, leaving images without error out of the backward pass"
    FREQUENT_OF_ALL = "the most frequent, counting images without error as shifts of 0"
    LARGEST = "the largest: nothing overflows, small values vanish"
    SMALLEST = "the smallest of those with an error: small values count, large ones overflow"


def calibrate(
    model: Model,
    method: Method,
    images: NDArray[np.int8],
    labels: NDArray[np.uint8],
    statistic: Statistic = Statistic.FREQUENT,
) -> dict[int, Scale]:
    """Static scales from the shifts of dynamic ones over images (N,C,H,W), labels (N,).

    The model is not changed. An image that is classified with full confidence has an error of
    exactly zero: its zeros say nothing about the width of errors. Of equally frequent shifts the
    largest is taken, which overflows least.

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
    choose = _CHOICES[statistic]
    backward = everything if statistic is Statistic.FREQUENT_OF_ALL else with_error
    return {
        index: Scale(
            choose([used[index].forward for used in everything]),
            choose([used[index].backward for used in backward]),
            choose([used[index].gradient_bits for used in backward]),
        )
        for index in model.network.weighted
    }


def _most_frequent(values: Iterable[int]) -> int:
    """The largest of equals."""
    counts = Counter(values)
    return max(counts, key=lambda value: (counts[value], value))


_CHOICES: dict[Statistic, Callable[[Iterable[int]], int]] = {
    Statistic.FREQUENT: _most_frequent,
    Statistic.FREQUENT_OF_ALL: _most_frequent,
    Statistic.LARGEST: max,
    Statistic.SMALLEST: min,
}
