"""priot pretrain --arithmetic float32: networks as PyTorch modules, and backbones made of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from experiment_models import MNIST_NETWORK, SMALL

from priot.experiments.classifier import right_answers
from priot.experiments.cli import main
from priot.experiments.datasets.mnist import Images, mnist_sample
from priot.experiments.datasets.rotation import as_input
from priot.experiments.errors import UserError
from priot.experiments.floating.plan import FloatPlan, Optimiser
from priot.experiments.floating.quantisation import Quantisation
from priot.experiments.pretraining import defaults as pretrainings
from priot.experiments.pretraining.backbone import Backbone, load_backbone
from priot.experiments.pretraining.defaults import KINDS
from priot.experiments.pretraining.networks import vgg11
from priot.kernels.methods import METHODS
from priot.kernels.model import INPUT_EXPONENT, Model
from priot.kernels.network import Network
from priot.kernels.operations import Conv2d, Dense, MaxPool2d
from priot.kernels.trainer import Trainer

PLAN = FloatPlan((0.01, 0.003), Optimiser.ADAM, batch=16)


def digits(first: int, count: int) -> Images:
    sample = mnist_sample()
    some = slice(first, first + count)
    return Images(sample.pixels[some], sample.labels[some], f"{count} digits")


# --- with PyTorch or without


@pytest.fixture
def _few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stands in for full MNIST."""
    monkeypatch.setattr(pretrainings, "mnist", lambda *_: digits(0, 300))
    monkeypatch.setattr(pretrainings, "train_without_sample", lambda images: images)


def refused(capsys: pytest.CaptureFixture[str], folder: Path, *options: str) -> str:
    """What priot pretrain says when it makes nothing."""
    assert main(["pretrain", "--out", str(folder / "b.json"), *options]) == 2
    assert not list(folder.iterdir())
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--quantisation", "min-max"), "--quantisation makes int8 of float32 weights"),
        (("--arithmetic", "integer", "--quantisation", "percentile"), "add --arithmetic float32"),
        (("--arithmetic", "float32", "--checkpoint", "c"), "--checkpoint is for --arithmetic int"),
        (("--arithmetic", "float32", "--schedule", "3x2"), "a learning rate of 3: take one above"),
        (("--arithmetic", "float32", "--schedule", "0"), "a learning rate of 0: take one above"),
        (("--arithmetic", "float32", "--schedule", "nan"), "a learning rate of nan: take one"),
        (("--arithmetic", "float32", "--schedule", "0.1x"), "--schedule 0.1x: give a learning"),
        (("--arithmetic", "float32", "--schedule", "0.1x0"), "--schedule 0.1x0: give a learning"),
        (("--arithmetic", "float32", "--schedule", "0.1x999999999"), "epochs 999999999: train"),
        (("--arithmetic", "float32", "--schedule", "fast"), "--schedule fast: give a learning"),
        (("--arithmetic", "float32", "--schedule", ""), "--schedule : give a learning rate"),
        (("--arithmetic", "float32", "--batch", "0"), "a batch of 0 images: take 1 or more"),
        (("--arithmetic", "float32", "--threads", "0"), "--threads 0: take 1 or more"),
        (("--schedule", "3x999999999,2"), "epochs 1000000000: train for 0 to 100,000"),
        (("--schedule", "3x" + 5000 * "9"), "give bits per epoch"),
        (("--schedule", "0.001"), "--schedule 0.001: give bits per epoch"),
    ],
)
def test_what_has_no_meaning_is_refused(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    options: tuple[str, ...],
    expected: str,
) -> None:
    assert expected in refused(capsys, tmp_path, *options)


@pytest.mark.usefixtures("_few_images")
def test_without_pytorch_the_extra_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("priot.experiments.floating.plan.find_spec", lambda name: None)
    message = refused(capsys, tmp_path, "--arithmetic", "float32")
    assert "float32 needs PyTorch: pip install 'priot[torch]'" in message


@pytest.mark.parametrize("setting", [{"batch": 0}, {"seed": -1}, {"threads": 0}])
def test_a_plan_out_of_range_is_refused(setting: dict[str, int]) -> None:
    with pytest.raises(UserError, match="or more"):
        replace(PLAN, **setting)


def test_learning_rates_fall() -> None:
    for defaults in KINDS.values():
        rates = defaults.floating.schedule
        assert list(rates) == sorted(rates, reverse=True)
        assert rates[-1] < rates[0] / 5


# --- with PyTorch


@pytest.fixture
def made() -> Any:
    """Makes a backbone of few digits."""
    pytest.importorskip("torch")
    from priot.experiments.floating.pretrain import float_pretrain

    def make(
        plan: FloatPlan = PLAN,
        rule: Quantisation = Quantisation.MIN_MAX,
        network: Network = MNIST_NETWORK,
    ) -> Backbone:
        return float_pretrain(network, digits(0, 1000), digits(1000, 500), plan, rule)

    return make


def test_a_module_computes_what_the_integers_stand_for() -> None:
    """Where no sum needs more than 7 bits nothing is rounded, and the logits are the same."""
    pytest.importorskip("torch")
    from priot.experiments.floating.modules import as_floats, float_weights, module_with, outputs_of

    generator = np.random.default_rng(0)
    weights = {}
    for index in SMALL.weighted:
        values = np.zeros(SMALL.weight_shape_of(index), np.int8)
        for row in values.reshape(len(values), -1):
            row[generator.permutation(row.size)[:2]] = (1, generator.choice((-1, 1)))
        weights[index] = values
    model = Model(SMALL, weights, {index: -index for index in SMALL.weighted})
    images = generator.integers(0, 8, (20, *SMALL.input_shape), np.int8)
    logits = Trainer(model.copy(), METHODS["niti-dynamic"], scales=None).logits_of(images)
    assert len(np.unique(logits)) > 5
    assert np.abs(logits).max() < 127
    exponent = INPUT_EXPONENT + sum(model.exponents.values())
    outputs = outputs_of(module_with(SMALL, float_weights(model)), as_floats(images)).numpy()
    np.testing.assert_array_equal(outputs, np.ldexp(logits.astype(np.float32), exponent))


def test_a_backbone_learns_and_says_how(made: Any) -> None:
    backbone = made()
    record = backbone.record
    assert [(line["epoch"], line["learning_rate"]) for line in record["history"]] == [
        *((1, 0.01), (2, 0.003))
    ]
    assert record["history"][-1]["test_accuracy"] > 50
    assert (record["batch"], record["threads"], record["optimiser"]) == (16, 1, "Adam")
    test = digits(1000, 500)
    trainer = Trainer(backbone.model.copy(), METHODS["niti-dynamic"], scales=None)
    right, _ = right_answers(trainer, as_input(test.pixels), test.labels)
    assert record["quantised"]["dynamic"]["test_accuracy"] == 100 * right / 500
    assert abs(100 * right / 500 - record["history"][-1]["test_accuracy"]) < 5


def test_the_same_seed_gives_the_same_backbone(made: Any) -> None:
    """Whatever random numbers were drawn before."""
    torch = pytest.importorskip("torch")
    first, _, again, other = made(), torch.rand(9), made(), made(replace(PLAN, seed=1))
    assert first.record == again.record
    assert first.record["float32_sha256"] != other.record["float32_sha256"]


def test_the_rule_changes_no_float_weight(made: Any) -> None:
    whole, clipped = (made(rule=rule).record for rule in Quantisation)
    assert whole["float32_sha256"] == clipped["float32_sha256"]
    assert (whole["quantisation"]["rule"], clipped["quantisation"]["rule"]) == (
        *("min-max", "percentile"),
    )


def test_pytorch_is_left_as_it_was(made: Any) -> None:
    torch = pytest.importorskip("torch")
    before = torch.random.get_rng_state()
    made()
    assert torch.equal(torch.random.get_rng_state(), before)
    assert not torch.are_deterministic_algorithms_enabled()


def test_colours_augmentation_and_momentum() -> None:
    pytest.importorskip("torch")
    from priot.experiments.floating.pretrain import float_pretrain

    pixels = np.random.default_rng(0).integers(0, 256, (40, 3, 32, 32)).astype(np.uint8)
    images = Images(pixels, (np.arange(40) % 10).astype(np.uint8), "noise")
    plan = replace(KINDS["vgg11"].floating, schedule=(0.05, 0.01), batch=16)
    plain, augmented = (
        float_pretrain(vgg11(2), images, images, replace(plan, augmented=yes), Quantisation.MIN_MAX)
        for yes in (False, True)
    )
    assert augmented.record["optimiser"] == "SGD, momentum 0.9, weight decay 0.0005"
    assert plain.record["float32_sha256"] != augmented.record["float32_sha256"]


def test_weights_that_explode_are_refused(made: Any) -> None:
    unlimited = Network(
        "unlimited", (1, 28, 28), (MaxPool2d(4), Conv2d(3), Conv2d(3), Conv2d(3), Dense(10))
    )
    with pytest.raises(UserError, match="training diverged: take smaller learning rates"):
        made(FloatPlan((1.0,), Optimiser.SGD, batch=4), network=unlimited)


@pytest.mark.usefixtures("_few_images")
def test_the_command_makes_a_backbone_for_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    network = tmp_path / "network.json"
    network.write_text(json.dumps(MNIST_NETWORK.to_json()))
    path = tmp_path / "made" / "backbone.json"
    options = ["--arithmetic", "float32", "--quantisation", "percentile", "--network", str(network)]
    options += ["--schedule", "1e-2x2,0.001", "--batch", "8", "--seed", "3", "--out", str(path)]
    assert main(["pretrain", *options]) == 0
    record = load_backbone(path).record
    assert [line["learning_rate"] for line in record["history"]] == [0.01, 0.01, 0.001]
    assert (record["batch"], record["seed"]) == (8, 3)
    assert record["quantisation"]["rule"] == "percentile"
    rows = capsys.readouterr().out.splitlines()[2:]
    assert [row.split()[-1] for row in rows] == [
        f"{line['test_accuracy']:.2f}"
        for line in [*record["history"], *record["quantised"].values()]
    ]
    assert main(["costs", "--images", "1", "--backbone", str(path)]) == 0
