"""Static scales: the rules by which calibration images set them, and how much room logits get."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from priot.experiments.datasets.transfer import Transfer
from priot.experiments.defaults import CALIBRATION_IMAGES
from priot.kernels.calibration import CalibrationError, Rule, Statistic, calibrate
from priot.kernels.methods import Method
from priot.kernels.model import Model
from priot.kernels.scale import Scale


class Calibration(NamedTuple):
    """Where static scales come from."""

    rotated: bool
    """Images are rotated like those of the task; otherwise upright, as in pre-training."""
    rule: Rule
    logit_headroom: int = 0
    """Bits added to the shift of the logits."""


def _uniform(statistic: Statistic) -> Rule:
    return Rule(statistic, statistic, statistic)


_RULES = {
    "": (Rule(), 0),
    "-headroom": (Rule(), 2),
    "-all": (Rule(all_errors=True), 0),
    "-largest": (_uniform(Statistic.LARGEST), 0),
    "-smallest": (_uniform(Statistic.SMALLEST), 0),
    "-p90": (_uniform(Statistic.PERCENTILE_90), 0),
    "-largest-forward": (Rule(forward=Statistic.LARGEST), 0),
    "-largest-errors": (Rule(backward=Statistic.LARGEST), 0),
    "-largest-gradients": (Rule(gradient=Statistic.LARGEST), 0),
    "-p90-gradients": (Rule(gradient=Statistic.PERCENTILE_90), 0),
}
CALIBRATIONS = {
    f"{images}{suffix}": Calibration(images == "rotated", *rule)
    for images in ("rotated", "upright")
    for suffix, rule in _RULES.items()
}
"""By name."""


def static_scales(
    model: Model, method: Method, task: Transfer, name: str, count: int = CALIBRATION_IMAGES
) -> dict[int, Scale]:
    """Static scales for a task, by one of CALIBRATIONS.

    The first ``count`` images calibrate, and CALIBRATION_IMAGES more while all of them have an
    error of zero.
    """
    chosen = CALIBRATIONS[name]
    images = task.calibration_images if chosen.rotated else task.upright_images
    while True:
        try:
            labels = task.calibration_labels[:count]
            scales = calibrate(model, method, images[:count], labels, chosen.rule)
            return with_logit_headroom(scales, chosen.logit_headroom)
        except CalibrationError:
            if count >= len(images):
                raise
        count += CALIBRATION_IMAGES


def with_logit_headroom(scales: dict[int, Scale], bits: int) -> dict[int, Scale]:
    """Scales whose logits are shifted right by ``bits`` more, within 0..31."""
    last = max(scales)
    forward = min(max(0, scales[last].forward + bits), 31)
    return scales | {last: replace(scales[last], forward=forward)}
