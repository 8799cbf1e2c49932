"""Fixtures that several tests of experiments/ share."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from experiment_commands import Refused, contents, exit_code
from experiment_models import MNIST_NETWORK

from priot.experiments.cli import main
from priot.experiments.pretraining.backbone import Backbone, backbone_record, save_backbone
from priot.kernels.model import initial_model

Record = Callable[..., Any]


@pytest.fixture(scope="session")
def small_backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The record of an untrained network for MNIST that takes little time on the device."""
    model = initial_model(MNIST_NETWORK, 0)
    path = tmp_path_factory.mktemp("backbone") / "small.json"
    save_backbone(path, Backbone(model, backbone_record(model)))
    return path


@pytest.fixture(scope="session", autouse=True)
def compiled(small_backbone: Path) -> None:
    """Whatever a command compiles on its first use of a machine, and tells of, is compiled."""
    for arguments in (["costs"], ["train", "--method", "priot", "--test-images", "1"]):
        assert main([*arguments, "--images", "1", "--backbone", str(small_backbone)]) == 0


@pytest.fixture
def record_of(tmp_path: Path) -> Record:
    """Runs a command that must succeed and returns what it writes to --json."""

    def run(*arguments: object) -> Any:
        path = tmp_path / "record.json"
        assert main([*map(str, arguments), "--json", str(path)]) == 0
        return json.loads(path.read_text())

    return run


@pytest.fixture
def refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Refused:
    """Runs a command that must be refused without a trace; returns its one line."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> str:
        before = contents(tmp_path)
        assert exit_code(arguments) == 2
        output = capsys.readouterr()
        assert output.out == ""
        assert output.err.startswith("priot")
        assert output.err.count("\n") == 1
        assert output.err.endswith("\n")
        assert contents(tmp_path) == before, "nothing was written"
        return output.err.strip()

    return run


@pytest.fixture(scope="session")
def priot() -> list[str]:
    """The command line that starts priot in a process of its own."""
    return [sys.executable, "-m", "priot"]
