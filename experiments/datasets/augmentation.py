"""Training images as every epoch sees them anew: shifted by a few pixels, half of them mirrored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MARGIN = 4
"""Pixels that an image is shifted at most, each way; what comes in from outside is black."""


@dataclass(frozen=True)
class Augmentation:
    """What one epoch does to each of N images; it follows from seed and epoch alone."""

    shifts: NDArray[np.int64]
    """(N,2), down and to the right: where a crop of the image with its margin starts."""
    mirrored: NDArray[np.bool_]
    """(N,)"""

    @classmethod
    def of_epoch(cls, images: int, seed: int, epoch: int) -> Augmentation:
        """Random crops and mirror images, as is usual for CIFAR-10."""
        generator = np.random.default_rng([seed, epoch, 1])
        shifts = generator.integers(0, 2 * MARGIN, (images, 2), endpoint=True)
        return cls(shifts, generator.integers(0, 2, images).astype(np.bool_))

    def apply(self, images: NDArray[np.int8], chosen: NDArray[np.int64]) -> NDArray[np.int8]:
        """The ``chosen`` of images (N,C,H,W), changed."""
        height, width = images.shape[2:]
        border = ((0, 0), (0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN))
        padded = np.pad(images[chosen], border)
        crops = np.empty((len(chosen), *images.shape[1:]), images.dtype)
        for crop, image, index in zip(crops, padded, chosen, strict=True):
            top, left = self.shifts[index]
            crop[...] = image[:, top : top + height, left : left + width]
            if self.mirrored[index]:
                crop[...] = crop[:, :, ::-1].copy()
        return crops
