"""Static scales: the shifts that dynamic scaling would have chosen most often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from kernels.errors import KernelError
from kernels.methods import Method
from kernels.model import Model
from kernels.trainer import Scale, Trainer


class CalibrationError(KernelError):
    """The images say nothing about a scale."""


def calibrate(
    model: Model, method: Method, images: NDArray[np.int8], labels: NDArray[np.uint8]
) -> dict[int, Scale]:
    """The most frequent dynamic shifts over images (N,C,H,W), int8, with labels (N,).

    The model is not changed. An image that is classified with full confidence has an error of
    exactly zero; it counts for the forward shifts only, since its zeros say nothing about the
    width of errors. Of equally frequent shifts the largest is taken, which overflows least.

    Raises:
        CalibrationError: when no image is given, or all have an error of zero.
    """
    trainer = Trainer(model.copy(), method, scales=None)
    forward: list[dict[int, Scale]] = []
    backward: list[dict[int, Scale]] = []
    for image, label in zip(images, labels, strict=True):
        trainer.forward(image)
        trainer.backward(int(label))
        forward.append(dict(trainer.used))
        if trainer.errors[-1].any():
            backward.append(forward[-1])
    if not backward:
        raise CalibrationError(
            f"all {len(images)} calibration images have an error of zero: "
            "calibrate on images that the backbone does not know yet"
        )
    return {
        index: Scale(
            _mode(used[index].forward for used in forward),
            _mode(used[index].backward for used in backward),
            _mode(used[index].gradient_bits for used in backward),
        )
        for index in model.network.weighted
    }


def _mode(values: Iterable[int]) -> int:
    """The most frequent value, the largest of equals."""
    counts = Counter(values)
    return max(counts, key=lambda value: (counts[value], value))
