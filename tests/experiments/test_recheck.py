"""priot recheck: runs that other code made count again where today's gives the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from experiment_commands import Refused, change_digest, exit_code

from priot.experiments.cli import main
from priot.experiments.code import question_of

SWEEP = """
method = ["niti-static", "niti-dynamic", "priot"]
images = 6
test_images = 9
epochs = 1
seed = [0, 1]
"""


@pytest.fixture
def kept(tmp_path: Path, small_backbone: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of runs that were made when a kernel was another."""
    monkeypatch.chdir(tmp_path)
    Path("sweep.toml").write_text(SWEEP)
    with monkeypatch.context() as patch:
        change_digest(patch, "kernels.operations.dense")
        assert main(sweep(small_backbone)) == 0
    return tmp_path / "runs.jsonl"


def sweep(backbone: Path) -> list[str]:
    return ["sweep", "sweep.toml", "--backbone", str(backbone), "--jobs", "1"]


def test_runs_that_are_equal_count_again(
    kept: Path, small_backbone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = [json.loads(line) for line in kept.read_text().splitlines()]
    command = ["recheck", "runs.jsonl", "--backbone", str(small_backbone)]
    capsys.readouterr()
    assert main([*command, "--sample", "4"]) == 0
    told = "4 runs were made again, each equal to the bit: 6 more count now\n"
    assert capsys.readouterr().out == told
    after = [json.loads(line) for line in kept.read_text().splitlines()]
    assert [question_of(line["key"]) for line in after] == [
        question_of(line["key"]) for line in before
    ]
    assert not {line["key"] for line in after} & {line["key"] for line in before}
    assert [(line["record"], line["seconds"]) for line in after] == [
        (line["record"], line["seconds"]) for line in before
    ]
    assert main(sweep(small_backbone)) == 0
    assert "are made anew" not in capsys.readouterr().err
    assert len(kept.read_text().splitlines()) == 6, "none was repeated"
    assert main(command) == 0
    assert capsys.readouterr().out.endswith("all runs are of the code as it is: nothing to do\n")


def test_one_that_is_not_equal_voids_all(
    kept: Path, small_backbone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = kept.read_text().splitlines(keepends=True)
    entry = json.loads(lines[3])
    entry["record"]["right"][-1] += 1
    lines[3] = json.dumps(entry, separators=(",", ":")) + "\n"
    kept.write_text("".join(lines))
    capsys.readouterr()
    assert main(["recheck", "runs.jsonl", "--backbone", str(small_backbone)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("priot: runs.jsonl: today's code gives another right for the run with ")
    assert f"method {entry['record']['configuration']['method']}, " in line
    assert kept.read_text() == "".join(lines)


def test_every_kind_of_run_is_among_few(kept: Path, small_backbone: Path) -> None:
    """Three methods in a sample of three: whichever of them differs is found."""
    for method in ("niti-static", "niti-dynamic", "priot"):
        text = kept.read_text()
        lines = [json.loads(line) for line in text.splitlines()]
        for entry in lines:
            if entry["record"]["configuration"]["method"] == method:
                entry["record"]["final_state_sha256"] = "0"
        kept.write_text("".join(json.dumps(entry) + "\n" for entry in lines))
        command = ("recheck", "runs.jsonl", "--backbone", small_backbone, "--sample", 3)
        assert exit_code(command) == 1
        kept.write_text(text)


def test_what_cannot_be_made_again_is_told(kept: Path, refused: Refused) -> None:
    assert "runs.jsonl: all runs are on other backbones; name theirs" in refused(
        "recheck", "runs.jsonl"
    )
    assert "none.jsonl: there are no runs; name a file" in refused("recheck", "none.jsonl")
    assert "--sample 0: make 1 run again, or more" in refused(
        "recheck", "runs.jsonl", "--sample", 0
    )
