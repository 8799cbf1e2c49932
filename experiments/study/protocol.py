"""How large the study is: its backbones, cells and seeds, all of them our choice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from priot.experiments.defaults import CALIBRATION_IMAGES
from priot.experiments.paper import effort


class CalibrationChoice(NamedTuple):
    """A column of the map: a rule of calibration and the images that it sees."""

    rule: str
    images: int = CALIBRATION_IMAGES

    @property
    def label(self) -> str:
        """Name for tables: "rotated-largest", "rotated, 512 images"."""
        own = "" if self.images == CALIBRATION_IMAGES else f", {self.images} images"
        return self.rule + own

    @property
    def short_label(self) -> str:
        """Name for a figure's axis: "largest", "512"."""
        if self.images != CALIBRATION_IMAGES:
            return str(self.images)
        return self.rule.removeprefix("rotated-")

    def settings(self) -> dict[str, Any]:
        """Of a configuration."""
        return {"calibration": self.rule, "calibration_images": self.images}


@dataclass(frozen=True)
class Stage:
    """Runs of one stage of the study, alike but for what its cells say."""

    test_images: int
    epochs: int
    measure_every: int
    seeds: tuple[int, ...]

    def settings(self) -> dict[str, Any]:
        """Of a configuration, less the seed."""
        names = ("test_images", "epochs", "measure_every")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class Study:
    """What is run."""

    label: str
    dataset: str
    images: int
    backbones: tuple[str, ...]
    """Of the map: the first pre-training seed of each kind."""
    angles: tuple[float, ...]
    bits: tuple[int, ...]
    """With the first two of ``calibrations``."""
    fewer_bits: tuple[int, ...]
    """With the others."""
    calibrations: tuple[CalibrationChoice, ...]
    screening: Stage
    confirmed_kinds: tuple[str, ...]
    """Kinds of backbones that carry a claim."""
    pretraining_seeds: tuple[int, ...]
    confirmed_angles: tuple[float, ...]
    further_angles: tuple[float, ...]
    """With the first calibration and NITI's own default bits, on the first backbone of a kind."""
    confirmation: Stage
    mechanism_angles: tuple[float, ...]
    mechanisms: Stage
    compared_backbones: tuple[str, ...]
    """Of the table of all methods."""
    compared_angles: tuple[float, ...]
    common_bits: int
    """Learning-rate bits of all methods with static scales where they are compared."""
    comparison: Stage
    float_backbones: tuple[str, ...]
    """Those of the compared ones that are fine-tuned in float32 too."""
    float_rates: effort.Stage | None
    """How learning rates in float32 are found, on training images; None: no float32 at all."""


ROTATED, HEADROOM = CalibrationChoice("rotated"), CalibrationChoice("rotated-headroom")
FULL = Study(
    label="full MNIST",
    dataset="mnist",
    images=1024,
    backbones=(
        *("integer-uniform-0", "integer-normal-0", "few-images-0", "short-0"),
        *("float32-minmax-0", "float32-percentile-0"),
    ),
    angles=(30.0, 45.0, 60.0, 90.0),
    bits=(1, 2, 3, 4, 5),
    calibrations=(
        ROTATED,
        HEADROOM,
        CalibrationChoice("rotated-largest"),
        CalibrationChoice("rotated-p90"),
        CalibrationChoice("rotated", images=512),
    ),
    fewer_bits=(3, 5),
    screening=Stage(test_images=2000, epochs=40, measure_every=2, seeds=(0, 1, 2)),
    confirmed_kinds=("integer-uniform", "integer-normal", "float32-minmax"),
    pretraining_seeds=(0, 1, 2),
    confirmed_angles=(30.0,),
    further_angles=(60.0,),
    confirmation=Stage(test_images=2000, epochs=100, measure_every=5, seeds=tuple(range(10, 20))),
    mechanism_angles=(30.0, 60.0),
    mechanisms=Stage(test_images=2000, epochs=40, measure_every=2, seeds=(0, 1, 2, 3, 4)),
    compared_backbones=(
        *("integer-uniform-0", "integer-normal-0", "few-images-0", "short-0"),
        *("float32-minmax-0", "float32-percentile-0"),
    ),
    compared_angles=(30.0, 45.0, 60.0, 90.0),
    common_bits=5,
    comparison=Stage(test_images=2000, epochs=20, measure_every=5, seeds=(0, 1)),
    float_backbones=("integer-uniform-0", "float32-minmax-0"),
    float_rates=effort.Stage(angles=(30.0, 90.0), seeds=(100,), images=1024, epochs=10),
)
QUICK = Study(
    label="REDUCED: embedded sample, few images, epochs and seeds",
    dataset="mnist-sample",
    images=128,
    backbones=("integer-uniform-0", "float32-minmax-0"),
    angles=(30.0, 60.0),
    bits=(3, 5),
    calibrations=(ROTATED, CalibrationChoice("rotated-largest")),
    fewer_bits=(3, 5),
    screening=Stage(test_images=200, epochs=2, measure_every=1, seeds=(0,)),
    confirmed_kinds=("integer-uniform", "float32-minmax"),
    pretraining_seeds=(0,),
    confirmed_angles=(30.0,),
    further_angles=(60.0,),
    confirmation=Stage(test_images=200, epochs=3, measure_every=1, seeds=(10, 11)),
    mechanism_angles=(30.0,),
    mechanisms=Stage(test_images=200, epochs=2, measure_every=1, seeds=(0,)),
    compared_backbones=("integer-uniform-0", "float32-minmax-0"),
    compared_angles=(30.0,),
    common_bits=5,
    comparison=Stage(test_images=200, epochs=3, measure_every=3, seeds=(0,)),
    float_backbones=(),
    float_rates=None,  # it needs PyTorch
)
