"""Static scales: the rules by which calibration images set them, and how much room logits get."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from experiments.datasets.transfer import CALIBRATION_IMAGES, Transfer
from kernels.calibration import CalibrationError, Rule, Statistic, calibrate
from kernels.methods import Method
from kernels.model import Model
from kernels.scale import Scale


class Calibration(NamedTuple):
    """Where static scales come from."""

    rotated: bool
    """Images are rotated like those of the task; otherwise upright, as in pre-training."""
    rule: Rule


def _uniform(statistic: Statistic) -> Rule:
    return Rule(statistic, statistic, statistic)


_RULES = {
    "": Rule(),
    "-all": Rule(all_errors=True),
    "-largest": _uniform(Statistic.LARGEST),
    "-smallest": _uniform(Statistic.SMALLEST),
    "-p90": _uniform(Statistic.PERCENTILE_90),
    "-largest-forward": Rule(forward=Statistic.LARGEST),
    "-largest-errors": Rule(backward=Statistic.LARGEST),
    "-largest-gradients": Rule(gradient=Statistic.LARGEST),
    "-p90-gradients": Rule(gradient=Statistic.PERCENTILE_90),
}
CALIBRATIONS = {
    f"{images}{suffix}": Calibration(images == "rotated", rule)
    for images in ("rotated", "upright")
    for suffix, rule in _RULES.items()
}
"""By name; the first is the default."""


def static_scales(
    model: Model, method: Method, task: Transfer, name: str, count: int = CALIBRATION_IMAGES
) -> dict[int, Scale]:
    """Static scales for a task, by one of CALIBRATIONS.

    The first ``count`` images calibrate, and CALIBRATION_IMAGES more while all of them have an
    error of zero.
    """
    rotated, rule = CALIBRATIONS[name]
    images = task.calibration_images if rotated else task.upright_images
    while True:
        try:
            return calibrate(model, method, images[:count], task.calibration_labels[:count], rule)
        except CalibrationError:
            if count >= len(images):
                raise
        count += CALIBRATION_IMAGES


def with_logit_headroom(scales: dict[int, Scale], bits: int) -> dict[int, Scale]:
    """Scales whose logits are shifted right by ``bits`` more, within 0..31."""
    last = max(scales)
    forward = min(max(0, scales[last].forward + bits), 31)
    return scales | {last: replace(scales[last], forward=forward)}
