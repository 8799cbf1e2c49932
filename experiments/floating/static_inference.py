"""Answers of a model whose activations have static scales, as on a device that predicts alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from priot.experiments.floating.quantisation import Quantisation, smallest_for
from priot.kernels.methods import METHODS
from priot.kernels.model import Model
from priot.kernels.scale import Scale
from priot.kernels.trainer import Trainer

CALIBRATION_IMAGES = 1024


def static_shifts(model: Model, images: NDArray[np.int8], rule: Quantisation) -> dict[int, int]:
    """Forward shifts by layer index: the smallest with which a share of the images fits.

    No sum of such an image (C,H,W) overflows, as its dynamic shifts tell.
    """
    trainer = Trainer(model.copy(), METHODS["niti-dynamic"], scales=None)
    used = []
    for image in images:
        trainer.forward(image)
        used.append([scale.forward for scale in trainer.used.values()])
    by_layer = np.array(used).T
    return {
        index: smallest_for(rule.share, shifts)
        for index, shifts in zip(model.network.weighted, by_layer, strict=True)
    }


def static_classifier(model: Model, shifts: dict[int, int]) -> Trainer:
    """The model with these forward shifts; it cannot be trained."""
    scales = {index: Scale(shift, backward=0, gradient_bits=0) for index, shift in shifts.items()}
    return Trainer(model.copy(), METHODS["niti-static"], scales)
