"""priot.experiments.environment: what a record says about how it was made."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from priot.experiments.environment import environment
from priot.experiments.records.artefacts import ArtefactRecord
from priot.experiments.records.files import write_again
from priot.experiments.records.writing import to_json


@pytest.fixture(autouse=True)
def _asked_anew() -> Iterator[None]:
    environment.cache_clear()
    yield
    environment.cache_clear()


@pytest.mark.parametrize("installed", [True, False])
def test_pytorch_is_named_where_its_products_may_have_been_used(
    monkeypatch: pytest.MonkeyPatch, installed: bool
) -> None:
    def version(package: str) -> str:
        if package == "torch" and not installed:
            raise PackageNotFoundError
        return f"{package}'s version"

    monkeypatch.setattr("priot.experiments.environment.version", version)
    found = environment()
    assert found["numpy"] == "numpy's version"
    assert found.get("torch") == ("torch's version" if installed else None)


MADE = ArtefactRecord(
    name="table",
    caption="a table",
    made_with={"pair": (1, 2)},
    rows=({"cycles": 17, "mean": 0.1},),
)
ELSEWHERE = {"numpy": "1.0", "machine": "another"}


def _record(path: Path, **other: object) -> Path:
    path.write_text(json.dumps({**to_json(MADE), **other}, indent=2) + "\n")
    return path


def test_a_record_made_again_is_the_same_file(tmp_path: Path) -> None:
    record = _record(tmp_path / "a.json", environment=ELSEWHERE)
    before = record.read_bytes()
    write_again(record, MADE)
    assert record.read_bytes() == before


@pytest.mark.parametrize(
    "other",
    [
        {"environment": ELSEWHERE, "rows": []},
        {"environment": ELSEWHERE, "more": 1},
        {"environment": ELSEWHERE, "version": 2},
        {"environment": 1},
    ],
)
def test_a_record_of_other_numbers_names_this_environment(
    tmp_path: Path, other: dict[str, object]
) -> None:
    record = _record(tmp_path / "a.json", **other)
    write_again(record, MADE)
    written = json.loads(record.read_text())
    assert written == to_json(MADE) | {"environment": environment()}


@pytest.mark.parametrize("content", [b"", b"[]", b"nonsense", b"\xff"])
def test_what_is_no_record_is_replaced(tmp_path: Path, content: bytes) -> None:
    record = tmp_path / "a.json"
    record.write_bytes(content)
    write_again(record, MADE)
    assert json.loads(record.read_text())["environment"] == environment()
