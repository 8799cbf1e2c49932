"""Pre-trains a backbone in float32 with PyTorch, and quantises its weights afterwards."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from tqdm import tqdm

from experiments.datasets.augmentation import Augmentation
from experiments.datasets.mnist import Images
from experiments.datasets.rotation import as_input
from experiments.datasets.transfer import check_images
from experiments.environment import environment
from experiments.errors import UserError
from experiments.floating.modules import (
    as_floats,
    deterministic,
    hash_of,
    module_of,
    right_answers,
    weights_of,
)
from experiments.floating.quantisation import Quantisation, quantised_model
from experiments.floating.static_inference import forward_shifts, static_classifier
from experiments.pretraining.backbone import Backbone, backbone_record
from experiments.training.train import right_answers as integer_right_answers
from kernels.methods import METHODS
from kernels.network import Network
from kernels.trainer import Trainer

ARITHMETIC = "float32"
INITIAL = "uniform within 1 / sqrt(fan-in), PyTorch's default"
CALIBRATION_IMAGES = 1024
"""The first of the training images, which set static scales of activations."""
STATIC_SHARES = {"min-max": 1.0, "percentile": 0.99}
"""Static scales of activations: images whose sums they hold without overflow."""


class Optimiser(Enum):
    """What makes steps of gradients; PyTorch's defaults where nothing else is said."""

    ADAM = "Adam"
    SGD = "SGD"
    """With a momentum of 0.9 and a weight decay of 5e-4."""


@dataclass(frozen=True)
class FloatPlan:
    """What pre-training in float32 follows from, beside the network and the images.

    Raises:
        UserError: for a batch, seed or learning rate out of range.
    """

    schedule: tuple[float, ...]
    """Learning rate of each epoch."""
    optimiser: Optimiser
    batch: int
    seed: int = 0
    """Of first weights, order and augmentation."""
    augmented: bool = False
    """Whether an epoch shifts and mirrors the images (experiments.datasets.augmentation)."""
    threads: int = 1
    """Sums depend on it in their last bits."""

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise UserError(f"a batch of {self.batch} images: take 1 or more")
        if self.seed < 0:
            raise UserError(f"seed {self.seed}: a seed is 0 or more")
        for rate in self.schedule:
            if not 0 < rate < 1000:
                raise UserError(f"a learning rate of {rate:g}: take one above 0 and below 1000")

    def order_of(self, epoch: int, images: int) -> NDArray[np.int64]:
        """The order of images in an epoch, counted from 0."""
        return np.random.default_rng([self.seed, epoch + 1]).permutation(images)

    def make_optimiser(self, module: nn.Module) -> torch.optim.Optimizer:
        """For all of the module's weights; its learning rate is still to be set."""
        if self.optimiser is Optimiser.ADAM:
            return torch.optim.Adam(module.parameters())
        return torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)


def float_pretrain(
    network: Network,
    training: Images,
    test: Images,
    plan: FloatPlan,
    quantisation: Quantisation,
    share: float,
) -> Backbone:
    """Train ``network`` on upright images in float32; its weights as int8 are the backbone.

    The record holds the accuracy on ``test`` in percent: in float32 after every epoch, then that of
    the int8 weights with dynamic and with static scales of activations.

    Args:
        share: of each tensor's weights that fit (experiments.floating.quantisation).

    Raises:
        UserError: when the images or labels do not fit the network, or training diverged.
    """
    images, test_images = as_input(training.pixels), as_input(test.pixels)
    for inputs, labels in ((images, training.labels), (test_images, test.labels)):
        check_images(network, inputs, labels)
    with deterministic(plan.seed, plan.threads):
        module = module_of(network)
        history = _train(module, images, training.labels, test_images, test.labels, plan)
    weights = weights_of(module, network)
    model, clipped = quantised_model(network, weights, share)

    def percent(classifier: Trainer) -> float:
        right, _ = integer_right_answers(classifier, test_images, test.labels)
        return 100 * right / len(test)

    shifts = forward_shifts(model, images[:CALIBRATION_IMAGES])
    accuracy = {
        "float32": history[-1]["test_accuracy"],
        "dynamic": percent(Trainer(model.copy(), METHODS["niti-dynamic"], scales=None)),
    } | {
        f"static {name}": percent(static_classifier(model, shifts, enough))
        for name, enough in STATIC_SHARES.items()
    }
    record = backbone_record(
        model,
        arithmetic=ARITHMETIC,
        initial=INITIAL,
        **asdict(plan) | {"optimiser": plan.optimiser.value},
        training_data={"origin": training.origin, "sha256": training.sha256},
        test_data={"origin": test.origin, "sha256": test.sha256},
        history=history,
        float32_sha256=hash_of(weights),
        quantisation={
            "weights": quantisation.value,
            "share": share,
            "clipped": {str(index): count for index, count in clipped.items()},
            "calibration_images": CALIBRATION_IMAGES,
            "static_shares": STATIC_SHARES,
        },
        test_accuracy=accuracy,
        environment=environment(),
    )
    return Backbone(model, record)


def _train(
    module: nn.Module,
    images: NDArray[np.int8],
    labels: NDArray[np.uint8],
    test_images: NDArray[np.int8],
    test_labels: NDArray[np.uint8],
    plan: FloatPlan,
) -> list[dict[str, Any]]:
    """Train in place; returns one entry for each epoch."""
    optimiser, loss = plan.make_optimiser(module), nn.CrossEntropyLoss()
    targets = torch.from_numpy(labels.astype(np.int64))
    history = []
    with tqdm(total=len(images) * len(plan.schedule), unit=" images", disable=None) as bar:
        for epoch, rate in enumerate(plan.schedule):
            bar.set_description(f"epoch {epoch + 1}/{len(plan.schedule)}")
            for group in optimiser.param_groups:
                group["lr"] = rate
            order = plan.order_of(epoch, len(images))
            augmentation = Augmentation.of_epoch(len(images), plan.seed, epoch + 1)
            for start in range(0, len(order), plan.batch):
                chosen = order[start : start + plan.batch]
                some = augmentation.apply(images, chosen) if plan.augmented else images[chosen]
                optimiser.zero_grad()
                loss(module(as_floats(some)), targets[chosen]).backward()
                optimiser.step()
                bar.update(len(chosen))
            percent = 100 * right_answers(module, test_images, test_labels) / len(test_labels)
            history.append({"epoch": epoch + 1, "learning_rate": rate, "test_accuracy": percent})
            bar.set_postfix_str(f"{percent:.2f} % right")
    return history
