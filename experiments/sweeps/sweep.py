"""Many training runs: each configuration's record, computed once and kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from experiments.errors import UserError
from experiments.sweeps.store import RunStore
from experiments.sweeps.workers import Workers, carry_out
from experiments.training.configuration import Configuration
from experiments.training.inputs import Inputs
from experiments.training.learners import learner_on
from experiments.training.train import train
from kernels.errors import KernelError


@dataclass(frozen=True)
class TrainingRuns:
    """Training runs on the same inputs."""

    inputs: Inputs

    def key(self, configuration: Configuration) -> str:
        """Hash of the run. Raises UserError when it does not fit the inputs."""
        return self.inputs.key_of(configuration)

    def run(self, configuration: Configuration) -> dict[str, Any]:
        """Train. Raises UserError, naming the run."""
        try:
            backend = "reference" if self.inputs.variant is None else "pico"
            learner = learner_on(backend, variant=self.inputs.variant)
            return train(configuration, self.inputs, learner)
        except (UserError, KernelError) as error:
            settings = ", ".join(
                f"{name} {value}" for name, value in configuration.to_json().items()
            )
            raise UserError(f"{error} (the run with {settings})") from error


def run_sweep(
    configurations: Sequence[Configuration], inputs: Inputs, store: RunStore, workers: Workers
) -> list[dict[str, Any]]:
    """The records of all configurations, in their order; only missing runs are computed.

    Raises:
        UserError: when a configuration does not fit the inputs (before any run starts), a run
            fails, and as ``carry_out`` does.
        KeyboardInterrupt: with a line that says what is kept.
    """
    fitted = [inputs.fitted(configuration) for configuration in configurations]
    return carry_out(fitted, TrainingRuns(inputs), store, workers)
