"""Float32 fine-tuning on some of the compared backbones: how far integers could go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from priot.experiments.datasets.mnist import Images
from priot.experiments.floating.configuration import FloatConfiguration, Trained
from priot.experiments.floating.plan import check_pytorch
from priot.experiments.floating.runs import any_missing, run_floats
from priot.experiments.paper.float_rates import best_rates, searched, try_rates
from priot.experiments.records.runs import FloatRun
from priot.experiments.study.laboratory import StudyLaboratory
from priot.experiments.training.inputs import Inputs, load_images

SEARCHED = "mnist-sample"
"""Training images that no backbone and no table saw."""
Rates = dict[str, dict[Trained, float]]
"""Learning rates by backbone and what is trained."""


def check_floats(laboratory: StudyLaboratory) -> None:
    """Refuse, before hours of other runs, what needs PyTorch where there is none.

    Raises:
        UserError: when runs are missing in the store, and PyTorch is too.
    """
    study = laboratory.study
    if study.float_rates is None:
        return
    images = load_images(SEARCHED, None)
    for name in study.float_backbones:
        search = searched(SEARCHED, study.float_rates)
        if any_missing(search, _inputs(laboratory, name, images), laboratory.store):
            check_pytorch()
            return
    for name, of_backbone in found_rates(laboratory).items():
        tuned = _runs(laboratory, of_backbone)
        if any_missing(tuned, _inputs(laboratory, name, laboratory.source), laboratory.store):
            check_pytorch()
            return


def _runs(laboratory: StudyLaboratory, rates: dict[Trained, float]) -> list[FloatConfiguration]:
    """Of one backbone, at every angle with every seed."""
    study = laboratory.study
    return [
        _run(laboratory, trained, rate, angle, seed)
        for trained, rate in rates.items()
        for angle in study.compared_angles
        for seed in study.comparison.seeds
    ]


def found_rates(laboratory: StudyLaboratory) -> Rates:
    """The best learning rates of every backbone that is fine-tuned.

    Raises:
        UserError: as ``run_floats`` does.
    """
    study = laboratory.study
    if study.float_rates is None:
        return {}
    images = load_images(SEARCHED, None)
    return {
        name: best_rates(
            try_rates(
                _inputs(laboratory, name, images),
                *(laboratory.store, laboratory.workers, SEARCHED, study.float_rates),
            )
        )
        for name in study.float_backbones
    }


def fine_tuned(
    laboratory: StudyLaboratory, rates: Rates
) -> Iterator[tuple[str, float, str, Sequence[FloatRun]]]:
    """Backbone, angle, label and records of every seed, on the images of the integer runs.

    Raises:
        UserError: as ``run_floats`` does.
    """
    study = laboratory.study
    for name, of_backbone in rates.items():
        for trained, rate in of_backbone.items():
            for angle in study.compared_angles:
                runs = [
                    _run(laboratory, trained, rate, angle, seed) for seed in study.comparison.seeds
                ]
                inputs = _inputs(laboratory, name, laboratory.source)
                records = run_floats(runs, inputs, laboratory.store, laboratory.workers)
                yield name, angle, runs[0].label, records


def _inputs(laboratory: StudyLaboratory, name: str, images: Images) -> Inputs:
    return Inputs(laboratory.inputs_of(name).backbone, images)


def _run(
    laboratory: StudyLaboratory, trained: Trained, rate: float, angle: float, seed: int
) -> FloatConfiguration:
    study = laboratory.study
    described: dict[str, Any] = {"dataset": study.dataset, "images": study.images, "seed": seed}
    return FloatConfiguration(
        trained, rate, angle=angle, **described, **study.comparison.settings()
    )
