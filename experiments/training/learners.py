"""Where a run learns: in the reference, or on the simulated Pico. The numbers are the same."""

from __future__ import annotations

from pathlib import Path

from experiments.device.host import Device
from experiments.device.simulator import simulated_pico, variant_of
from experiments.device.variants import Variant
from experiments.training.train import MakeLearner
from kernels.methods import Method
from kernels.model import Model
from kernels.trainer import Scale, Trainer

BACKENDS = ("reference", "pico")


def learner_on(
    backend: str, elf: Path | None = None, variant: Variant | None = None
) -> MakeLearner:
    """What makes a learner on one of BACKENDS; ``elf`` is another build of the trainer, and
    ``variant`` one of those that ship (fast)."""
    if backend == "reference":
        return Trainer

    def device(model: Model, method: Method, scales: dict[int, Scale] | None) -> Device:
        pico = simulated_pico(elf, variant or Variant.FAST)
        return Device(pico, model, method, scales, variant_of(pico))

    return device
