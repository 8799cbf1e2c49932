"""One training run: a method adapts the backbone to rotated images, here or on the device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from priot.experiments.classifier import BLOCK, right_answers
from priot.experiments.datasets.order import order_of_epoch
from priot.experiments.datasets.transfer import transfer_task
from priot.experiments.records.runs import StaticScale, TrainingRun
from priot.experiments.training.calibration import with_logit_headroom
from priot.experiments.training.configuration import Configuration
from priot.experiments.training.inputs import Inputs
from priot.experiments.training.learner import MakeLearner
from priot.experiments.training.start import starting_point
from priot.kernels.trainer import Trainer


class TrainingSession:
    """A run in progress: its images, its model, and the order in which it learns.

    Args:
        make_learner: the reference's Trainer, or the device's: the numbers are the same.

    Raises:
        UserError: when the images do not fit the network, or none are left to test on.
    """

    def __init__(
        self, configuration: Configuration, inputs: Inputs, make_learner: MakeLearner = Trainer
    ) -> None:
        chosen = self.configuration = inputs.fitted(configuration)
        self.task = transfer_task(
            inputs.source, chosen.angle, chosen.images, chosen.test_images, chosen.seed
        )
        model, scales = starting_point(
            *(inputs.backbone, chosen.method, self.task, chosen.seed),
            *(chosen.calibration, chosen.calibration_images),
        )
        if chosen.logit_headroom and scales is not None:
            scales = with_logit_headroom(scales, chosen.logit_headroom)
        self.scales = scales
        self.learner = make_learner(model, chosen.method, scales)
        self._learning_rate_bits = chosen.method.learning_rate_bits

    def order_of(self, epoch: int) -> NDArray[np.int64]:
        """The order of the task's images in an epoch, counted from 1."""
        return order_of_epoch(self.configuration.seed, epoch, len(self.task.labels))

    def train(self, order: NDArray[np.int64], epoch: int) -> None:
        """One step on each image of ``order``, with the learning rate of ``epoch``."""
        bits = self.configuration.learning_rate_bits_of(epoch)
        if bits != self._learning_rate_bits:
            self.learner.set_learning_rate_bits(bits)
            self._learning_rate_bits = bits
        self.learner.train(self.task.images, self.task.labels, order)

    def test_logits(self) -> NDArray[np.int8]:
        """Logits (N,classes) of the test images."""
        return self.learner.logits_of(self.task.test_images)

    def measure(self) -> tuple[int, int]:
        """Test images that are classified right, and their saturated logits."""
        return right_answers(self.learner, self.task.test_images, self.task.test_labels)


def train(
    configuration: Configuration,
    inputs: Inputs,
    make_learner: MakeLearner = Trainer,
    report: Callable[[int], object] = lambda images: None,
) -> TrainingRun:
    """Carry out a run and return its record, which follows from the arguments alone.

    Args:
        make_learner: as for TrainingSession.
        report: called with the number of images trained on since the last call.

    Raises:
        UserError: as TrainingSession does.
    """
    session = TrainingSession(configuration, inputs, make_learner)
    measured = [session.measure()]
    for epoch in range(1, configuration.epochs + 1):
        order = session.order_of(epoch)
        for start in range(0, len(order), BLOCK):
            block = order[start : start + BLOCK]
            session.train(block, epoch)
            report(len(block))
        if epoch in configuration.measured_epochs:
            measured.append(session.measure())
    scales = {
        str(index): StaticScale(**asdict(scale)) for index, scale in (session.scales or {}).items()
    }
    return TrainingRun(
        configuration=session.configuration.to_json()
        | {"test_images": len(session.task.test_labels)},
        label=configuration.method.label,
        **inputs.hashes,
        data=inputs.source.origin,
        scales=scales or None,
        right=tuple(right for right, _ in measured),
        saturated_logits=tuple(saturated for _, saturated in measured),
        final_state_sha256=session.learner.model.state_hash(),
    )
