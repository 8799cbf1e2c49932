"""Many training runs: each configuration's record, computed once and kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from priot.experiments.errors import UserError
from priot.experiments.records.runs import TrainingRun
from priot.experiments.sweeps.store import RunStore
from priot.experiments.sweeps.workers import Workers, carry_out
from priot.experiments.training.configuration import Configuration
from priot.experiments.training.duration import seconds_of
from priot.experiments.training.inputs import Inputs
from priot.experiments.training.train import train
from priot.kernels.errors import KernelError
from priot.kernels.trainer import Trainer

EMULATED = 75
"""Times that a run in the emulator takes as long as one in the reference, about."""


class Run(NamedTuple):
    """A training run on one of several backbones."""

    backbone: str
    configuration: Configuration


@dataclass(frozen=True)
class TrainingRuns:
    """Training runs (Runs of priot.experiments.sweeps.workers)."""

    inputs: Mapping[str, Inputs]
    """What runs read, by name of the backbone."""

    def key(self, run: Run) -> str:
        """Key of the run. Raises UserError when it does not fit the inputs."""
        return self.inputs[run.backbone].key_of(run.configuration)

    def seconds(self, run: Run) -> float:
        """About how long a run takes on one core; in the emulator far longer."""
        inputs = self.inputs[run.backbone]
        network, images = inputs.backbone.model.network, len(inputs.source.labels)
        here = seconds_of(run.configuration, network, images)
        return here if inputs.firmware is None else EMULATED * here

    def run(self, run: Run) -> TrainingRun:
        """Train. Raises UserError, naming the run."""
        inputs = self.inputs[run.backbone]
        try:
            return train(run.configuration, inputs, inputs.firmware or Trainer)
        except (UserError, KernelError) as error:
            settings = ", ".join(
                f"{name} {value}" for name, value in run.configuration.to_json().items()
            )
            raise UserError(f"{error} (the run with {settings})") from error


def run_on_backbones(
    runs: Sequence[Run], inputs: Mapping[str, Inputs], store: RunStore, workers: Workers
) -> list[TrainingRun]:
    """The records of all runs, in their order; only missing ones are computed.

    Raises:
        UserError: when a configuration does not fit its backbone (before any run starts), a run
            fails, and as ``carry_out`` does.
        KeyboardInterrupt: with a line that says what is kept.
    """
    fitted = [
        run._replace(configuration=inputs[run.backbone].fitted(run.configuration)) for run in runs
    ]
    return carry_out(fitted, TrainingRuns(inputs), store, workers)


def run_sweep(
    configurations: Sequence[Configuration], inputs: Inputs, store: RunStore, workers: Workers
) -> list[TrainingRun]:
    """``run_on_backbones`` on one."""
    runs = [Run("", configuration) for configuration in configurations]
    return run_on_backbones(runs, {"": inputs}, store, workers)
