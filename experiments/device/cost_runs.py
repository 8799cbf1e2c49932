"""Measurements of costs as runs with keys, so that none need be repeated."""

from __future__ import annotations

from dataclasses import dataclass

from priot.experiments.code import key_of
from priot.experiments.datasets.transfer import Transfer
from priot.experiments.device.code import COSTS
from priot.experiments.device.costs import Setup, measure, planned_layout
from priot.experiments.device.layout import DoesNotFitError
from priot.experiments.device.simulator import code_hash_of, trainer_elf
from priot.experiments.pretraining.backbone import Backbone
from priot.experiments.records.costs import DoesNotFit, StepCosts

SECONDS_PER_IMAGE = 0.05
"""That a step takes in the emulator and in the reference, with every tensor compared."""


@dataclass(frozen=True)
class CostRuns:
    """Training steps on the device, on the same images and from the same backbone."""

    backbone: Backbone
    task: Transfer
    seed: int
    """Of first scores and scored edges."""

    def key(self, setup: Setup) -> str:
        """Of the setup, what all share, the firmware, the plan of its memory, and the code."""
        model = self.backbone.model
        layout = planned_layout(self.backbone, setup, self.task, self.seed)
        content = {
            "method": setup.method.name,
            "settings": setup.method.settings(),
            "placement": str(setup.placement),
            "variant": setup.variant,
            "seed": self.seed,
            "code": code_hash_of(trainer_elf(setup.variant, setup.placement)),
            "plans": [[plan.offsets, plan.size] for plan in (layout.plan, layout.flash)],
            "backbone": model.state_hash(),
            "network": model.network.to_json(),
            "task": self.task.record,
        }
        return key_of(content, COSTS)

    def seconds(self, _: Setup) -> float:
        """About how long a measurement takes on one core."""
        return SECONDS_PER_IMAGE * len(self.task.labels)

    def run(self, setup: Setup) -> StepCosts | DoesNotFit:
        """Measure the setup, or tell why there is no room for it.

        Raises:
            MismatchError: at the first difference between device and reference.
        """
        try:
            return measure(self.backbone, setup, self.task, self.seed)
        except DoesNotFitError as error:
            return DoesNotFit(str(error))
