"""Pre-trains a backbone from random weights with dynamic-scale NITI, in integers alone."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from priot.experiments.classifier import BLOCK, right_answers
from priot.experiments.datasets.augmentation import Augmentation
from priot.experiments.datasets.mnist import Images
from priot.experiments.datasets.order import order_of_epoch
from priot.experiments.datasets.rotation import as_input
from priot.experiments.datasets.transfer import check_images
from priot.experiments.environment import environment
from priot.experiments.errors import UserError
from priot.experiments.pretraining.backbone import Backbone, backbone_record
from priot.experiments.pretraining.checkpoint import Checkpoint, Progress
from priot.experiments.progress import ProgressBar
from priot.experiments.ranges import check_seed
from priot.kernels.methods import Method, method
from priot.kernels.model import Initial, initial_model
from priot.kernels.network import Network
from priot.kernels.trainer import Trainer

CHECKPOINT_SECONDS = 120
METHOD = "niti-dynamic"


@dataclass(frozen=True)
class Plan:
    """What pre-training follows from, beside the network and the images.

    Raises:
        UserError: for a batch or seed out of range.
    """

    schedule: tuple[int, ...]
    """Learning-rate bits of each epoch; steps that shrink follow NITI's own schedule."""
    seed: int = 0
    """Of first weights, order and augmentation."""
    batch: int = 1
    """Images of one update."""
    initial: Initial = Initial.GLOROT
    """How first weights are drawn."""
    augmented: bool = False
    """Whether an epoch shifts and mirrors the images (priot.experiments.datasets.augmentation)."""

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise UserError(f"a batch of {self.batch} images: take 1 or more")
        check_seed(self.seed)

    def method_of(self, epoch: int) -> Method:
        """Of an epoch, counted from 0."""
        return method(METHOD, learning_rate_bits=self.schedule[epoch])


def pretrain(
    network: Network,
    training: Images,
    test: Images,
    plan: Plan,
    checkpoint: Path | None = None,
    threads: int = 1,
) -> Backbone:
    """Train ``network`` on upright images, one epoch per entry of the plan's schedule.

    The record holds the accuracy on ``test`` after every epoch, in percent.

    Args:
        checkpoint: written every CHECKPOINT_SECONDS and after each epoch. Where there is one of the
            same training, it is continued; the result is the same to the last bit.
        threads: of the matrix products of a batch; they change no number.

    Raises:
        UserError: when the images or labels do not fit the network, or the checkpoint does not
            fit the training.
    """
    images, test_images = as_input(training.pixels), as_input(test.pixels)
    for inputs, labels in ((images, training.labels), (test_images, test.labels)):
        check_images(network, inputs, labels)
    methods = [plan.method_of(epoch) for epoch in range(len(plan.schedule))]
    identity = {
        "network": network.to_json(),
        "method": METHOD,
        "rounding": methods[0].rounding.label,
        **asdict(plan),
        "initial": plan.initial.value,
        "training_data": {"origin": training.origin, "sha256": training.sha256},
        "test_data": {"origin": test.origin, "sha256": test.sha256},
    }
    model = initial_model(network, plan.seed, plan.initial)
    file = None if checkpoint is None else Checkpoint(checkpoint, identity)
    progress = Progress() if file is None else file.restore(model)
    with ProgressBar(
        len(images) * len(methods), "images", len(images) * progress.epochs + progress.images
    ) as bar:
        while progress.epochs < len(methods):
            epoch = progress.epochs
            bar.describe(f"epoch {epoch + 1}/{len(methods)}")
            matrices = True if plan.batch > 1 else None
            trainer = Trainer(
                model, methods[epoch], scales=None, matrices=matrices, threads=threads
            )
            _train_epoch(trainer, images, training.labels, plan, progress, file, bar)
            right, _ = right_answers(trainer, test_images, test.labels)
            percent = 100 * right / len(test)
            entry = {
                "epoch": epoch + 1,
                "learning_rate_bits": plan.schedule[epoch],
                "test_accuracy": percent,
            }
            progress = Progress(epoch + 1, 0, (*progress.history, entry))
            if file is not None:
                file.save(model, progress)
            bar.describe(f"epoch {epoch + 1}/{len(methods)}, {percent:.2f} % right")
    made = {name: value for name, value in identity.items() if name not in ("network", "schedule")}
    record = backbone_record(
        model, **made, history=list(progress.history), environment=environment()
    )
    return Backbone(model, record)


def _train_epoch(
    trainer: Trainer,
    images: NDArray[np.int8],
    labels: NDArray[np.uint8],
    plan: Plan,
    progress: Progress,
    file: Checkpoint | None,
    bar: ProgressBar,
) -> None:
    """The rest of the epoch that ``progress`` is in."""
    order = order_of_epoch(plan.seed, progress.epochs + 1, len(images))
    augmentation = Augmentation.of_epoch(len(images), plan.seed, progress.epochs + 1)
    block = plan.batch * max(1, BLOCK // plan.batch)
    saved = time.monotonic()
    for start in range(progress.images, len(order), block):
        chosen = order[start : start + block]
        if plan.augmented:
            some = augmentation.apply(images, chosen)
            trainer.train(some, labels[chosen], np.arange(len(chosen)), plan.batch)
        else:
            trainer.train(images, labels, chosen, plan.batch)
        bar.update(len(chosen))
        if file is not None and time.monotonic() - saved > CHECKPOINT_SECONDS:
            file.save(trainer.model, replace(progress, images=start + len(chosen)))
            saved = time.monotonic()
