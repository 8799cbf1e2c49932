"""How much the loss hangs on each edge: what PRIOT-S may choose its scored edges by."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from priot.kernels.errors import KernelError
from priot.kernels.methods import method
from priot.kernels.model import Model, with_scores
from priot.kernels.rounding import Rounding
from priot.kernels.trainer import Trainer


class SelectionError(KernelError):
    """The images say nothing about any edge."""


def gradient_magnitudes(
    backbone: Model, rounding: Rounding, images: NDArray[np.int8], labels: NDArray[np.uint8]
) -> dict[int, NDArray[np.int64]]:
    """The sum of |dL/ds| over images (N,C,H,W) with labels (N,), by layer, of the weights' shapes.

    It is the score gradient of edge-popup with dynamic shifts, as a step of PRIOT computes it while
    no edge is pruned. Each image's counts as it is: as wide as its own shifts leave it. The
    backbone is not changed.

    Raises:
        SelectionError: when no image is given, or all have an error of zero.
    """
    all_kept = method("priot", threshold=-127, score_spread=0, rounding=rounding)
    trainer = Trainer(with_scores(backbone, all_kept, seed=0), all_kept, scales=None)
    sums = {index: np.zeros(w.shape, np.int64) for index, w in backbone.weights.items()}
    with_error = 0
    for image, label in zip(images, labels, strict=True):
        trainer.forward(image)
        trainer.backward(int(label))
        if trainer.errors[-1].any():
            with_error += 1
            for index, gradient in trainer.gradients.items():
                sums[index] += np.abs(gradient)
    if not with_error:
        raise SelectionError(
            f"all {len(images)} images have an error of zero, so that no edge's gradient is known: "
            "choose edges by images that the backbone does not know yet, or at random"
        )
    return sums
