"""Records: what commands write is what docs/records.schema.json says, and is read strictly."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from experiment_commands import Refused
from jsonschema import Draft202012Validator
from jsonschema.protocols import Validator

from priot.experiments.cli import main
from priot.experiments.records.every import EVERY
from priot.experiments.records.kinds import head_of
from priot.experiments.records.reading import RecordError, from_json
from priot.experiments.records.schema import FILE, schema_of
from priot.experiments.records.writing import to_json
from priot.experiments.sweeps.store import RunStore

ROOT = Path(__file__).parents[2]
HELLO = ROOT / "firmware_elf" / "built" / "hello.copy_to_ram.elf"
SETTINGS = ROOT / "experiments" / "paper" / "settings"
EACH = 40  # every so many lines of kept runs meet the schema; all of them meet the strict reader

Write = Callable[..., Path]


@cache
def schema() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((ROOT / FILE).read_text())
    return content


@cache
def validator(name: str | None = None) -> Validator:
    """Of the whole schema, or of one of its definitions."""
    whole = schema()
    part = {"$ref": f"#/$defs/{name}", "$defs": whole["$defs"]}
    return Draft202012Validator(whole if name is None else part)


def records_in(content: Any) -> Iterator[dict[str, Any]]:
    """All records in a JSON value, wherever they stand."""
    if isinstance(content, dict):
        if {"kind", "version"} <= content.keys():
            yield content
        for inner in content.values():
            yield from records_in(inner)
    elif isinstance(content, list):
        for inner in content:
            yield from records_in(inner)


def check(content: Any) -> int:
    """Every record is what the schema says, and what the strict reader reads; returns how many."""
    found = list(records_in(content))
    for record in found:
        validator(record["kind"]).validate(record)
        assert to_json(from_json(record, *EVERY)) == record
    return len(found)


# --- the schema


def test_the_schema_is_that_of_the_types() -> None:
    assert schema() == json.loads(json.dumps(schema_of(EVERY))), "make records"
    Draft202012Validator.check_schema(schema())


def test_every_kind_has_its_own_name() -> None:
    heads = [head_of(one) for one in EVERY]
    assert len({head["kind"] for head in heads}) == len(EVERY)
    for head in heads:
        described = schema()["$defs"][head["kind"]]
        assert described["properties"]["version"] == {"const": head["version"]}
        assert described["description"]


COMMITTED = [*(ROOT / "results").glob("*.json"), *SETTINGS.glob("*.json")]


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.name)
def test_committed_records_are_what_the_schema_says(path: Path) -> None:
    content = json.loads(path.read_text())
    assert {"kind", "version"} <= content.keys()
    assert check(content) >= 1


@pytest.mark.parametrize("path", [*(ROOT / "results/runs").glob("*.jsonl")], ids=lambda p: p.name)
def test_committed_runs_are_what_the_schema_says(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert len(RunStore(path).records) == len(lines), "all are read, and no key is there twice"
    for line in lines[::EACH]:
        content = json.loads(line)
        assert check(content) == 1
    validator("kept-run").validate(content)


@pytest.fixture
def written(tmp_path: Path, small_backbone: Path, capsys: pytest.CaptureFixture[str]) -> Write:
    """Runs a command on the small backbone; returns where ``--json`` wrote."""

    def write(*arguments: object) -> Path:
        path = tmp_path / "record.json"
        on = [] if arguments[0] in ("plan", "run") else ["--backbone", small_backbone]
        assert main([*map(str, (*arguments, *on)), "--json", str(path)]) == 0
        capsys.readouterr()
        return path

    return write


ONE = ("--images", 1)
ON_PICO = (*ONE, "--test-images", 2, "--backend", "pico")
COMMANDS: dict[str, tuple[tuple[object, ...], str]] = {
    "costs": (("costs", *ONE, "--method", "priot-s", "--placement", "weights=flash"), "costs"),
    "dual": (("costs", *ONE, "--method", "priot", "--variant", "dual"), "costs"),
    "predictions": (("costs", *ONE, "--predict", "--method", "priot"), "costs"),
    "plan": (("plan",), "needs"),
    "reference": (("train", "--method", "priot", *ONE, "--test-images", 2), "train"),
    "device": (("train", "--method", "niti-static", *ON_PICO), "train"),
    "explain": (("explain", "--method", "priot-s", *ONE), "explanation"),
    "run": (("run", HELLO), "program-run"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_what_commands_write_is_what_the_schema_says(written: Write, command: str) -> None:
    arguments, kind = COMMANDS[command]
    content = json.loads(written(*arguments).read_text())
    validator().validate(content)
    assert check(content) >= 1
    assert {record["kind"] for record in records_in(content)} == {kind}


def test_what_a_sweep_writes_is_what_the_schema_says(written: Write, tmp_path: Path) -> None:
    settings, runs = tmp_path / "sweep.toml", tmp_path / "runs.jsonl"
    settings.write_text(
        'method = ["niti-static", "priot"]\nimages = 3\ntest_images = 5\nepochs = 1\n'
    )
    content = json.loads(written("sweep", settings, "--runs", runs, "--jobs", 1).read_text())
    validator().validate(content)
    assert [record["kind"] for record in content] == ["training-run"] * 2
    for line in runs.read_text().splitlines():
        validator("kept-run").validate(json.loads(line))


def test_profiles_and_memory_are_what_the_schema_says(tmp_path: Path) -> None:
    both = ROOT / "firmware_elf" / "built"
    for program in (HELLO, next(both.glob("two_cores*.elf"))):
        files = {"profile": tmp_path / "p.json", "memory": tmp_path / "m.json"}
        results = [f"--{option}={path}" for option, path in files.items()]
        main(["run", str(program), *results])
        for kind, path in files.items():
            content = json.loads(path.read_text())
            assert content["kind"].startswith(kind)
            assert check(content) == 1


# --- rows


def test_a_table_has_the_fields_of_its_records(written: Write, tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    options = ("costs", *ONE, "--method", "priot-s", "--csv", table, "--variant", "fast")
    (record,) = json.loads(written(*options).read_text())
    with table.open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["placement"] == record["placement"] == "default"
    assert float(row["cycles_per_image_mean"]) == record["cycles_per_image"]["mean"]
    assert int(row["sram_arena"]) == record["sram"]["arena"]
    assert not {"kind", "version"} & row.keys()


# --- read strictly


def changed(record: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """A copy with one field as ``value``, or without it (KeyError)."""
    copy: dict[str, Any] = json.loads(json.dumps(record))
    place = copy
    for name in path[:-1]:
        place = place[name]
    if value is KeyError:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return copy


WRONG: list[tuple[tuple[str, ...], Any, str]] = [
    (("kind",), "needs!", "its kind is 'needs!', not training-run or "),
    (("kind",), None, "its kind is None, not "),
    (("kind",), KeyError, "it names no kind and version: an older priot wrote it, if any"),
    (("version",), KeyError, "it names no kind and version"),
    (("version",), 2, "it is version 2 of program-run, of a newer priot; this one reads version 1"),
    (("version",), 0, "it is version 0 of program-run, of an older priot; this one reads version"),
    (("version",), "1", "it is version '1' of program-run"),
    (("version",), True, "it is version True of program-run"),
    (("cycles",), KeyError, "it lacks cycles"),
    (("more",), 1, "it has 'more', which is no field of it"),
    (("cycles",), "17", "cycles: '17' is not a whole number"),
    (("cycles",), 17.5, "cycles: 17.5 is not a whole number"),
    (("cycles",), True, "cycles: True is not a whole number"),
    (("fault",), 3, "fault: 3 is not a text"),
    (("xip", "hits"), None, "xip: hits: None is not a whole number"),
    (("xip",), [], "xip: [] is not an object"),
    (("bus_stalls",), [1, "x"], "bus_stalls: 1: 'x' is not a whole number"),
    (("bus_stalls",), {}, "bus_stalls: {} is not a list"),
]


@pytest.mark.parametrize(("path", "value", "told"), WRONG)
def test_what_is_no_record_is_told_in_one_line(
    written: Write, refused: Refused, tmp_path: Path, path: tuple[str, ...], value: Any, told: str
) -> None:
    whole = json.loads(written("run", HELLO).read_text())
    wrong = changed(whole, path, value)
    assert not validator("program-run").is_valid(wrong)
    (tmp_path / "wrong.json").write_text(json.dumps(wrong))
    line = refused("diff", "record.json", "wrong.json")
    assert line.startswith(f"priot: wrong.json: not the record that is needed ({told}")
    assert line.endswith("; name another record")


def test_two_kinds_are_not_compared(written: Write, refused: Refused, tmp_path: Path) -> None:
    run = written("run", HELLO).rename(tmp_path / "run.json")
    train = written(*COMMANDS["reference"][0])
    assert refused("diff", run.name, train.name) == (
        "priot: run.json is a record of kind program-run, record.json one of kind train: name two "
        "of the same kind"
    )


@pytest.mark.parametrize("value", [None, 1, "text", [], [{}]])
def test_a_value_is_no_record(value: Any) -> None:
    with pytest.raises(RecordError, match="not a record"):
        from_json(value, *EVERY)
