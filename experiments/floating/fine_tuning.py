"""A transfer in float32 with PyTorch: the backbone's weights learn rotated images by plain SGD."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from priot.experiments.datasets.order import order_of_epoch
from priot.experiments.datasets.transfer import transfer_task
from priot.experiments.environment import environment
from priot.experiments.floating.configuration import FloatConfiguration, Trained
from priot.experiments.floating.modules import (
    as_floats,
    deterministic,
    float_weights,
    hash_of,
    module_with,
    outputs_of,
    right_answers,
    weights_of,
)
from priot.experiments.records.runs import FloatRun
from priot.experiments.training.inputs import Inputs


def fine_tune(
    configuration: FloatConfiguration,
    inputs: Inputs,
    report: Callable[[int], object] = lambda images: None,
) -> FloatRun:
    """Carry out a run on one thread and return its record.

    It follows from the arguments, and in its last bits from PyTorch and the machine.

    Args:
        report: called after an epoch with the number of its images.

    Raises:
        UserError: when the images do not fit the network, or none are left to test on.
    """
    chosen = inputs.fitted(configuration.like_integers())
    task = transfer_task(
        inputs.source, chosen.angle, chosen.images, chosen.test_images, chosen.seed
    )
    network = inputs.backbone.model.network
    with deterministic(chosen.seed, threads=1):
        module = module_with(network, float_weights(inputs.backbone.model))
        first = network.weighted[-1] if configuration.trained is Trained.LAST else 0
        # What lies before the first layer that learns gives the same outputs throughout.
        images, test_images = (
            outputs_of(module[:first], as_floats(some)) for some in (task.images, task.test_images)
        )
        learning = module[first:]
        optimiser = torch.optim.SGD(learning.parameters(), lr=configuration.learning_rate)
        labels = torch.from_numpy(task.labels.astype(np.int64))
        right = [right_answers(learning, test_images, task.test_labels)]
        for epoch in range(1, chosen.epochs + 1):
            order = order_of_epoch(chosen.seed, epoch, len(labels))
            _train(learning, optimiser, images, labels, order)
            report(len(order))
            if epoch in chosen.measured_epochs:
                right.append(right_answers(learning, test_images, task.test_labels))
    return FloatRun(
        configuration=configuration.to_json()
        | {"network": network.name, "test_images": len(task.test_labels)},
        label=configuration.label,
        **inputs.hashes,
        data=inputs.source.origin,
        right=tuple(right),
        final_state_sha256=hash_of(weights_of(module, network)),
        torch=environment()["torch"],
    )


def _train(
    module: nn.Module,
    optimiser: torch.optim.Optimizer,
    images: torch.Tensor,
    labels: torch.Tensor,
    order: NDArray[np.int64],
) -> None:
    """A step on each image of ``order``."""
    loss = nn.CrossEntropyLoss()
    for index in order.tolist():
        optimiser.zero_grad()
        loss(module(images[index : index + 1]), labels[index : index + 1]).backward()
        optimiser.step()
