"""The search for learning rates in float32, on images that no table is made of."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean

from priot.experiments.floating.configuration import FloatConfiguration, Trained
from priot.experiments.floating.runs import run_floats
from priot.experiments.paper.effort import Stage
from priot.experiments.sweeps.store import RunStore
from priot.experiments.sweeps.workers import Workers
from priot.experiments.training.inputs import Inputs

LEARNING_RATES = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1)
Rates = dict[Trained, dict[float, dict[float, float]]]
"""Mean final accuracy in percent by what is trained, learning rate and angle."""


def try_rates(
    inputs: Inputs, store: RunStore, workers: Workers, dataset: str, stage: Stage
) -> Rates:
    """How every learning rate does at every angle of the stage, over its seeds.

    Args:
        inputs: a backbone, and the images of ``dataset``.

    Raises:
        UserError: as ``run_floats`` does.
    """
    records = run_floats(searched(dataset, stage), inputs, store, workers)
    finals: Iterator[float] = (record.accuracy_by_epoch[-1] for record in records)
    return {
        trained: {
            rate: {angle: fmean(next(finals) for _ in stage.seeds) for angle in stage.angles}
            for rate in LEARNING_RATES
        }
        for trained in Trained
    }


def searched(dataset: str, stage: Stage) -> list[FloatConfiguration]:
    """The runs of the search."""
    return [
        FloatConfiguration(
            *(trained, rate),
            dataset=dataset,
            angle=angle,
            images=stage.images,
            epochs=stage.epochs,
            seed=seed,
        )
        for trained in Trained
        for rate in LEARNING_RATES
        for angle in stage.angles
        for seed in stage.seeds
    ]


def best_rates(rates: Rates) -> dict[Trained, float]:
    """The learning rate with the highest mean over all angles, the smallest of equals."""
    return {
        trained: max(by_rate, key=lambda rate: fmean(by_rate[rate].values()))
        for trained, by_rate in rates.items()
    }
