"""Float32 in the study's table of methods: its rows, its learning rates, and its runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import pytest
from experiment_models import float_run

from priot.experiments.datasets.mnist import Images, mnist_sample
from priot.experiments.errors import UserError
from priot.experiments.floating.configuration import FloatConfiguration, Trained
from priot.experiments.floating.runs import run_floats
from priot.experiments.paper import effort
from priot.experiments.paper.artefact import Artefact
from priot.experiments.paper.float_rates import LEARNING_RATES
from priot.experiments.pretraining.backbone import load_backbone
from priot.experiments.records.runs import FloatRun
from priot.experiments.study.laboratory import StudyLaboratory
from priot.experiments.study.methods import goals, methods
from priot.experiments.study.protocol import QUICK, Stage, Study
from priot.experiments.study.upper_bound import check_floats
from priot.experiments.sweeps.store import RunStore
from priot.experiments.sweeps.workers import Workers
from priot.experiments.training.inputs import Inputs

BACKBONES = ("short-0", "float32-minmax-0")
ANGLES = (30.0, 60.0)
SEEDS = (0, 3)
SMALL = replace(
    QUICK,
    images=8,
    compared_backbones=BACKBONES,
    float_backbones=BACKBONES,
    compared_angles=ANGLES,
    comparison=Stage(test_images=20, epochs=3, measure_every=3, seeds=SEEDS),
    float_rates=effort.Stage(angles=(30.0, 90.0), seeds=(100, 101), images=8, epochs=1),
)
"""A study whose integer runs take seconds."""
HERE = Workers(1)
FLOATS = tuple(f"float32, {trained.value}" for trained in Trained)


def table(study: Study, source: Images, folder: Path) -> Artefact:
    return methods(StudyLaboratory(study, source, RunStore(folder / "runs.jsonl"), HERE))


def float_rows(made: Artefact) -> dict[tuple[str, float, str], Any]:
    """By backbone, angle and label."""
    rows = [row for row in made.rows if row["label"].startswith("float32")]
    found = {(row["backbone"], row["angle"], row["label"]): row for row in rows}
    assert len(found) == len(rows)
    return found


# --- without PyTorch: runs are a made-up landscape


SEARCHED = dict(zip(product(BACKBONES, Trained), (0.001, 0.01, 0.03, 0.1), strict=True))
"""Where accuracy on the search's images has its top, by backbone and what is trained."""
COMPARED = dict(zip(product(BACKBONES, Trained), (0.1, 0.0003, 0.001, 0.003), strict=True))
"""The same on the table's images: whoever looks there picks other learning rates."""


@dataclass
class Landscape:
    """Stands for ``run_floats``: accuracy falls with the distance of a learning rate to the top."""

    compared: Images
    asked: dict[str, list[FloatConfiguration]] = field(default_factory=dict)
    """What was run on the table's images, by backbone."""

    def __call__(
        self, configurations: Sequence[FloatConfiguration], inputs: Inputs, *_: object
    ) -> list[FloatRun]:
        name = self._name_of(inputs)
        if inputs.source is self.compared:
            self.asked.setdefault(name, []).extend(configurations)
        else:
            assert inputs.source.sha256 == mnist_sample().sha256
            assert {one.dataset for one in configurations} == {"mnist-sample"}
        tops = COMPARED if inputs.source is self.compared else SEARCHED
        return [float_run(100, accuracy(one, tops[name, one.trained])) for one in configurations]

    @staticmethod
    def _name_of(inputs: Inputs) -> str:
        hashes = {load_backbone(Path(name)).model.state_hash(): name for name in BACKBONES}
        return hashes[inputs.hashes["backbone_sha256"]]


def accuracy(one: FloatConfiguration, top: float) -> int:
    """Of 1,000 images; far above what the integers of ``SMALL`` reach."""
    off = LEARNING_RATES.index(one.learning_rate) - LEARNING_RATES.index(top)
    return round(1000 - 10 * abs(off) - one.angle / 10 - one.seed % 10)


MadeUp = tuple[Artefact, Landscape]


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> MadeUp:
    """The table, on images that are not the search's, and what was asked for."""
    sample = mnist_sample()
    others = Images(np.flip(sample.pixels, axis=2), sample.labels, "mirrored")
    landscape = Landscape(others)
    with pytest.MonkeyPatch.context() as patch:
        for module in (
            "priot.experiments.paper.float_rates",
            "priot.experiments.study.upper_bound",
        ):
            patch.setattr(f"{module}.run_floats", landscape)
        study = replace(SMALL, dataset="mnist")
        return table(study, others, tmp_path_factory.mktemp("made_up")), landscape


def test_runs_that_need_pytorch_are_refused_before_all_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They come last, after hours."""
    laboratory = StudyLaboratory(SMALL, mnist_sample(), RunStore(tmp_path / "runs.jsonl"), HERE)
    monkeypatch.setattr("priot.experiments.floating.plan.find_spec", lambda name: None)
    with pytest.raises(UserError, match="float32 needs PyTorch"):
        check_floats(laboratory)
    check_floats(replace(laboratory, study=QUICK))  # has none
    monkeypatch.setattr("priot.experiments.floating.plan.find_spec", lambda name: object())
    check_floats(laboratory)


def test_float32_has_a_row_for_every_backbone_and_angle(made_up: MadeUp) -> None:
    rows = float_rows(made_up[0])
    assert set(rows) == set(product(BACKBONES, ANGLES, FLOATS))
    assert all(row["calibration"] is None for row in rows.values())
    assert "Float32" in made_up[0].caption


def test_a_row_has_one_run_for_each_seed_like_the_integer_ones(made_up: MadeUp) -> None:
    made, landscape = made_up
    assert {row["seeds"] for row in float_rows(made).values()} == {len(SEEDS)}
    stage = SMALL.comparison
    for name in BACKBONES:
        asked = landscape.asked[name]
        places = [(one.trained, one.angle, one.seed) for one in asked]
        assert sorted(places, key=str) == sorted(product(Trained, ANGLES, SEEDS), key=str)
        for one in asked:
            assert (one.dataset, one.images, one.test_images) == ("mnist", 8, stage.test_images)
            assert (one.epochs, one.measure_every) == (stage.epochs, stage.measure_every)


def test_each_backbone_has_the_rate_that_was_best_on_the_searchs_images(made_up: MadeUp) -> None:
    made, landscape = made_up
    for name, trained in product(BACKBONES, Trained):
        used = {one.learning_rate for one in landscape.asked[name] if one.trained is trained}
        assert used == {SEARCHED[name, trained]}
        for angle in ANGLES:
            rights = [
                accuracy(FloatConfiguration(trained, rate, angle=angle, seed=seed), top)
                for seed in SEEDS
                for rate, top in [(SEARCHED[name, trained], COMPARED[name, trained])]
            ]
            row = float_rows(made)[name, angle, f"float32, {trained.value}"]
            assert row["final_mean"] == pytest.approx(fmean(rights) / 10)
            assert row["before_mean"] == 10


def test_the_record_tells_the_rates(made_up: MadeUp) -> None:
    assert made_up[0].made_with["float_rates"] == {
        name: {trained.value: SEARCHED[name, trained] for trained in Trained} for name in BACKBONES
    }


def test_goals_leave_float32_out(made_up: MadeUp) -> None:
    made = made_up[0]
    best = min(row["final_mean"] for row in float_rows(made).values())
    integers = [row for row in made.rows if not row["label"].startswith("float32")]
    assert best > max(row["final_mean"] for row in integers)  # they would be the best otherwise
    assert made.made_with["goals"] == goals(integers)
    assert not set(FLOATS) & {goal["label"] for goal in made.made_with["goals"]}


def test_a_study_without_float32_says_nothing_of_it(tmp_path: Path) -> None:
    study = replace(
        SMALL,
        compared_backbones=BACKBONES[:1],
        compared_angles=ANGLES[:1],
        comparison=replace(SMALL.comparison, seeds=SEEDS[:1]),
        float_rates=None,
    )
    made = table(study, mnist_sample(), tmp_path)
    assert not float_rows(made)
    assert made.made_with["float_rates"] == {}
    assert "loat32" not in made.caption


# --- with PyTorch


def test_a_row_tells_what_its_runs_alone_tell(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    (name, *_), (angle, *_) = BACKBONES, ANGLES
    study = replace(
        SMALL,
        compared_backbones=(name,),
        float_backbones=(name,),
        compared_angles=(angle,),
        comparison=Stage(test_images=500, epochs=3, measure_every=1, seeds=SEEDS),
        float_rates=effort.Stage(angles=(30.0,), seeds=(100,), images=8, epochs=1),
    )
    made = table(study, mnist_sample(), tmp_path)
    rows = float_rows(made)
    assert set(rows) == set(product([name], [angle], FLOATS))
    inputs = Inputs(load_backbone(Path(name)), mnist_sample())
    for trained in Trained:
        alone = [
            FloatConfiguration(
                *(trained, made.made_with["float_rates"][name][trained.value]),
                angle=angle,
                images=study.images,
                test_images=500,
                epochs=3,
                seed=seed,
            )
            for seed in SEEDS
        ]
        records = run_floats(alone, inputs, RunStore(tmp_path / "alone.jsonl"), HERE)
        row = rows[name, angle, f"float32, {trained.value}"]
        for column, index in (("before_mean", 0), ("final_mean", -1)):
            expected = fmean(record.accuracy_by_epoch[index] for record in records)
            assert row[column] == round(expected, 3)
        assert row["final_mean"] != row["before_mean"]
