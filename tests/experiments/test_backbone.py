"""Backbones and priot pretrain: backbones that ship, are saved, loaded and made."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from experiment_models import MNIST_NETWORK

from priot.experiments.classifier import right_answers
from priot.experiments.cli import main
from priot.experiments.datasets.mnist import Images, mnist_sample
from priot.experiments.datasets.rotation import as_input
from priot.experiments.errors import UserError
from priot.experiments.pretraining import defaults as pretrainings
from priot.experiments.pretraining.backbone import (
    Backbone,
    backbone_record,
    load_backbone,
    save_backbone,
)
from priot.experiments.pretraining.networks import TINY_CNN
from priot.kernels.methods import method
from priot.kernels.model import initial_model
from priot.kernels.network import Network
from priot.kernels.trainer import Trainer

# --- the embedded backbone


def test_embedded_backbone_is_the_tiny_cnn() -> None:
    backbone = load_backbone(None)
    assert backbone.model.network == TINY_CNN
    assert backbone.model.state_hash() == backbone.record["state_sha256"]
    assert sum(weights.size for weights in backbone.model.weights.values()) == 52_040


def test_embedded_backbone_was_trained_without_the_sample() -> None:
    origin = load_backbone(None).record["training_data"]["origin"]
    assert origin == "MNIST training set less the embedded sample, 57,000 images"


def test_embedded_backbone_knows_upright_digits() -> None:
    """As its record says of MNIST's test images, and as the sample shows."""
    backbone, sample = load_backbone(None), mnist_sample()
    assert backbone.record["history"][-1]["test_accuracy"] >= 97
    trainer = Trainer(backbone.model, method("niti-dynamic"), scales=None)
    right, _ = right_answers(trainer, as_input(sample.pixels), sample.labels)
    assert right >= 0.97 * len(sample)


def test_weights_stay_within_the_range_of_the_update() -> None:
    for weights in load_backbone(None).model.weights.values():
        assert weights.dtype == np.int8
        assert weights.min() >= -127


# --- saving and loading


def untrained(seed: int) -> Backbone:
    model = initial_model(MNIST_NETWORK, seed)
    return Backbone(model, backbone_record(model, remark=f"seed {seed}"))


def test_saved_backbone_is_loaded_alike(tmp_path: Path) -> None:
    saved = untrained(0)
    path = tmp_path / "new" / "folder" / "backbone.json"
    save_backbone(path, saved)
    loaded = load_backbone(path)
    assert loaded.record == saved.record
    assert loaded.model.network == saved.model.network
    assert loaded.model.exponents == saved.model.exponents
    for index in MNIST_NETWORK.weighted:
        assert loaded.model.weights[index].dtype == np.int8
        np.testing.assert_array_equal(loaded.model.weights[index], saved.model.weights[index])
    assert sorted(p.name for p in path.parent.iterdir()) == ["backbone.json", "backbone.npz"]


def test_saving_replaces_an_older_backbone(tmp_path: Path) -> None:
    path = tmp_path / "backbone.json"
    for seed in (0, 1):
        save_backbone(path, untrained(seed))
    assert load_backbone(path).record["remark"] == "seed 1"


def test_interrupted_saving_leaves_the_old_backbone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "backbone.json"
    save_backbone(path, untrained(0))

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            save_backbone(path, untrained(1))
    assert load_backbone(path).record["remark"] == "seed 0"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["backbone.json", "backbone.npz"]


def test_saving_interrupted_between_the_two_files_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New weights beside an old record are refused, not trained on."""
    path = tmp_path / "backbone.json"
    save_backbone(path, untrained(0))
    replace = Path.replace

    def only_weights(self: Path, target: Path) -> None:
        if target.suffix == ".json":
            raise KeyboardInterrupt
        replace(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", only_weights)
        with pytest.raises(KeyboardInterrupt):
            save_backbone(path, untrained(1))
    with pytest.raises(UserError, match=r"these are not the weights that backbone\.json records"):
        load_backbone(path)


# --- making one


@pytest.fixture
def few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stands in for full MNIST, which the tests do not download."""
    sample = mnist_sample()
    few = Images(sample.pixels[:300], sample.labels[:300], "a few images")
    monkeypatch.setattr(pretrainings, "mnist", lambda *_: few)
    monkeypatch.setattr(pretrainings, "train_without_sample", lambda images: images)


def described(network: Network, path: Path) -> str:
    path.write_text(json.dumps(network.to_json()))
    return str(path)


@pytest.mark.usefixtures("few_images")
def test_pretrained_backbone_has_learnt_and_can_be_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network = described(MNIST_NETWORK, tmp_path / "network.json")
    path, copy = tmp_path / "backbone.json", tmp_path / "copy.json"
    options = ["--network", network, "--schedule", "3,3,2", "--out", str(path)]
    assert main(["pretrain", *options, "--json", str(copy)]) == 0
    backbone = load_backbone(path)
    assert json.loads(copy.read_text()) == backbone.record
    history = backbone.record["history"]
    assert [(line["epoch"], line["learning_rate_bits"]) for line in history] == [
        *((1, 3), (2, 3), (3, 2))
    ]
    assert history[-1]["test_accuracy"] > 50
    rows = capsys.readouterr().out.splitlines()[2:]
    assert [row.split()[1] for row in rows] == [f"{line['test_accuracy']:.2f}" for line in history]
    assert main(["costs", "--images", "1", "--backbone", str(path)]) == 0


@pytest.mark.usefixtures("few_images")
def test_pretraining_follows_from_its_seed(tmp_path: Path) -> None:
    network = described(MNIST_NETWORK, tmp_path / "network.json")
    records = []
    for name, seed in (("first", 0), ("again", 0), ("other", 1)):
        path = tmp_path / f"{name}.json"
        options = ["--network", network, "--schedule", "3", "--seed", str(seed), "--out", str(path)]
        assert main(["pretrain", *options]) == 0
        records.append(load_backbone(path).record)
    first, again, other = records
    assert first == again
    assert first["state_sha256"] != other["state_sha256"]


@pytest.mark.usefixtures("few_images")
def test_bad_schedule_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "backbone.json"
    assert main(["pretrain", "--schedule", "3,8", "--out", str(path)]) == 2
    assert capsys.readouterr().err == "priot: learning-rate bits 8 are outside 0..7\n"
    assert not path.exists()


@pytest.mark.usefixtures("few_images")
def test_negative_seed_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pretrain", "--seed", "-1", "--out", str(tmp_path / "backbone.json")]) == 2
    assert "--seed -1" in capsys.readouterr().err


@pytest.mark.usefixtures("few_images")
def test_record_named_like_its_weights_does_not_overwrite_them(tmp_path: Path) -> None:
    network = described(MNIST_NETWORK, tmp_path / "network.json")
    path = tmp_path / "backbone.npz"
    options = ["--network", network, "--schedule", "3", "--out", str(path)]
    if main(["pretrain", *options]) == 0:
        load_backbone(path)


def test_backbone_may_be_moved_with_its_weights(tmp_path: Path) -> None:
    save_backbone(tmp_path / "backbone.json", untrained(0))
    folder = tmp_path / "moved"
    folder.mkdir()
    for suffix in ("json", "npz"):
        shutil.move(tmp_path / f"backbone.{suffix}", folder / f"renamed.{suffix}")
    assert load_backbone(folder / "renamed.json").record["remark"] == "seed 0"
