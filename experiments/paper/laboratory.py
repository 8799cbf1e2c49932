"""Everything an experiment needs to carry out its runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from priot.experiments.paper.chosen import ChosenSettings
from priot.experiments.paper.contenders import CONTENDERS, Contender
from priot.experiments.paper.protocol import Scope
from priot.experiments.pretraining.backbone import load_backbone
from priot.experiments.records.runs import TrainingRun
from priot.experiments.sweeps.store import RunStore
from priot.experiments.sweeps.sweep import run_sweep
from priot.experiments.sweeps.workers import Workers
from priot.experiments.training.configuration import Configuration
from priot.experiments.training.inputs import Inputs


@dataclass(frozen=True)
class Laboratory:
    """A scope, settings, the inputs, where runs are kept, and who computes them."""

    scope: Scope
    settings: ChosenSettings
    inputs: Inputs
    store: RunStore
    workers: Workers

    @property
    def label(self) -> str:
        """What a caption says of the scope and, where it may vary, of the data."""
        return self.scope.label.format(data=self.inputs.source.origin)

    @property
    def subject(self) -> dict[str, str]:
        """What is trained on what: the first columns of a table that networks share."""
        network = self.inputs.backbone.model.network.name
        return {"network": network, "dataset": self.scope.dataset}

    def contenders(self, comparison: str = "paper") -> tuple[Contender, ...]:
        """The rows of a table: with settings of its own, a row must have been searched for."""
        if comparison == "paper" and self.scope.every_row:
            return CONTENDERS
        return self.settings.contenders

    def on(self, backbone: str | None) -> Laboratory:
        """The same on a backbone of that name; None: on this one."""
        if backbone is None:
            return self
        inputs = replace(self.inputs, backbone=load_backbone(Path(backbone)))
        return replace(self, inputs=inputs)

    def run(self, configurations: Sequence[Configuration]) -> list[TrainingRun]:
        """Their records in their order, computed or found in the store.

        Raises:
            UserError: as ``run_sweep`` does.
        """
        return run_sweep(configurations, self.inputs, self.store, self.workers)

    def made_with(self, configurations: Sequence[Configuration]) -> dict[str, Any]:
        """What a table made of these runs says of them."""
        return made_with_all([(self, configurations)])


def made_with_all(runs: Sequence[tuple[Laboratory, Sequence[Configuration]]]) -> dict[str, Any]:
    """What a table says of its runs, which may be on several backbones of one laboratory."""
    keys = {
        laboratory.inputs.key_of(configuration): laboratory
        for laboratory, configurations in runs
        for configuration in configurations
    }
    seconds = sum(laboratory.store.seconds[key] for key, laboratory in keys.items())
    first, _ = runs[0]
    backbones = list(dict.fromkeys(lab.inputs.hashes["backbone_sha256"] for lab, _ in runs))
    return {
        "scope": first.label,
        "runs": len(keys),
        "computing_seconds": round(seconds),
        "data": first.inputs.source.origin,
        **first.inputs.hashes,
        **({"backbones_sha256": backbones} if len(backbones) > 1 else {}),
        **first.inputs.firmware_hashes,
    }
