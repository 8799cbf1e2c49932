"""Records of training runs: what a run learnt, and from what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from priot.experiments import defaults
from priot.experiments.records.kinds import Scalar, record
from priot.experiments.schedule import epochs_to_measure


@dataclass(frozen=True, kw_only=True)
class Run:
    """What every training run tells, whatever its arithmetic."""

    configuration: Mapping[str, Scalar]
    """Its settings by name, as a TOML file has them; those without a use are left out."""
    label: str
    """What tables call the method."""
    backbone_sha256: str
    data_sha256: str
    data: str
    """What the images are."""
    right: tuple[int, ...]
    """Test images that were classified right, before training and after each measured epoch."""
    final_state_sha256: str
    """Of all that was trained."""

    @property
    def test_images(self) -> int:
        """That accuracy was measured on."""
        return self._number("test_images")

    @property
    def accuracy_by_epoch(self) -> list[float]:
        """Accuracy before training and after each of ``measured_epochs``, in percent."""
        return [100 * right / self.test_images for right in self.right]

    @property
    def measured_epochs(self) -> tuple[int, ...]:
        """The epochs after which accuracy was measured; 0 is before training."""
        return epochs_to_measure(self._number("epochs"), self._number("measure_every"))

    def _number(self, name: str) -> int:
        found = self.configuration.get(name, defaults.MEASURE_EVERY)
        if type(found) is not int:
            raise TypeError(f"{name} = {found!r} of a run is no whole number")
        return found


@dataclass(frozen=True)
class StaticScale:
    """Shifts of a layer with weights, as priot.kernels.scale.Scale has them."""

    forward: int
    backward: int
    gradient_bits: int


@record("training-run", 1)
@dataclass(frozen=True, kw_only=True)
class TrainingRun(Run):
    """A training run in integers. It follows from configuration, backbone and data alone."""

    scales: Mapping[str, StaticScale] | None
    """Static scales by index of the layer; null for a method with dynamic ones."""
    saturated_logits: tuple[int, ...]
    """Of the test images, where accuracy was measured."""


@record("train", 1)
@dataclass(frozen=True, kw_only=True)
class TrainedHere(TrainingRun):
    """What priot train --json writes: a training run, and where it was carried out."""

    backend: str
    """reference, or pico."""
    variant: str | None
    """Of the firmware that ships; null elsewhere."""
    placement: str | None
    """Likewise, as --placement reads it."""
    environment: Mapping[str, str]


@record("float-run", 1)
@dataclass(frozen=True, kw_only=True)
class FloatRun(Run):
    """Fine-tuning in float32."""

    torch: str
    """Version of PyTorch."""
