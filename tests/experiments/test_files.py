"""No command writes over a file of its own, whatever name leads to it, and whoever named it."""

import argparse
import os
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from experiment_commands import Refused, exit_code
from experiment_models import MNIST_NETWORK

from priot import firmware_elf
from priot.experiments.cli.help import parser
from priot.experiments.cli.registry import COMMANDS
from priot.experiments.device import simulator
from priot.experiments.files import (
    InputFile,
    input_or_dash,
    output_file,
    output_or_dash,
    runs_file,
)
from priot.experiments.pretraining import backbone
from priot.experiments.pretraining.backbone import Backbone, backbone_record, save_backbone
from priot.kernels.model import initial_model

READ = (InputFile, input_or_dash)
WRITTEN = (output_file, runs_file, output_or_dash)

(SUBPARSERS,) = (
    action.choices for action in parser()._actions if isinstance(action, argparse._SubParsersAction)
)
OPTIONS = {command: parser._actions for command, parser in SUBPARSERS.items()}


def named(action: argparse.Action, file: str) -> list[str]:
    return [*action.option_strings[:1], file]


def pairs() -> Iterator[object]:
    """Every command with every two of its options that must not name the same file."""
    for command, actions in OPTIONS.items():
        files = [action for action in actions if action.type in (*READ, *WRITTEN)]
        several = [action for action in files if isinstance(action, argparse._AppendAction)]
        for both in (*combinations(files, 2), *((action, action) for action in several)):
            if any(action.type in WRITTEN for action in both):
                others = [a for a in actions if a.required and a not in both]
                rest = [part for a in others for part in named(a, f"{a.dest}.json")]
                names = [named(action, "same.json") for action in both]
                arguments = [command, *rest, *(part for name in names for part in name)]
                yield pytest.param(arguments, id=" ".join([command, *(a.dest for a in both)]))


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """No command gets as far as its work, so that a failure overwrites nothing either."""
    for name, command in COMMANDS.items():
        idle = replace(command, run=lambda _: pytest.fail("it was not refused"))
        monkeypatch.setitem(COMMANDS, name, idle)


def test_every_option_that_names_a_file_tells_its_use() -> None:
    """Else the two options below would not be all of them."""
    for command, actions in OPTIONS.items():
        for action in actions:
            use = action.type in (*READ, *WRITTEN)
            assert use or action.type is not Path or action.metavar == "DIR", (command, action.dest)
            assert use or action.metavar != "FILE", (command, action.dest)


SHIPPED_WEIGHTS = backbone.weights_of(backbone.record_of(backbone.DEFAULT))
OTHER_WEIGHTS = backbone.weights_of(backbone.record_of(Path("short-0")))


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("arguments", [*pairs()])
def test_two_options_that_name_one_file_are_refused(
    refused: Refused, tmp_path: Path, arguments: list[str]
) -> None:
    (tmp_path / "same.json").write_text("{}")
    assert "same.json: would overwrite same.json, which the same command" in refused(*arguments)


@pytest.mark.usefixtures("no_work")
def test_two_results_of_one_name_are_refused_before_it_is_there(refused: Refused) -> None:
    assert "would overwrite" in refused("costs", "--json", "new/../a", "--csv", "a")


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("kind", ["hard link", "link", "link to a link", "path", "folder"])
def test_the_same_file_by_another_name_is_refused(
    refused: Refused, tmp_path: Path, kind: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "linked").symlink_to("folder")
    config, other = tmp_path / "folder" / "run.toml", tmp_path / "other.json"
    config.write_text('method = "priot"\n')
    match kind:
        case "hard link":
            os.link(config, other)
        case "link":
            other.symlink_to(config)
        case "link to a link":
            (tmp_path / "between").symlink_to("linked/run.toml")
            other.symlink_to("between")
        case "path":
            other = tmp_path / "folder" / ".." / "folder" / "run.toml"
        case "folder":
            other = tmp_path / "linked" / "run.toml"
    for command in (("train", "--config", config), ("explain", config), ("sweep", config)):
        message = refused(*command, "--json", other)
        assert f"{other}: would overwrite {config}, which the same command reads" in message


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """A backbone called b.json, and whatever else a test can name."""
    model = initial_model(MNIST_NETWORK, 0)
    save_backbone(tmp_path / "b.json", Backbone(model, backbone_record(model)))
    (tmp_path / "cifar-10-batches-bin").mkdir()
    for name in ("t10k-images-idx3-ubyte.gz", "cifar-10-batches-bin/data_batch_3.bin"):
        (tmp_path / name).write_bytes(b"data")
    for folder in ("results/runs", "results/backbones", "out/quick"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "results" / "device.json").write_text("{}")
    (tmp_path / "results" / "vgg11_plan.csv").symlink_to("../cifar-10-batches-bin/data_batch_3.bin")
    return tmp_path / "b.json"


QUICK = ("--quick", "--results", "results")
PLAN = ("plan", "--method", "niti-static", "--variant", "plain")


@pytest.mark.usefixtures("no_work", "record")
@pytest.mark.parametrize(
    ("arguments", "at"),
    [
        (("costs", "--backbone", "b.json", "--csv", "b.npz"), "b.npz"),
        (("train", "--method", "priot", "--backbone", "b.json", "--json", "b.npz"), "b.npz"),
        (("explain", "--method", "priot", "--backbone", "b.json", "--json", "b.npz"), "b.npz"),
        (("sweep", "s.toml", "--backbone", "b.json", "--runs", "b.npz"), "b.npz"),
        (("tune", "--backbone", "b.json", "--settings", "b.npz"), "b.npz"),
        (("pretrain", "--out", "new.json", "--json", "new.npz"), "new.npz"),
        (("pretrain", "--out", "new.json", "--checkpoint", "new.npz"), "new.npz"),
        (("costs", "--network", "b.json", "--json", "b.json"), "b.json"),
        (("plan", "--network", "b.json", "--csv", "b.json"), "b.json"),
        (("pretrain", "--network", "b.json", "--out", "b.json"), "b.json"),
        (("costs", "--data", ".", "--csv", "t10k-images-idx3-ubyte.gz"), "t10k-images"),
        (
            ("pretrain", "--data", ".", "--out", "a.json", "--json", "t10k-labels-idx1-ubyte"),
            "t10k",
        ),
        (
            ("tune", "--data", ".", "--json", "cifar-10-batches-bin/data_batch_3.bin"),
            "data_batch_3.bin",
        ),
        (("device", *QUICK, "--backbone", "results/device.json"), "results/device.json"),
        (("paper", *QUICK, "--backbone", "results/device.json"), "results/device.json"),
        (("device", *QUICK, "--settings", "results/device.json"), "results/device.json"),
        (("accuracy", *QUICK, "--runs", "results/accuracy.csv"), "results/accuracy.csv"),
        (
            ("history", *QUICK, "--network", "vgg11", "--runs", "results/history_vgg11.json"),
            "results/history_vgg11.json",
        ),
        (
            ("overflow", *QUICK, "--settings", "results/runs/mnist-sample.jsonl"),
            "results/runs/mnist-sample.jsonl",
        ),
        (("widest", "--data", ".", "--results", "results"), "results/vgg11_plan.csv"),
        (("tune", "--json", "results/runs/tuning.jsonl"), "results/runs/tuning.jsonl"),
        (
            ("tune", "--network", "vgg11", "--settings", "results/runs/tuning_vgg11.jsonl"),
            "results/runs/tuning_vgg11.jsonl",
        ),
        (("sweep", "s.toml", "--json", "runs.jsonl"), "runs.jsonl"),
        (("plan", "--json", simulator.SHIPPED[0]), "trainer.elf"),
        (("costs", "--json", SHIPPED_WEIGHTS), SHIPPED_WEIGHTS.name),
        (("costs", "--backbone", "short-0", "--json", OTHER_WEIGHTS), OTHER_WEIGHTS.name),
        (("study", "--quick", "--runs", "out/quick/screening.csv"), "out/quick/screening.csv"),
        (
            ("train", "--method", "priot", "--json", "results/backbones/vgg11.npz"),
            "results/backbones/vgg11.npz",
        ),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, tuple) else "",
)
def test_a_file_that_no_option_names_is_never_overwritten(
    refused: Refused, arguments: tuple[object, ...], at: str
) -> None:
    file, found, _ = refused(*arguments).partition(": would overwrite ")
    assert found
    assert at in file


def test_a_network_by_its_name_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert exit_code((*PLAN, "--network", "tiny-cnn", "--json", "tiny-cnn")) == 0


def test_only_the_data_in_a_folder_are_read(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "costs.json").write_text("{}")
    assert "found neither" in refused("costs", "--data", ".", "--json", "costs.json")


def test_standard_output_may_be_named_by_any_number_of_options(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "stdout").symlink_to("/proc/self/fd/1")  # as /dev/stdout is
    elf = firmware_elf.BUILT / "hello.no_flash.elf"
    assert exit_code(("run", elf, "--json", tmp_path / "stdout", "--profile", "--memory")) == 0
    assert '"halt_reason": "exit"' in capfd.readouterr().out
