"""Carries out the study's runs: on many backbones at once, kept in one store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from priot.experiments.datasets.mnist import Images
from priot.experiments.pretraining.backbone import Backbone, load_backbone
from priot.experiments.records.runs import TrainingRun
from priot.experiments.study.protocol import Stage, Study
from priot.experiments.sweeps.groups import in_groups
from priot.experiments.sweeps.store import RunStore
from priot.experiments.sweeps.sweep import Run, run_on_backbones
from priot.experiments.sweeps.workers import Workers
from priot.experiments.training.configuration import Configuration
from priot.experiments.training.inputs import Inputs


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
            self.add(backbone, load_backbone(Path(backbone)))
        return self._inputs[backbone]

    def add(self, name: str, backbone: Backbone) -> None:
        """Make a backbone known by a name."""
        self._inputs[name] = Inputs(backbone, self.source)

    def runs(self, backbone: str, stage: Stage, **settings: Any) -> list[Run]:
        """One for each seed of a stage; ``settings`` as in ``Configuration.to_json``."""
        shared = {"dataset": self.study.dataset, "images": self.study.images} | stage.settings()
        described = shared | settings
        self.inputs_of(backbone)  # known from here on
        return [
            Run(backbone, Configuration.from_json(described | {"seed": seed}))
            for seed in stage.seeds
        ]

    def carry_out(self, groups: Iterable[Sequence[Run]]) -> list[list[TrainingRun]]:
        """The records of all runs, group by group, computed or found in the store.

        Raises:
            UserError: as ``run_on_backbones`` does.
        """
        return list(in_groups(dict(enumerate(groups)), self._carry_out).values())

    def _carry_out(self, runs: Sequence[Run]) -> list[TrainingRun]:
        inputs = {run.backbone: self._inputs[run.backbone] for run in runs}
        return run_on_backbones(runs, inputs, self.store, self.workers)

    def made_with(self, groups: Iterable[Sequence[Run]]) -> dict[str, Any]:
        """What a table made of these runs says of them."""
        runs = [run for group in groups for run in group]
        keys = {self._inputs[run.backbone].key_of(run.configuration) for run in runs}
        backbones = dict.fromkeys(run.backbone for run in runs)
        return {
            "scope": self.study.label,
            "runs": len(keys),
            "computing_seconds": round(sum(self.store.seconds[key] for key in keys)),
            "data": self.source.origin,
            "data_sha256": self.source.sha256,
            "backbones_sha256": {
                name: self._inputs[name].hashes["backbone_sha256"] for name in backbones
            },
        }
