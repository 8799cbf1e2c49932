"""How well a model answers when its activations have static scales, as on the device."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kernels.methods import METHODS
from kernels.model import Model
from kernels.scale import Scale
from kernels.trainer import Trainer


def forward_shifts(model: Model, images: NDArray[np.int8]) -> dict[int, list[int]]:
    """By layer index, the shift that dynamic scaling takes for each of images (N,C,H,W)."""
    trainer = Trainer(model.copy(), METHODS["niti-dynamic"], scales=None)
    shifts: dict[int, list[int]] = {index: [] for index in model.network.weighted}
    for image in images:
        trainer.forward(image)
        for index, scale in trainer.used.items():
            shifts[index].append(scale.forward)
    return shifts


def static_classifier(model: Model, shifts: dict[int, list[int]], share: float) -> Trainer:
    """The model with the smallest shifts that are enough for ``share`` of the images."""
    scales = {index: Scale(smallest(values, share), 0, 0) for index, values in shifts.items()}
    return Trainer(model.copy(), METHODS["niti-static"], scales)


def smallest(values: Sequence[int], share: float) -> int:
    """The smallest of ``values`` that at least ``share`` of them do not exceed."""
    return sorted(values)[max(1, math.ceil(share * len(values))) - 1]
