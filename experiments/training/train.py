"""One training run: a method adapts the backbone to rotated images, here or on the device."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from priot.experiments.datasets.order import order_of_epoch
from priot.experiments.datasets.transfer import (
    CALIBRATION_IMAGES,
    SELECTION_IMAGES,
    Transfer,
    check_images,
    transfer_task,
)
from priot.experiments.pretraining.backbone import Backbone
from priot.experiments.training.calibration import (
    DEFAULT_CALIBRATION,
    static_scales,
    with_logit_headroom,
)
from priot.experiments.training.configuration import Configuration, epochs_to_measure
from priot.experiments.training.inputs import Inputs
from priot.kernels.methods import Method
from priot.kernels.model import Model, with_scores
from priot.kernels.selection import gradient_magnitudes
from priot.kernels.trainer import Scale, Trainer

SATURATED = 127  # a logit of this magnitude was clipped, or would have been a step further
BLOCK = 32  # images between two reports of progress


class Classifier(Protocol):
    """Anything that classifies images."""

    def logits_of(self, images: NDArray[np.int8]) -> NDArray[np.int8]:
        """The logits (N,classes) of images (N,C,H,W)."""


class Learner(Classifier, Protocol):
    """A model in training, wherever it lives."""

    def train(
        self, images: NDArray[np.int8], labels: NDArray[np.uint8], order: NDArray[np.int64]
    ) -> None:
        """One step for each index of ``order``; images (N,C,H,W), labels (N,)."""

    def set_learning_rate_bits(self, bits: int) -> None:
        """Of the steps from now on."""

    @property
    def model(self) -> Model:
        """The model as training has left it."""


MakeLearner = Callable[[Model, Method, dict[int, Scale] | None], Learner]


def starting_point(
    backbone: Backbone,
    method: Method,
    task: Transfer,
    seed: int,
    calibration: str | None = None,
    calibration_images: int = CALIBRATION_IMAGES,
) -> tuple[Model, dict[int, Scale] | None]:
    """The model that a run starts from and its static scales (None for dynamic ones).

    ``calibration`` is one of CALIBRATIONS, None the default.

    Raises:
        KernelError: when the images that choose edges or calibrate say nothing.
        UserError: when the task's images or labels do not fit the network.
    """
    for images, labels in (
        (task.images, task.labels),
        (task.calibration_images, task.calibration_labels),
        (task.test_images, task.test_labels),
    ):
        check_images(backbone.model.network, images, labels)
    model = scored_model(backbone, method, task, seed)
    if method.dynamic:
        return model, None
    rule = calibration or DEFAULT_CALIBRATION
    return model, static_scales(model, method, task, rule, calibration_images)


def scored_model(backbone: Backbone, method: Method, task: Transfer, seed: int) -> Model:
    """The backbone with the scores that ``method`` begins with, if it trains any.

    Raises:
        SelectionError: when edges are chosen by gradient, but no image has any.
    """
    gradients = None
    if method.selection == "gradient":
        gradients = gradient_magnitudes(
            backbone.model,
            method.rounding,
            task.calibration_images[:SELECTION_IMAGES],
            task.calibration_labels[:SELECTION_IMAGES],
        )
    return with_scores(backbone.model, method, seed, gradients)


def right_answers(
    classifier: Classifier, images: NDArray[np.int8], labels: NDArray[np.uint8]
) -> tuple[int, int]:
    """How many images (N,C,H,W) are classified as their labels (N,) say, and saturated logits."""
    logits = classifier.logits_of(images)
    right = np.count_nonzero(logits.argmax(axis=1) == labels)
    return int(right), int(np.count_nonzero(np.abs(logits) >= SATURATED))


class Session:
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
) -> dict[str, Any]:
    """Carry out a run and return its record, which follows from the arguments alone.

    Args:
        make_learner: as for Session.
        report: called with the number of images trained on since the last call.

    Raises:
        UserError: as Session does.
    """
    session = Session(configuration, inputs, make_learner)
    measured = [session.measure()]
    for epoch in range(1, configuration.epochs + 1):
        order = session.order_of(epoch)
        for start in range(0, len(order), BLOCK):
            block = order[start : start + BLOCK]
            session.train(block, epoch)
            report(len(block))
        if epoch in configuration.measured_epochs:
            measured.append(session.measure())
    scales = session.scales or {}
    return {
        "configuration": session.configuration.to_json()
        | {"test_images": len(session.task.test_labels)},
        "label": configuration.method.label,
        **inputs.hashes,
        "data": inputs.source.origin,
        "scales": {str(index): asdict(scale) for index, scale in scales.items()} or None,
        "right": [right for right, _ in measured],
        "saturated_logits": [saturated for _, saturated in measured],
        "final_state_sha256": session.learner.model.state_hash(),
    }


def accuracy_by_epoch(record: Mapping[str, Any]) -> list[float]:
    """Accuracy before training and after each of ``measured_epochs``, in percent."""
    return [100 * right / record["configuration"]["test_images"] for right in record["right"]]


def measured_epochs(record: Mapping[str, Any]) -> tuple[int, ...]:
    """The epochs after which accuracy was measured; 0 is before training."""
    configuration = record["configuration"]
    return epochs_to_measure(configuration["epochs"], configuration.get("measure_every", 1))
