"""What became of a run: whether it collapsed, whether its logits overflowed, and at which scale."""

from __future__ import annotations

from priot.experiments.records.runs import Run, TrainingRun
from priot.kernels.model import INPUT_EXPONENT, Model

CLASSES = 10  # of MNIST and CIFAR-10
CHANCE = 100 / CLASSES  # percent
OVERFLOWED = 50.0  # percent of the test images' logits that are saturated


def collapsed(record: Run) -> bool:
    """Training destroyed what was there.

    The run ended below half of its own best accuracy, or below both twice chance and where it
    began; one that never learnt anything has not collapsed.
    """
    accuracy = record.accuracy_by_epoch
    final = accuracy[-1]
    return final < max(accuracy) / 2 or final < min(2 * CHANCE, accuracy[0])


def saturated_by_epoch(record: TrainingRun) -> list[float]:
    """Saturated logits of the test images where accuracy was measured, in percent."""
    logits = record.test_images * CLASSES
    return [100 * count / logits for count in record.saturated_logits]


def overflowed(record: TrainingRun) -> bool:
    """At the end of some epoch at least OVERFLOWED percent of the logits were saturated."""
    return max(saturated_by_epoch(record)) >= OVERFLOWED


def logit_exponent(record: TrainingRun, backbone: Model) -> int:
    """A run's logits are int8 times two to this power: what its static scales come to."""
    shifts = [scale.forward for scale in (record.scales or {}).values()]
    return INPUT_EXPONENT + sum(backbone.exponents.values()) + sum(shifts)
