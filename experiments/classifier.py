"""How many images are classified right: the same count wherever a model is measured."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

SATURATED = 127  # a logit of this magnitude was clipped, or would have been a step further
BLOCK = 32  # images between two reports of progress


class Classifier(Protocol):
    """Anything that classifies images."""

    def logits_of(self, images: NDArray[np.int8]) -> NDArray[np.int8]:
        """The logits (N,classes) of images (N,C,H,W)."""


def right_answers(
    classifier: Classifier, images: NDArray[np.int8], labels: NDArray[np.uint8]
) -> tuple[int, int]:
    """How many images (N,C,H,W) are classified as their labels (N,) say, and saturated logits."""
    logits = classifier.logits_of(images)
    right = np.count_nonzero(logits.argmax(axis=1) == labels)
    return int(right), int(np.count_nonzero(np.abs(logits) >= SATURATED))
