"""VGG11 on CIFAR-10 through the command line: a narrow stand-in, and images of noise."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from experiment_commands import without_progress

from priot.experiments.cli import main
from priot.experiments.datasets.cifar10 import cifar10, cifar10_sample
from priot.experiments.paper import effort
from priot.experiments.paper.contenders import CONTENDERS
from priot.experiments.paper.effort import EFFORTS, Effort, Stage
from priot.experiments.paper.protocol import NETWORKS, QUICK, VGG11, VGG11_QUICK, scope_of
from priot.experiments.pretraining.backbone import save_backbone, untrained_backbone
from priot.experiments.pretraining.networks import vgg11

EFFORT = Effort(
    dataset="cifar10-sample",
    spaces=EFFORTS["vgg11"].spaces,
    first=Stage(angles=(30.0,), seeds=(100,), images=8, epochs=1),
    finalists=1,
    last=Stage(angles=(30.0, 45.0), seeds=(100, 101), images=8, epochs=1),
    measure_every=5,
)
OF_VGG11 = ("--network", "vgg11", "--dataset", "cifar10")
MADE = ("accuracy", "history", "overflow")
MEASURED = [0, 2]  # epochs of VGG11_QUICK


@pytest.fixture(scope="module")
def cifar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with batches of noise: 2,000 training images and 200 to test."""
    folder = tmp_path_factory.mktemp("cifar")
    generator = np.random.default_rng(0)
    names = {f"data_batch_{number}": 400 for number in range(1, 6)} | {"test_batch": 200}
    for name, images in names.items():
        records = generator.integers(0, 256, (images, 3073)).astype(np.uint8)
        records[:, 0] %= 10
        records.tofile(folder / f"{name}.bin")
    return folder


@pytest.fixture(scope="module")
def inputs(cifar: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options that name the data, and a backbone of VGG11 with one channel in its first layer."""
    record = tmp_path_factory.mktemp("backbone") / "narrow.json"
    save_backbone(record, untrained_backbone(vgg11(1), 0))
    return ["--data", str(cifar), "--backbone", str(record), "--jobs", "1"]


@pytest.fixture(scope="module")
def settings(inputs: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What priot tune finds, with hardly any effort."""
    path = tmp_path_factory.mktemp("tune") / "settings.json"
    options = ["--settings", str(path), "--json", str(path.with_name("tuning.json"))]
    options += ["--runs", str(path.with_name("runs.jsonl"))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(effort, "EFFORTS", {"vgg11": EFFORT})
        assert main(["tune", *OF_VGG11, *inputs, *options]) == 0
    return path


@pytest.fixture(scope="module")
def quick(inputs: list[str], settings: Path) -> list[str]:
    """Options of the reduced version."""
    return ["--quick", *OF_VGG11, *inputs, "--settings", str(settings)]


@pytest.fixture(scope="module")
def results(quick: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What priot paper writes of VGG11."""
    folder = tmp_path_factory.mktemp("results")
    assert main(["paper", *quick, "--results", str(folder)]) == 0
    return folder


def rows_of(results: Path, name: str) -> list[dict[str, str]]:
    with (results / f"{name}.csv").open() as file:
        return list(csv.DictReader(file))


def test_search_is_on_training_images_alone(settings: Path, cifar: Path) -> None:
    searched = json.loads(settings.with_name("tuning.json").read_text())
    training, sample = cifar10(cifar, "train"), cifar10_sample(cifar)
    np.testing.assert_array_equal(sample.pixels, training.pixels[::20])
    np.testing.assert_array_equal(sample.labels, training.labels[::20])
    assert searched["data"] == sample.origin == f"every 20th of {training.origin}"
    assert searched["data_sha256"] == sample.sha256
    assert searched["best"].keys() == {contender.name for contender in CONTENDERS}
    for best in searched["best"].values():
        assert best.keys() == {"30", "45"}


def test_all_that_takes_no_pico_is_made(results: Path) -> None:
    suffixes = (".json", ".caption.txt", ".pdf", ".png")
    expected = {f"{name}_vgg11{suffix}" for name in MADE for suffix in suffixes}
    expected |= {f"{name}.csv" for name in MADE}
    assert {path.name for path in results.iterdir() if path.is_file()} == expected
    assert [path.name for path in (results / "runs").glob("*.jsonl")] == ["cifar10.jsonl"]


def test_rows_name_the_network_that_was_trained(results: Path) -> None:
    for name in MADE:
        rows = rows_of(results, name)
        assert {(row["network"], row["dataset"]) for row in rows} == {("vgg11-1", "cifar10")}
        record = json.loads((results / f"{name}_vgg11.json").read_text())
        assert len(record["rows"]) == len(rows)
        assert "REDUCED" in record["caption"]
        assert "test_batch.bin (own data" in record["caption"]


def test_history_has_the_epochs_that_were_measured(results: Path) -> None:
    rows = [row for row in rows_of(results, "history") if row["panel"] == "paper"]
    assert [int(row["epoch"]) for row in rows if row["label"] == "PRIOT"] == MEASURED


def test_overflow_is_followed_between_two_measurements(results: Path) -> None:
    rows = [row for row in rows_of(results, "overflow") if row["panel"] == "NITI static"]
    lines = (results / "runs" / "cifar10.jsonl").read_text().splitlines()
    (run,) = (
        record["right"]
        for record in (json.loads(line)["record"] for line in lines)
        if record["configuration"]["method"] == "niti-static"
        and record["configuration"].get("logit_headroom") == -2
    )
    assert rows[0]["epoch"] == "2"
    assert [float(row["accuracy"]) for row in (rows[0], rows[-1])] == run  # percent of 100 images
    assert int(rows[-1]["images"]) == 2 * VGG11_QUICK.images
    assert "through epochs 1 to 2" in (results / "overflow_vgg11.caption.txt").read_text()


def test_networks_share_a_table_whichever_is_made_first(
    quick: list[str], results: Path, small_backbone: Path, tmp_path: Path
) -> None:
    of_mnist = ["--quick", "--backbone", str(small_backbone), "--jobs", "1"]
    runs = ["--runs", str(tmp_path / "mnist.jsonl")]
    made = {
        "mnist": ["history", *of_mnist, *runs],
        "cifar": ["history", *quick, "--runs", str(results / "runs" / "cifar10.jsonl")],
    }
    tables = []
    for order in (("mnist", "cifar"), ("cifar", "mnist", "cifar")):
        folder = tmp_path / "-".join(order)
        for name in order:
            assert main([*made[name], "--results", str(folder)]) == 0
        files = sorted(path for path in folder.iterdir() if path.is_file())
        tables.append({path.name: path.read_bytes() for path in files})
    assert tables[0] == tables[1]
    rows = rows_of(folder, "history")
    assert list(dict.fromkeys(row["network"] for row in rows)) == ["mnist-network", "vgg11-1"]
    assert rows[-1] == rows_of(results, "history")[-1]
    assert {"history.json", "history_vgg11.json"} <= tables[0].keys()


def artefact(**changes: Any) -> str:
    """The record of a table named accuracy whose rows have one column."""
    rows: list[Any] = [{"epoch": 1}]
    made = {"name": "accuracy", "caption": "", "made_with": {}, "rows": rows, "environment": {}}
    return json.dumps({"kind": "artefact", "version": 1} | made | changes)


OTHER_TABLES = {
    "{}": "not the record that is needed (it names no kind and version",
    "[": "not JSON (",
    artefact(): "not a record of the same table",
    artefact(name="history"): "not a record of the same table",
    artefact(rows=[]): "not a record of the same table",
    artefact(rows=[1]): "not the record that is needed (rows: ",
    artefact(version=2): "not the record that is needed (it is version 2 of artefact, of a",
    artefact(kind="costs"): "not the record that is needed (its kind is 'costs', not artefact)",
}


@pytest.mark.parametrize("content", OTHER_TABLES)
def test_record_of_another_table_is_refused_and_nothing_written(
    quick: list[str],
    results: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: str,
) -> None:
    other = tmp_path / "accuracy.json"
    other.write_text(content)
    runs = ["--runs", str(results / "runs" / "cifar10.jsonl")]
    assert main(["accuracy", *quick, *runs, "--results", str(tmp_path)]) == 2
    (line,) = without_progress(capsys.readouterr().err).splitlines()
    assert line.startswith(f"priot: {other}: {OTHER_TABLES[content]}")
    assert line.endswith("; make it anew, or delete it")
    assert list(tmp_path.iterdir()) == [other]


def test_missing_backbone_says_how_to_make_it(
    cifar: Path,
    settings: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    makes_it = (
        "results/backbones/vgg11.json: no backbone of vgg11 is here",
        "priot pretrain --network vgg11 --dataset cifar10 --data DIR "
        "--out results/backbones/vgg11.json",
    )
    data = ["--data", str(cifar)]
    train = ["train", "--method", "priot", *OF_VGG11, *data]
    for command in (["accuracy", *OF_VGG11, *data, "--settings", str(settings)], train):
        assert main(command) == 2
        told = capsys.readouterr().err
        assert all(part in told for part in makes_it)


def test_backbone_is_found_in_the_repository(
    cifar: Path, record_of: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = untrained_backbone(replace(vgg11(1), name="vgg11"), 0)
    save_backbone(tmp_path / "results" / "backbones" / "vgg11.json", backbone)
    monkeypatch.chdir(tmp_path)
    options = ("--method", "priot", "--images", 3, "--test-images", 5, "--epochs", 1)
    record = record_of("train", *OF_VGG11, "--data", cifar, *options)
    assert record["backbone_sha256"] == backbone.model.state_hash()


def settings_of(**changes: Any) -> str:
    """A file of settings, of no method at all."""
    found = {"common_learning_rate_bits": 5, "best": {}, "backbone_sha256": "", "data_sha256": ""}
    return json.dumps({"kind": "settings", "version": 1} | found | changes)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read (No such file or directory); the settings of vgg11 come from priot"),
        ("{", "not JSON ("),
        ('{"best": {}}', "not the record that is needed (it names no kind and version"),
        (
            settings_of(version=2),
            "not the record that is needed (it is version 2 of settings, of a",
        ),
        (settings_of(best=5), "not the record that is needed (best: 5 is not an object)"),
        (settings_of(), "not settings of all methods; make them with priot tune --settings"),
    ],
)
def test_settings_that_cannot_be_used_are_told(
    quick: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: str | None,
    message: str,
) -> None:
    path = tmp_path / "settings.json"
    if content is not None:
        path.write_text(content)
    others = quick[: quick.index("--settings")]
    assert main(["accuracy", *others, "--settings", str(path)]) == 2
    assert f"{path}: {message}" in capsys.readouterr().err


def test_network_and_data_set_choose_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert scope_of(None, "cifar10") == scope_of("vgg11", None) == VGG11
    assert scope_of(None, None, quick=True) == scope_of("tiny-cnn", "mnist", quick=True) == QUICK
    assert NETWORKS == ("tiny-cnn", "vgg11")
    assert main(["accuracy", "--network", "vgg11", "--dataset", "mnist"]) == 2
    assert "no such reproduction; take --network tiny-cnn --dataset mnist or" in (
        capsys.readouterr().err
    )
