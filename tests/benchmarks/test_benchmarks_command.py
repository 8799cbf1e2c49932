"""python -m benchmarks: the table, the record, and what cannot be compared with here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import __main__ as benchmarks
from benchmarks import reference, training_step
from benchmarks.numpy_trainer import Integers, NumpyTrainer
from benchmarks.rp2040js import machine
from benchmarks.training import trainings

Capture = pytest.CaptureFixture[str]
WITHOUT_ZEROS = ("--only", "without zeros")


@pytest.fixture
def nothing_to_compare_with(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(reference, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.usefixtures("nothing_to_compare_with")
def test_what_is_missing_is_skipped_with_a_line_that_says_how_to_get_it(
    capsys: Capture, tmp_path: Path
) -> None:
    record_path = tmp_path / "record.json"
    assert benchmarks.main(["--only", "emulators", "--json", str(record_path)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "skipped: PyTorch: not installed; run: .venv/bin/pip install torch",
        "skipped: int8 products: need PyTorch",
        "skipped: rp2040js: needs Node 18 or newer (Debian: apt-get install nodejs npm)",
    ]
    record = json.loads(record_path.read_text())
    assert record["rows"] == []
    assert set(record["skipped"]) == {"PyTorch", "int8 products", "rp2040js"}
    assert {"processor", "cores", "rounds"} < set(record)
    assert not {"node", "rp2040js"} & set(record["environment"])


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.shutil, "which", lambda name: f"/usr/bin/{name}")


@pytest.mark.usefixtures("node")
def test_node_alone_is_not_enough(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = tmp_path / "package.json"
    monkeypatch.setattr(machine, "PACKAGE", package)
    command = "npm install --no-package-lock --prefix benchmarks/rp2040js"
    assert machine.missing() == f"not installed; run: {command}"
    package.write_text('{"version": "0.1.0"}')
    expected = f"version 0.1.0 instead of {machine.PINNED}; run: {command}"
    assert machine.missing() == expected
    package.write_text(json.dumps({"version": machine.PINNED}))
    assert machine.missing() is None


def test_rows_are_printed_and_written(capsys: Capture, tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    assert benchmarks.main([*WITHOUT_ZEROS, "--json", str(path)]) == 0
    rows = json.loads(path.read_text())["rows"]
    assert [row["case"] for row in rows][-2:] == ["conv2d 1, update", "step"]
    printed = capsys.readouterr().out.splitlines()[-1].split()
    assert printed[:3] == [
        "step",
        *(f"{rows[-1][key]:,}" for key in ("plain_cycles", "fast_cycles")),
    ]
    assert float(printed[3]) == round(rows[-1]["fast_over_plain_cycles"], 3)


def test_simulator_and_bare_unicorn_run_the_same_steps(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(training_step, "trainings", lambda images: trainings(1)[:1])
    path = tmp_path / "record.json"
    assert benchmarks.main(["--only", "training step", "--rounds", "1", "--json", str(path)]) == 0
    rows = json.loads(path.read_text())["rows"]
    assert len(rows) == 1
    assert rows[0]["time_over_bare_unicorn"] > 0
    speed = rows[0]["simulated_cycles_per_second"]
    assert rows[0]["real_time_factor"] == speed / 133_000_000 > 0


def test_a_difference_voids_the_figures(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture, tmp_path: Path
) -> None:
    class Forgetful(NumpyTrainer):
        def _descend(self, index: int, gradient: Integers) -> None:
            pass

    monkeypatch.setattr(reference, "NumpyTrainer", Forgetful)
    monkeypatch.setattr(reference, "IMAGES", 48)  # among them some with an error
    path = tmp_path / "record.json"
    assert benchmarks.main(["--only", "reference", "--rounds", "1", "--json", str(path)]) == 1
    expected = "benchmarks: NITI dynamic: NumPy and the reference disagree\n"
    assert capsys.readouterr().err == expected
    assert not path.exists()


def test_bad_input_ends_with_2(capsys: Capture, tmp_path: Path) -> None:
    assert benchmarks.main([*WITHOUT_ZEROS, "--json", str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"benchmarks: {tmp_path}: is a folder; name a file\n"
    with pytest.raises(SystemExit, match="2"):
        benchmarks.main(["--rounds", "0"])
    assert "at least one round is needed" in capsys.readouterr().err
