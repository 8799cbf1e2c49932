"""Where a run learns: in the reference, or on the simulated Pico. The numbers are the same."""

from __future__ import annotations

from pathlib import Path

from priot.experiments.device.host import Device
from priot.experiments.device.placement import DEFAULT, Placement
from priot.experiments.device.simulator import simulated_pico, variant_of
from priot.experiments.device.variants import Variant
from priot.experiments.training.train import MakeLearner
from priot.kernels.methods import Method
from priot.kernels.model import Model
from priot.kernels.trainer import Scale, Trainer

BACKENDS = ("reference", "pico")


def learner_on(
    backend: str,
    elf: Path | None = None,
    variant: Variant | None = None,
    placement: Placement = DEFAULT,
) -> MakeLearner:
    """What makes a learner on one of BACKENDS.

    Args:
        elf: another build of the trainer.
        variant: one of those that ship (fast).
        placement: on the Pico; the learner refuses what does not suit its method.
    """
    if backend == "reference":
        return Trainer

    def device(model: Model, method: Method, scales: dict[int, Scale] | None) -> Device:
        pico = simulated_pico(elf, variant or Variant.FAST, placement)
        return Device(pico, model, method, scales, variant_of(pico), placement)

    return device
