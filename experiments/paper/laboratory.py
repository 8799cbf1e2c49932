"""Everything an experiment needs to carry out its runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from experiments.paper.chosen import ChosenSettings
from experiments.paper.protocol import Scope
from experiments.sweeps.store import RunStore
from experiments.sweeps.sweep import run_sweep
from experiments.sweeps.workers import Workers
from experiments.training.configuration import Configuration
from experiments.training.inputs import Inputs


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

    def run(self, configurations: Sequence[Configuration]) -> list[dict[str, Any]]:
        """Their records in their order, computed or found in the store.

        Raises:
            UserError: as ``run_sweep`` does.
        """
        return run_sweep(configurations, self.inputs, self.store, self.workers)

    def record(self, configurations: Sequence[Configuration]) -> dict[str, Any]:
        """What a table made of these runs says of them."""
        keys = {self.inputs.key_of(configuration) for configuration in configurations}
        return {
            "scope": self.label,
            "runs": len(keys),
            "computing_seconds": round(sum(self.store.seconds[key] for key in keys)),
            "data": self.inputs.source.origin,
            **self.inputs.hashes,
            **self.inputs.firmware,
        }
