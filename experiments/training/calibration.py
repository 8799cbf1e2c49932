"""Static scales: the rules by which calibration images set them, and how much room logits get."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from experiments.datasets.transfer import CALIBRATION_IMAGES, Transfer
from kernels.calibration import CalibrationError, Statistic, calibrate
from kernels.methods import Method
from kernels.model import Model
from kernels.scale import Scale


class Calibration(NamedTuple):
    """A rule for static scales."""

    rotated: bool
    """Its images are rotated like those of the task; otherwise upright, as in pre-training."""
    statistic: Statistic


_STATISTICS = {
    "": Statistic.FREQUENT,
    "-all": Statistic.FREQUENT_OF_ALL,
    "-largest": Statistic.LARGEST,
    "-smallest": Statistic.SMALLEST,
}
CALIBRATIONS = {
    f"{images}{suffix}": Calibration(images == "rotated", statistic)
    for images in ("rotated", "upright")
    for suffix, statistic in _STATISTICS.items()
}
"""Rules by name; the first is the default."""


def static_scales(model: Model, method: Method, task: Transfer, name: str) -> dict[int, Scale]:
    """Static scales for a task, by one of CALIBRATIONS.

    CALIBRATION_IMAGES calibrate, and as many again while all of them have an error of zero.
    """
    rule = CALIBRATIONS[name]
    images = task.calibration_images if rule.rotated else task.upright_images
    count = CALIBRATION_IMAGES
    while True:
        try:
            labels = task.calibration_labels[:count]
            return calibrate(model, method, images[:count], labels, rule.statistic)
        except CalibrationError:
            if count >= len(images):
                raise
        count += CALIBRATION_IMAGES


def with_logit_headroom(scales: dict[int, Scale], bits: int) -> dict[int, Scale]:
    """Scales whose logits are shifted right by ``bits`` more, within 0..31."""
    last = max(scales)
    forward = min(max(0, scales[last].forward + bits), 31)
    return scales | {last: replace(scales[last], forward=forward)}
