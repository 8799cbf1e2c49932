"""The same network in float32 on PyTorch's CPU backend, trained at batch size 1 by plain SGD."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from experiments.datasets.transfer import Transfer
from kernels.model import Model
from kernels.network import Conv2d, Dense, ReLU

LEARNING_RATE = 0.01


def float_training(model: Model, task: Transfer) -> Callable[[], None]:
    """A function that trains one epoch on the task's images, one by one, on one thread."""
    network = _network(model)
    images = torch.from_numpy(task.images.astype("float32") / 127).unsqueeze(1)
    labels = torch.from_numpy(task.labels.astype("int64")).unsqueeze(1)
    optimiser = torch.optim.SGD(network.parameters(), lr=LEARNING_RATE)
    loss = nn.CrossEntropyLoss()

    def epoch() -> None:
        for image, label in zip(images, labels, strict=True):
            optimiser.zero_grad()
            loss(network(image), label).backward()
            optimiser.step()

    return epoch


def _network(model: Model) -> nn.Sequential:
    """The model's layers with its weights, in float32."""
    layers: list[nn.Module] = []
    for index, layer in enumerate(model.network.layers):
        shape = model.network.input_shape_of(index)
        if isinstance(layer, Conv2d):
            layers.append(
                nn.Conv2d(shape[0], layer.channels, layer.kernel, padding=layer.padding, bias=False)
            )
        elif isinstance(layer, Dense):
            layers.append(nn.Flatten())
            layers.append(
                nn.Linear(model.network.weight_shape_of(index)[1], layer.features, bias=False)
            )
        elif isinstance(layer, ReLU):
            layers.append(nn.ReLU())
        else:
            layers.append(nn.MaxPool2d(layer.size))
        if index in model.weights:
            weights = torch.from_numpy(model.weights[index].astype("float32"))
            weighted = layers[-1]
            assert isinstance(weighted, nn.Conv2d | nn.Linear)
            weighted.weight.data = weights * 2.0 ** model.exponents[index]
    return nn.Sequential(*layers)
