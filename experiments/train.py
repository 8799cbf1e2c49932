"""One training run: a method adapts the backbone to rotated images, here or on the device."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

import firmware_elf
from experiments.backbone import Backbone
from experiments.device import Device
from experiments.environment import environment
from experiments.errors import UserError
from experiments.simulator import simulated_pico, variant_of
from experiments.transfer import Transfer, check_images
from experiments.variants import Variant
from kernels.calibration import calibrate
from kernels.methods import Method
from kernels.model import Model, with_scores
from kernels.trainer import Scale, Trainer

BLOCK = 32  # images between two looks at the progress bar


class Predictor(Protocol):
    """Anything that classifies images."""

    def predict_all(self, images: NDArray[np.int8]) -> NDArray[np.int64]:
        """The classes (N,) of images (N,C,H,W), int8."""


class Learner(Predictor, Protocol):
    """A model in training, wherever it lives."""

    def train(
        self, images: NDArray[np.int8], labels: NDArray[np.uint8], order: NDArray[np.int64]
    ) -> None:
        """One step for each index of ``order``; images (N,C,H,W), labels (N,)."""

    @property
    def model(self) -> Model:
        """The model as training has left it."""


def starting_point(
    backbone: Backbone, method: Method, task: Transfer, seed: int
) -> tuple[Model, dict[int, Scale] | None]:
    """The model that a run starts from and its static scales (None for dynamic ones).

    Raises:
        UserError: when the task's images or labels do not fit the network.
    """
    for images, labels in (
        (task.images, task.labels),
        (task.calibration_images, task.calibration_labels),
        (task.test_images, task.test_labels),
    ):
        check_images(backbone.model.network, images, labels)
    model = with_scores(backbone.model, method, seed)
    if method.dynamic:
        return model, None
    return model, calibrate(model, method, task.calibration_images, task.calibration_labels)


def accuracy(predictor: Predictor, images: NDArray[np.int8], labels: NDArray[np.uint8]) -> float:
    """Share of images (N,C,H,W) classified as their labels (N,) say, in percent."""
    right = np.count_nonzero(predictor.predict_all(images) == labels)
    return 100 * right / len(labels)


def train(
    backbone: Backbone,
    method: Method,
    task: Transfer,
    backend: str,
    epochs: int,
    seed: int,
    elf: Path | None = None,
    variant: Variant = Variant.FAST,
) -> dict[str, Any]:
    """Train for ``epochs`` and return the record, with the accuracy before and after each epoch.

    Both backends give the same history and the same final state, since every number does.

    Raises:
        UserError: when the task does not fit the network, or leaves nothing to test on.
    """
    if not len(task.test_labels):
        raise UserError("no images are left to test on: train on fewer, or test on more than 0")
    made_with = environment(elf or firmware_elf.TRAINERS[variant])
    model, scales = starting_point(backbone, method, task, seed)
    learner: Learner
    trained_by: Variant | None = None
    if backend == "pico":
        pico = simulated_pico(elf, variant)
        trained_by = variant_of(pico)
        learner = Device(pico, model, method, scales, trained_by)
    else:
        learner = Trainer(model, method, scales)
    history = [{"epoch": 0, "test_accuracy": accuracy(learner, task.test_images, task.test_labels)}]
    count = len(task.labels)
    with tqdm(total=epochs * count, desc=method.label, unit=" images", disable=None) as bar:
        for epoch in range(1, epochs + 1):
            order = np.random.default_rng([seed, epoch]).permutation(count)
            for start in range(0, count, BLOCK):
                block = order[start : start + BLOCK]
                learner.train(task.images, task.labels, block)
                bar.update(len(block))
            percent = accuracy(learner, task.test_images, task.test_labels)
            history.append({"epoch": epoch, "test_accuracy": percent})
    return {
        "method": method.name,
        "label": method.label,
        "settings": method.settings(),
        "backbone_sha256": backbone.model.state_hash(),
        "backend": backend,
        "variant": str(trained_by) if trained_by else None,
        "epochs": epochs,
        **task.record,
        "history": history,
        "final_state_sha256": learner.model.state_hash(),
        "environment": made_with,
    }
