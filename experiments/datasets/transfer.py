"""The transfer task: a few rotated images to train on, the others to measure on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from priot.experiments.datasets.mnist import Images
from priot.experiments.datasets.rotation import as_input, rotate
from priot.experiments.defaults import CALIBRATION_IMAGES
from priot.experiments.errors import UserError
from priot.kernels.network import Network

"""Static scales come from so many of the training images."""
SELECTION_IMAGES = 128
"""PRIOT-S by gradient chooses its edges by so many of the calibration images, where there are."""


@dataclass(frozen=True)
class Transfer:
    """Rotated images as network input: int8 (N,C,H,W), with uint8 labels (N,)."""

    images: NDArray[np.int8]
    labels: NDArray[np.uint8]
    test_images: NDArray[np.int8]
    test_labels: NDArray[np.uint8]
    upright_images: NDArray[np.int8]
    """``calibration_images`` before they were rotated."""
    calibration_images: NDArray[np.int8]
    """``images``, and more where those are fewer than CALIBRATION_IMAGES."""
    calibration_labels: NDArray[np.uint8]
    record: dict[str, Any]


def check_images(
    network: Network, images: NDArray[np.integer[Any]], labels: NDArray[np.uint8]
) -> None:
    """Refuse images (N,C,H,W) or labels (N,) that ``network`` has no inputs or logits for.

    Raises:
        UserError: naming both shapes, or the label that is too large.
    """
    shape = images.shape[1:]
    if shape != network.input_shape:
        raise UserError(
            f"{network.name} takes images of shape {network.input_shape}, but these have {shape}: "
            "use another network or data set"
        )
    if labels.size and int(labels.max()) >= network.classes:
        raise UserError(
            f"{network.name} has {network.classes} logits, but label {labels.max()} occurs: "
            f"give its last layer at least {labels.max() + 1} features"
        )


def check_numbers(source: Images, images: int, test_images: int | None) -> int:
    """How many images a task of these numbers tests on (``test_images`` None: all that are left).

    Raises:
        UserError: when the source has too few images.
    """
    left = len(source) - max(images, CALIBRATION_IMAGES)
    wanted = left if test_images is None else test_images
    if images < 1:
        raise UserError(f"{images:,} images to train on: ask for 1 or more")
    if wanted < 0 or wanted > left:
        raise UserError(
            f"{images:,} images to train on and {wanted:,} to test: {source.origin} allows "
            f"1..{len(source):,} in all, {CALIBRATION_IMAGES} of them kept for calibration; "
            "ask for fewer, or name the full set with --data"
        )
    return wanted


def transfer_task(
    source: Images, angle: float, images: int, test_images: int | None, seed: int
) -> Transfer:
    """Draw images from ``source`` in an order that follows from ``seed``, rotated by ``angle``.

    The first ``images`` are trained on, the first CALIBRATION_IMAGES calibrate static scales;
    ``test_images`` of the others measure accuracy (None: all others).

    Raises:
        UserError: as ``check_numbers`` does.
    """
    wanted = check_numbers(source, images, test_images)
    reserved = max(images, CALIBRATION_IMAGES)
    order = np.random.default_rng([seed, 0]).permutation(len(source))[: reserved + wanted]
    pixels = as_input(rotate(source.pixels[order], angle))
    upright = as_input(source.pixels[order[:reserved]])
    labels = source.labels[order]
    return Transfer(
        pixels[:images],
        labels[:images],
        pixels[reserved:],
        labels[reserved:],
        upright,
        pixels[:reserved],
        labels[:reserved],
        {
            "data": {"origin": source.origin, "sha256": source.sha256},
            "angle": angle,
            "images": images,
            "test_images": wanted,
            "calibration_images": CALIBRATION_IMAGES,
            "seed": seed,
        },
    )
