"""Fine-tuning in float32: the images and their order of an integer run, kept like any run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from experiment_models import float_run
from numpy.typing import NDArray

from priot.experiments.datasets.mnist import mnist_sample
from priot.experiments.errors import UserError
from priot.experiments.floating.configuration import FloatConfiguration, Trained
from priot.experiments.floating.runs import FloatRuns, run_floats
from priot.experiments.paper.effort import Stage
from priot.experiments.paper.float_rates import LEARNING_RATES, best_rates, try_rates
from priot.experiments.pretraining.backbone import Backbone, backbone_record, load_backbone
from priot.experiments.records.runs import FloatRun
from priot.experiments.sweeps.store import RunStore
from priot.experiments.sweeps.workers import Workers
from priot.experiments.training.configuration import Configuration
from priot.experiments.training.inputs import Inputs
from priot.experiments.training.train import TrainingSession
from priot.kernels.methods import METHODS
from priot.kernels.model import initial_model
from priot.kernels.network import Network
from priot.kernels.operations import Dense, MaxPool2d

LINEAR = Network("linear", (1, 28, 28), (MaxPool2d(4), Dense(10)))
RUN = FloatConfiguration(Trained.ALL, 0.01, images=100, test_images=200, epochs=3)
HERE = Workers(1)


def untrained(network: Network) -> Backbone:
    model = initial_model(network, 0)
    return Backbone(model, backbone_record(model))


@pytest.fixture
def linear() -> Inputs:
    return Inputs(untrained(LINEAR), mnist_sample())


@pytest.fixture
def tiny() -> Inputs:
    return Inputs(load_backbone(None), mnist_sample())


@pytest.fixture
def without_pytorch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("priot.experiments.floating.plan.find_spec", lambda name: None)


# --- with PyTorch or without


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"learning_rate": 0.0}, "a learning rate of 0: take one above 0, and 1 at most"),
        ({"learning_rate": float("nan")}, "a learning rate of nan"),
        ({"angle": float("inf")}, "angle inf: name degrees from -360 to 360"),
        ({"epochs": -1}, "epochs -1: train for 0 to 100,000 epochs"),
        ({"dataset": "letters"}, "dataset 'letters': choose from mnist-sample"),
        ({"seed": -1}, "seed -1: a seed is 0 or more, at most"),
    ],
)
def test_a_configuration_out_of_range_is_refused(settings: dict[str, Any], expected: str) -> None:
    with pytest.raises(UserError, match=expected):
        replace(RUN, **settings)


def test_every_setting_makes_another_key(linear: Inputs) -> None:
    others: list[dict[str, Any]] = [
        *({}, {"trained": Trained.LAST}, {"learning_rate": 0.02}, {"angle": 45.0}, {"seed": 1}),
        *({"images": 101}, {"test_images": 201}, {"epochs": 4}, {"measure_every": 2}),
    ]
    runs = FloatRuns(linear)
    keys = {runs.key(replace(RUN, **settings)) for settings in others}
    assert len(keys) == len(others)
    assert linear.key_of(RUN.like_integers()) not in keys
    assert runs.key(replace(RUN, network="linear")) in keys
    assert FloatRuns(Inputs(untrained(LINEAR), linear.source)).key(RUN) in keys


def test_defaults_are_those_of_an_integer_run() -> None:
    like = FloatConfiguration(Trained.ALL, 0.01).like_integers()
    assert like == Configuration(METHODS["niti-dynamic"])


@pytest.mark.usefixtures("without_pytorch")
def test_kept_runs_need_no_pytorch(linear: Inputs, tmp_path: Path) -> None:
    store = RunStore(tmp_path / "runs.jsonl")
    with store.open_to_append():
        store.add(FloatRuns(linear).key(RUN), float_run(1), 1.0)
    assert run_floats([RUN], linear, RunStore(store.path), HERE) == [float_run(1)]
    with pytest.raises(UserError, match=r"float32 needs PyTorch: pip install 'priot\[torch\]'"):
        run_floats([RUN, replace(RUN, seed=1)], linear, store, HERE)


def test_what_does_not_fit_the_inputs_is_refused_at_once(linear: Inputs, tmp_path: Path) -> None:
    store = RunStore(tmp_path / "runs.jsonl")
    with pytest.raises(UserError, match="the backbone is of 'linear'"):
        run_floats([RUN, replace(RUN, network="vgg11")], linear, store, HERE)
    with pytest.raises(UserError, match="ask for fewer"):
        run_floats([RUN, replace(RUN, images=3001)], linear, store, HERE)
    assert not store.path.exists()


def test_the_rate_that_is_best_over_all_angles_wins(
    linear: Inputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs are a made-up landscape, with its top at 0.01 for all layers and 0.1 for the last."""

    def run_floats(configurations: list[FloatConfiguration], *_: object) -> list[FloatRun]:
        tops = {Trained.ALL: 0.01, Trained.LAST: 0.1}
        off = [abs(np.log10(one.learning_rate / tops[one.trained])) for one in configurations]
        return [
            float_run(int(900 - 100 * o - one.angle))
            for o, one in zip(off, configurations, strict=True)
        ]

    monkeypatch.setattr("priot.experiments.paper.float_rates.run_floats", run_floats)
    stage = Stage(angles=(30.0, 60.0), seeds=(1, 2), images=10, epochs=1)
    rates = try_rates(linear, None, HERE, "mnist-sample", stage)  # type: ignore[arg-type]
    assert tuple(rates[Trained.ALL]) == LEARNING_RATES
    assert rates[Trained.LAST][0.1] == {30.0: 87.0, 60.0: 84.0}
    assert best_rates(rates) == {Trained.ALL: 0.01, Trained.LAST: 0.1}


# --- with PyTorch


def softmax_regression(session: TrainingSession, rate: float, epochs: int) -> list[int]:
    """Right answers before and after each epoch of plain SGD on LINEAR, in float64 and NumPy."""

    def features(images: NDArray[np.int8]) -> NDArray[np.float64]:
        windows = images.reshape(len(images), 7, 4, 7, 4).max(axis=(2, 4))
        return windows.reshape(len(images), 49) / 128

    task, model = session.task, session.learner.model
    weights = model.weights[1] * 2.0 ** model.exponents[1]
    inputs, tests = features(task.images), features(task.test_images)

    def right() -> int:
        return int(np.count_nonzero((tests @ weights.T).argmax(axis=1) == task.test_labels))

    found = [right()]
    for epoch in range(1, epochs + 1):
        for index in session.order_of(epoch):
            powers = np.exp(weights @ inputs[index])
            error = powers / powers.sum()
            error[task.labels[index]] -= 1
            weights -= rate * np.outer(error, inputs[index])
        found.append(right())
    return found


@pytest.mark.parametrize("trained", Trained)
@pytest.mark.parametrize("seed", [0, 7])
def test_it_is_plain_sgd_on_the_images_of_an_integer_run(
    linear: Inputs, trained: Trained, seed: int
) -> None:
    pytest.importorskip("torch")
    run = replace(RUN, trained=trained, seed=seed, learning_rate=0.1)
    record = FloatRuns(linear).run(run)
    expected = softmax_regression(TrainingSession(run.like_integers(), linear), 0.1, RUN.epochs)
    assert expected[-1] > expected[0] + 20
    assert np.abs(np.subtract(record.right, expected)).max() <= 1  # where logits nearly tie


Final = Callable[[Trained], dict[int, NDArray[np.float32]]]


@pytest.fixture
def final(tiny: Inputs, monkeypatch: pytest.MonkeyPatch) -> Final:
    """The weights that a short run ends with."""
    pytest.importorskip("torch")
    from priot.experiments.floating import fine_tuning

    def weights(trained: Trained) -> dict[int, NDArray[np.float32]]:
        kept: dict[int, NDArray[np.float32]] = {}
        monkeypatch.setattr(fine_tuning, "hash_of", lambda weights: kept.update(weights))
        FloatRuns(tiny).run(replace(RUN, trained=trained, images=20, epochs=1))
        return kept

    return weights


def test_only_what_is_trained_changes(final: Final, tiny: Inputs) -> None:
    model = tiny.backbone.model
    for trained, learning in ((Trained.LAST, {8}), (Trained.ALL, {0, 3, 6, 8})):
        changed = {
            index
            for index, weights in final(trained).items()
            if not np.array_equal(weights, model.weights[index] * 2.0 ** model.exponents[index])
        }
        assert changed == learning


def test_a_record_reads_like_that_of_an_integer_run(tiny: Inputs, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    store = RunStore(tmp_path / "runs.jsonl")
    runs = [replace(RUN, measure_every=2), replace(RUN, trained=Trained.LAST)]
    records = run_floats(runs, tiny, store, HERE)
    assert [record.label for record in records] == [*("float32, all layers", "float32, last layer")]
    assert [record.measured_epochs for record in records] == [(0, 2, 3), (0, 1, 2, 3)]
    for record in records:
        accuracy = record.accuracy_by_epoch
        assert accuracy[-1] > accuracy[0]
        assert len(accuracy) == len(record.measured_epochs)
        assert record.configuration["network"] == "tiny-cnn"
    assert run_floats(runs, tiny, RunStore(store.path), HERE) == records
    assert [FloatRuns(tiny).run(run) for run in runs] == records


def test_a_run_follows_from_its_seed(tiny: Inputs) -> None:
    pytest.importorskip("torch")
    first, again, other = (
        FloatRuns(tiny).run(replace(RUN, seed=seed, epochs=1)) for seed in (0, 0, 1)
    )
    assert first == again
    assert first.final_state_sha256 != other.final_state_sha256
