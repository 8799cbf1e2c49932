"""The same network in float32 on PyTorch's CPU backend, trained at batch size 1 by plain SGD."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from priot.experiments.datasets.transfer import Transfer
from priot.experiments.floating.modules import as_floats, float_weights, module_with
from priot.kernels.model import Model

LEARNING_RATE = 0.01


def float_training(model: Model, task: Transfer) -> Callable[[], None]:
    """A function that trains one epoch on the task's images, one by one, on one thread."""
    network = module_with(model.network, float_weights(model))
    images = as_floats(task.images).unsqueeze(1)
    labels = torch.from_numpy(task.labels.astype("int64")).unsqueeze(1)
    optimiser = torch.optim.SGD(network.parameters(), lr=LEARNING_RATE)
    loss = nn.CrossEntropyLoss()

    def epoch() -> None:
        for image, label in zip(images, labels, strict=True):
            optimiser.zero_grad()
            loss(network(image), label).backward()
            optimiser.step()

    return epoch
