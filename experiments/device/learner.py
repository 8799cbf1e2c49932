"""A learner on the simulated Pico, in place of the reference. The numbers are the same."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from priot.experiments.device.code import ON_DEVICE
from priot.experiments.device.host import Device
from priot.experiments.device.placement import DEFAULT, Placement
from priot.experiments.device.simulator import (
    code_hash_of,
    simulated_pico,
    trainer_elf,
    variant_of,
)
from priot.experiments.device.variants import Variant
from priot.experiments.training.learner import MakeLearner
from priot.kernels.methods import Method
from priot.kernels.model import Model
from priot.kernels.trainer import Scale, Trainer

BACKENDS = ("reference", "pico")


@dataclass(frozen=True)
class PicoLearner:
    """Makes learners on a simulated Pico (priot.experiments.training.learner.Firmware)."""

    elf: Path | None = None
    """Another build of the trainer; None: the one that ships."""
    variant: Variant = Variant.FAST
    placement: Placement = DEFAULT
    """A learner refuses what does not suit its method."""

    def __call__(self, model: Model, method: Method, scales: dict[int, Scale] | None) -> Device:
        """A learner on a Pico of its own, after reset."""
        pico = simulated_pico(self.elf, self.variant, self.placement)
        return Device(pico, model, method, scales, variant_of(pico), self.placement)

    @property
    def hashes(self) -> dict[str, str]:
        """SHA-256 of the firmware, for keys and records of runs."""
        elf = self.elf or trainer_elf(self.variant, self.placement)
        return {"trainer_code_sha256": code_hash_of(elf)}

    @property
    def code(self) -> tuple[str, ...]:
        """Modules that run it, for keys."""
        return ON_DEVICE


def learner_on(
    backend: str, elf: Path | None, variant: Variant, placement: Placement
) -> MakeLearner:
    """What makes a learner on one of BACKENDS; the rest says what is on the Pico."""
    return Trainer if backend == "reference" else PicoLearner(elf, variant, placement)
