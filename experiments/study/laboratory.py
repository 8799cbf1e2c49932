"""Carries out the study's runs: on several backbones, kept in one store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from experiments.datasets.mnist import Images
from experiments.pretraining.backbone import Backbone, load_backbone
from experiments.study.protocol import Stage, Study
from experiments.sweeps.store import RunStore
from experiments.sweeps.sweep import run_sweep
from experiments.sweeps.workers import Workers
from experiments.training.configuration import Configuration
from experiments.training.inputs import Inputs

Record = Mapping[str, Any]


@dataclass(frozen=True)
class StudyLaboratory:
    """The study, the images it draws from, where runs are kept, and who computes them."""

    study: Study
    source: Images
    store: RunStore
    workers: Workers
    _inputs: dict[str, Inputs] = field(default_factory=dict)

    def inputs_of(self, backbone: str) -> Inputs:
        """What runs on a backbone read. Raises UserError when there is none of that name."""
        if backbone not in self._inputs:
            self._inputs[backbone] = Inputs(load_backbone(Path(backbone)), self.source)
        return self._inputs[backbone]

    def add(self, name: str, backbone: Backbone) -> None:
        """Make a backbone known that has no record of its own."""
        self._inputs[name] = Inputs(backbone, self.source)

    def configurations(self, stage: Stage, **settings: Any) -> list[Configuration]:
        """One for each seed of a stage."""
        shared = {"dataset": self.study.dataset, "images": self.study.images} | stage.settings()
        return [Configuration.from_json(shared | settings | {"seed": seed}) for seed in stage.seeds]

    def run(self, backbone: str, configurations: Sequence[Configuration]) -> list[dict[str, Any]]:
        """Their records in their order, computed or found in the store.

        Raises:
            UserError: as ``run_sweep`` does.
        """
        return run_sweep(configurations, self.inputs_of(backbone), self.store, self.workers)

    def record(self, runs: Mapping[str, Sequence[Configuration]]) -> dict[str, Any]:
        """What a table made of these runs, by backbone, says of them."""
        keys = {
            self.inputs_of(backbone).key_of(configuration)
            for backbone, configurations in runs.items()
            for configuration in configurations
        }
        return {
            "scope": self.study.label,
            "runs": len(keys),
            "computing_seconds": round(sum(self.store.seconds[key] for key in keys)),
            "data": self.source.origin,
            "data_sha256": self.source.sha256,
            "backbones": {
                backbone: self.inputs_of(backbone).hashes["backbone_sha256"] for backbone in runs
            },
        }
