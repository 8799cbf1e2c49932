"""What a Trainer computes with: two engines that give the same integers at different speeds."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from priot.kernels.scale import Scale


class Engine(Protocol):
    """A model with the memory of its steps. Images are checked beforehand: they fit the network.

    ``outputs``, ``errors`` and ``gradients`` are as Trainer describes them, and belong to the
    image that ``forward`` was called with last.
    """

    @property
    def outputs(self) -> list[NDArray[np.int8]]:
        """Of each layer."""

    @property
    def errors(self) -> list[NDArray[np.int8]]:
        """Of each layer's output."""

    @property
    def gradients(self) -> dict[int, NDArray[Any]]:
        """By layer index, int32."""

    @property
    def used(self) -> dict[int, Scale]:
        """Shifts of the last step, by layer index."""

    def forward(self, image: NDArray[np.int8]) -> int:
        """Run the network on one image (C,H,W); returns the exponent of the logits."""

    def backward(self, exponent: int, label: int) -> None:
        """Errors and gradients of the last image, whose logits have ``exponent``."""

    def update(self) -> None:
        """Move weights or scores against the gradients."""

    def set_learning_rate_bits(self, bits: int) -> None:
        """Of the updates from now on."""

    def train(
        self,
        images: NDArray[np.int8],
        labels: NDArray[np.uint8],
        order: NDArray[np.int64],
        batch: int,
    ) -> None:
        """A step on every ``batch`` images of ``order``; images (N,C,H,W), labels (N,)."""

    def logits_of(self, images: NDArray[np.int8]) -> NDArray[np.int8]:
        """Logits (N,classes) of images (N,C,H,W)."""
