"""Pre-trains a backbone from random weights with dynamic-scale NITI, in integers alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from experiments.backbone import Backbone, backbone_record
from experiments.datasets import Images
from experiments.environment import environment
from experiments.rotation import quantise
from experiments.train import BLOCK, right_answers
from experiments.transfer import check_images
from kernels.methods import method
from kernels.model import initial_model
from kernels.network import Network
from kernels.trainer import Trainer


def pretrain(
    network: Network, training: Images, test: Images, schedule: tuple[int, ...], seed: int
) -> Backbone:
    """Train ``network`` on upright images, one epoch per entry of ``schedule``.

    An entry is an epoch's learning-rate bits; steps that shrink follow NITI's own schedule.

    First weights and the order of images follow from ``seed`` alone. The record holds the accuracy
    on ``test`` after every epoch, in percent.

    Raises:
        UserError: when the images or labels do not fit the network.
    """
    images, labels = as_input(training), training.labels
    test_images = as_input(test)
    check_images(network, images, labels)
    model = initial_model(network, seed)
    history = []
    for epoch, bits in enumerate(schedule, start=1):
        settings = method("niti-dynamic", learning_rate_bits=bits)
        trainer = Trainer(model, settings, scales=None)
        order = np.random.default_rng([seed, epoch]).permutation(len(labels))
        with tqdm(
            total=len(order), desc=f"epoch {epoch}/{len(schedule)}", unit=" images", disable=None
        ) as bar:
            for start in range(0, len(order), BLOCK):
                block = order[start : start + BLOCK]
                trainer.train(images, labels, block)
                bar.update(len(block))
        right, _ = right_answers(trainer, test_images, test.labels)
        percent = 100 * right / len(test)
        history.append({"epoch": epoch, "learning_rate_bits": bits, "test_accuracy": percent})
    record = backbone_record(
        model,
        method="niti-dynamic",
        rounding=settings.rounding.label,
        seed=seed,
        training_data={"origin": training.origin, "sha256": training.sha256},
        test_data={"origin": test.origin, "sha256": test.sha256},
        history=history,
        environment=environment(),
    )
    return Backbone(model, record)


def as_input(images: Images) -> NDArray[np.int8]:
    """Pixels as a network takes them: int8 (N,1,28,28)."""
    return quantise(images.pixels)[:, np.newaxis]
