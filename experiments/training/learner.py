"""What learns: the reference, or anything that gives the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from priot.experiments.classifier import Classifier
from priot.kernels.methods import Method
from priot.kernels.model import Model
from priot.kernels.scale import Scale


class Learner(Classifier, Protocol):
    """A model in training, wherever it lives."""

    def train(
        self, images: NDArray[np.int8], labels: NDArray[np.uint8], order: NDArray[np.int64]
    ) -> None:
        """One step for each index of ``order``; images (N,C,H,W), labels (N,)."""

    def set_learning_rate_bits(self, bits: int) -> None:
        """Of the steps from now on."""

    @property
    def model(self) -> Model:
        """The model as training has left it."""


MakeLearner = Callable[[Model, Method, dict[int, Scale] | None], Learner]
"""Of the model that a run starts from, its method, and static scales (None: dynamic ones)."""


class Firmware(Protocol):
    """What makes learners that are not the reference; sent to every process that computes."""

    def __call__(self, model: Model, method: Method, scales: dict[int, Scale] | None) -> Learner:
        """A learner."""

    @property
    def hashes(self) -> dict[str, str]:
        """SHA-256 of the firmware, for keys and records of runs."""

    @property
    def code(self) -> tuple[str, ...]:
        """Modules that run it, for keys."""
