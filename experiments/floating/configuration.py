"""The configuration of fine-tuning in float32. Nothing here needs PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from priot.experiments import defaults
from priot.experiments.code import key_of
from priot.experiments.errors import UserError
from priot.experiments.training.code import IMAGES
from priot.experiments.training.configuration import (
    Configuration,
    method_setting_names,
)
from priot.kernels.methods import METHODS

FINE_TUNING = (
    *IMAGES,
    "experiments.floating.fine_tuning",
    "experiments.floating.modules",
    "kernels.model",
    "kernels.network",
)
"""Modules that a run follows from, beside PyTorch and the machine (priot.experiments.code)."""


class Trained(Enum):
    """Which layers learn; the others keep the backbone's weights."""

    ALL = "all layers"
    LAST = "last layer"


@dataclass(frozen=True)
class FloatConfiguration:
    """One run of plain SGD, one image at a time: a reference for what integers reach.

    Its images, their order in every epoch, and what is measured when are those of an integer run
    (priot.experiments.training.configuration) with the same settings, whose defaults it has.

    Raises:
        UserError: for a value out of range.
    """

    trained: Trained
    learning_rate: float
    network: str | None = None
    dataset: str = "mnist-sample"
    angle: float = defaults.ANGLE
    images: int = defaults.TRAINING_IMAGES
    test_images: int | None = None
    epochs: int = defaults.EPOCHS
    measure_every: int = defaults.MEASURE_EVERY
    seed: int = defaults.SEED

    def __post_init__(self) -> None:
        if not 0 < self.learning_rate <= 1:
            raise UserError(
                f"a learning rate of {self.learning_rate:g}: take one above 0, and 1 at most"
            )
        self.like_integers()

    @property
    def label(self) -> str:
        """A name for readers: "float32, all layers"."""
        return f"float32, {self.trained.value}"

    def like_integers(self) -> Configuration:
        """An integer run on the same images in the same order, whose method is of no account."""
        return Configuration(
            METHODS["niti-dynamic"],
            network=self.network,
            dataset=self.dataset,
            angle=self.angle,
            images=self.images,
            test_images=self.test_images,
            epochs=self.epochs,
            measure_every=self.measure_every,
            seed=self.seed,
        )

    def to_json(self) -> dict[str, Any]:
        """A flat description; settings without a use are left out."""
        shared = self.like_integers().to_json()
        return {
            "arithmetic": "float32",
            "trained": self.trained.value,
            "learning_rate": self.learning_rate,
        } | {name: value for name, value in shared.items() if name not in method_setting_names()}

    def key(self, inputs: Mapping[str, Any]) -> str:
        """Key of the run: of this description, of what it reads and of the code."""
        return key_of({"configuration": self.to_json(), **inputs}, FINE_TUNING)
