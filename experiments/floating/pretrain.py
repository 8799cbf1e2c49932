"""Pre-trains a network in float32 with PyTorch; its weights as int8 are a backbone."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from priot.experiments.classifier import right_answers as integer_right_answers
from priot.experiments.datasets.augmentation import Augmentation
from priot.experiments.datasets.mnist import Images
from priot.experiments.datasets.order import order_of_epoch
from priot.experiments.datasets.rotation import as_input
from priot.experiments.datasets.transfer import check_images
from priot.experiments.environment import environment
from priot.experiments.floating.modules import (
    as_floats,
    deterministic,
    hash_of,
    module_of,
    right_answers,
    weights_of,
)
from priot.experiments.floating.plan import FloatPlan, Optimiser
from priot.experiments.floating.quantisation import Quantisation, quantised_model
from priot.experiments.floating.static_inference import (
    CALIBRATION_IMAGES,
    static_classifier,
    static_shifts,
)
from priot.experiments.pretraining.backbone import Backbone, backbone_record
from priot.experiments.progress import ProgressBar
from priot.kernels.methods import METHODS
from priot.kernels.model import Model
from priot.kernels.network import Network
from priot.kernels.trainer import Trainer

INITIAL = "uniform within 1 / sqrt(fan-in), PyTorch's default"


def float_pretrain(
    network: Network, training: Images, test: Images, plan: FloatPlan, rule: Quantisation
) -> Backbone:
    """Train ``network`` on upright images in float32, then quantise its weights by ``rule``.

    The record holds accuracies on ``test`` in percent: in float32 after every epoch, and those of
    the int8 weights, with dynamic scales and with static ones by every rule.

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
    model, clipped = quantised_model(network, weights, rule)
    settings = asdict(plan) | {"optimiser": plan.optimiser.value}
    del settings["schedule"]  # as the history tells it
    record = backbone_record(
        model,
        arithmetic="float32",
        initial=INITIAL,
        **settings,
        training_data={"origin": training.origin, "sha256": training.sha256},
        test_data={"origin": test.origin, "sha256": test.sha256},
        history=history,
        float32_sha256=hash_of(weights),
        quantisation={"rule": rule.value, "share": rule.share, "clipped": _by_name(clipped)},
        quantised=_accuracies(model, images[:CALIBRATION_IMAGES], test_images, test.labels),
        environment=environment(),
    )
    return Backbone(model, record)


def _accuracies(
    model: Model,
    calibration_images: NDArray[np.int8],
    images: NDArray[np.int8],
    labels: NDArray[np.uint8],
) -> dict[str, Any]:
    """By scales of the activations: accuracy in percent and, of static ones, their shifts."""

    def accuracy(classifier: Trainer) -> dict[str, Any]:
        right, _ = integer_right_answers(classifier, images, labels)
        return {"test_accuracy": 100 * right / len(labels)}

    found = {"dynamic": accuracy(Trainer(model.copy(), METHODS["niti-dynamic"], scales=None))}
    for rule in Quantisation:
        shifts = static_shifts(model, calibration_images, rule)
        found[f"static, {rule.value}"] = accuracy(static_classifier(model, shifts)) | {
            "calibration_images": len(calibration_images),
            "share": rule.share,
            "shifts": _by_name(shifts),
        }
    return found


def _by_name(numbers: dict[int, int]) -> dict[str, int]:
    return {str(index): number for index, number in numbers.items()}


def _train(
    module: nn.Sequential,
    images: NDArray[np.int8],
    labels: NDArray[np.uint8],
    test_images: NDArray[np.int8],
    test_labels: NDArray[np.uint8],
    plan: FloatPlan,
) -> list[dict[str, Any]]:
    """Train in place; returns an entry for every epoch."""
    optimiser, loss = _optimiser(module, plan.optimiser), nn.CrossEntropyLoss()
    targets = torch.from_numpy(labels.astype(np.int64))
    history = []
    with ProgressBar(len(images) * len(plan.schedule), "images") as bar:
        for epoch, rate in enumerate(plan.schedule, start=1):
            bar.describe(f"epoch {epoch}/{len(plan.schedule)}")
            for group in optimiser.param_groups:
                group["lr"] = rate
            order = order_of_epoch(plan.seed, epoch, len(images))
            augmentation = Augmentation.of_epoch(len(images), plan.seed, epoch)
            for start in range(0, len(order), plan.batch):
                chosen = order[start : start + plan.batch]
                some = augmentation.apply(images, chosen) if plan.augmented else images[chosen]
                optimiser.zero_grad()
                loss(module(as_floats(some)), targets[chosen]).backward()
                optimiser.step()
                bar.update(len(chosen))
            percent = (
                100 * right_answers(module, as_floats(test_images), test_labels) / len(test_labels)
            )
            history.append({"epoch": epoch, "learning_rate": rate, "test_accuracy": percent})
            bar.describe(f"epoch {epoch}/{len(plan.schedule)}, {percent:.2f} % right")
    return history


def _optimiser(module: nn.Sequential, chosen: Optimiser) -> torch.optim.Optimizer:
    """For all weights of the module; every epoch sets its learning rate."""
    if chosen is Optimiser.ADAM:
        return torch.optim.Adam(module.parameters())
    return torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
