"""Kept runs that other code made: some are made again, and where these are equal, all count again.

For whoever changes how a number is computed, but not which: hours of runs need not be repeated.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

from priot.experiments.code import with_code
from priot.experiments.datasets.mnist import Images
from priot.experiments.errors import UserError, VoidResultError
from priot.experiments.pretraining.backbone import Backbone
from priot.experiments.progress import ProgressBar
from priot.experiments.records.runs import TrainingRun
from priot.experiments.sweeps.store import RunStore
from priot.experiments.training.configuration import Configuration
from priot.experiments.training.inputs import Inputs, code_with
from priot.experiments.training.learner import Firmware
from priot.experiments.training.train import train
from priot.kernels.trainer import Trainer

SEED = 0  # of the choice


@dataclass(frozen=True)
class Again:
    """What runs are made again with."""

    backbones: Mapping[str, Backbone]
    """By their hash. Runs on other ones are not made again."""
    images_of: Callable[[str], Images]
    """The images of a data set's name."""
    firmware: Firmware | None = None
    """What trained in place of the reference."""

    def inputs_of(self, run: TrainingRun) -> Inputs:
        """What a run read. Raises UserError where the images are others."""
        images = self.images_of(str(run.configuration["dataset"]))
        if images.sha256 != run.data_sha256:
            raise UserError(f"{images.origin}: not the images of the runs, {run.data}; name these")
        return Inputs(self.backbones[run.backbone_sha256], images, self.firmware)


def recheck(store: RunStore, again: Again, sample: int) -> tuple[int, int]:
    """Make some of the training runs that other code made again, and let all of them count.

    Args:
        sample: how many. Every method with every calibration and rounding that occurs comes first.

    Returns:
        How many were made again, and how many count now that did not.

    Raises:
        VoidResultError: a run gives other numbers than it did; nothing is changed then.
        UserError: when none can be made again, and as ``RunStore.open_to_append`` does.
    """
    with store.open_to_append():
        stale = _stale(store, again)
        if not stale:
            return 0, 0
        known = [run for _, run in stale.values() if run.backbone_sha256 in again.backbones]
        if not known:
            raise UserError(f"{store.path}: all runs are on other backbones; name theirs")
        chosen = _chosen(known)[:sample]
        with ProgressBar(len(chosen), "runs") as bar:
            for run in chosen:
                _check(store, run, again)
                bar.update(1)
        store.rename({key: new for key, (new, _) in stale.items()})
    return len(chosen), len(stale)


def _stale(store: RunStore, again: Again) -> dict[str, tuple[str, TrainingRun]]:
    """By key, the key with today's code and the run, where there is none with that key."""
    found = {}
    for key, run in store.records.items():
        if isinstance(run, TrainingRun):
            new = with_code(key, code_with(again.firmware))
            if new not in store.records:
                found[key] = new, run
    return found


def _chosen(runs: list[TrainingRun]) -> list[TrainingRun]:
    """In an order that meets every kind of run early, and is otherwise drawn."""
    runs = random.Random(SEED).sample(runs, len(runs))
    firsts = {(run.label, *map(run.configuration.get, _OF_KIND)): run for run in reversed(runs)}
    first = list(firsts.values())
    return first + [run for run in runs if not any(run is one for one in first)]


_OF_KIND = ("calibration", "rounding", "learning_rate_schedule")


def _check(store: RunStore, run: TrainingRun, again: Again) -> None:
    inputs = again.inputs_of(run)
    found = train(Configuration.from_json(run.configuration), inputs, again.firmware or Trainer)
    differs = [
        one.name for one in fields(run) if getattr(run, one.name) != getattr(found, one.name)
    ]
    if differs:
        settings = ", ".join(f"{name} {value}" for name, value in run.configuration.items())
        raise VoidResultError(
            f"{store.path}: today's code gives another {' and '.join(differs)} for the run with "
            f"{settings}: no run of other code counts, and commands make them anew"
        )
