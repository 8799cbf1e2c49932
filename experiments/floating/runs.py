"""Many runs of fine-tuning in float32, kept as they end; kept ones need no PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from priot.experiments.errors import UserError
from priot.experiments.floating.configuration import FloatConfiguration
from priot.experiments.floating.plan import check_pytorch
from priot.experiments.records.runs import FloatRun
from priot.experiments.sweeps.store import RunStore
from priot.experiments.sweeps.workers import Workers, carry_out
from priot.experiments.training.inputs import Inputs

SECONDS_PER_STEP = 4e-4


@dataclass(frozen=True)
class FloatRuns:
    """Runs on the same inputs: as priot.experiments.sweeps.workers carries them out."""

    inputs: Inputs

    def key(self, configuration: FloatConfiguration) -> str:
        """Key of the run. Raises UserError when it does not fit the inputs."""
        network = self.inputs.backbone.model.network
        return self.fitted(configuration).key(
            {**self.inputs.hashes, "backbone_network": network.to_json()}
        )

    def fitted(self, configuration: FloatConfiguration) -> FloatConfiguration:
        """With the backbone's network. Raises UserError when it does not fit the inputs."""
        fitted = self.inputs.fitted(configuration.like_integers())
        return replace(configuration, network=fitted.network)

    def seconds(self, configuration: FloatConfiguration) -> float:
        """About how long a run takes on one core: a step of PyTorch costs most by being one."""
        return SECONDS_PER_STEP * configuration.images * configuration.epochs

    def run(self, configuration: FloatConfiguration) -> FloatRun:
        """Train. Raises UserError without PyTorch, and naming the run."""
        check_pytorch()
        from priot.experiments.floating.fine_tuning import fine_tune

        try:
            return fine_tune(configuration, self.inputs)
        except UserError as error:
            settings = ", ".join(f"{k} {v}" for k, v in configuration.to_json().items())
            raise UserError(f"{error} (the run with {settings})") from error


def any_missing(
    configurations: Sequence[FloatConfiguration], inputs: Inputs, store: RunStore
) -> bool:
    """Whether a run would have to be computed. Raises UserError when one does not fit."""
    runs = FloatRuns(inputs)
    return any(runs.key(configuration) not in store.records for configuration in configurations)


def run_floats(
    configurations: Sequence[FloatConfiguration], inputs: Inputs, store: RunStore, workers: Workers
) -> list[FloatRun]:
    """The records of all configurations, in their order; only missing runs are computed.

    Raises:
        UserError: when a configuration does not fit the inputs (before any run starts), runs are
            missing but PyTorch is too, and as ``carry_out`` does.
    """
    runs = FloatRuns(inputs)
    fitted = [runs.fitted(configuration) for configuration in configurations]
    return carry_out(fitted, runs, store, workers)
