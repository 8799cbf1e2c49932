"""priot.experiments.sweeps.store: a file of runs that survives whatever happens to a writer."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from priot.experiments.errors import UserError
from priot.experiments.records.costs import DoesNotFit
from priot.experiments.records.runs import FloatRun, StaticScale, TrainingRun
from priot.experiments.sweeps.store import RunStore

RUN = TrainingRun(
    configuration={"method": "niti-dynamic", "angle": 30.0, "test_images": 3, "epochs": 1},
    label="NITI dynamic",
    backbone_sha256="b",
    data_sha256="d",
    data="line\nbreak, é",
    right=(1, 2),
    final_state_sha256="f",
    scales=None,
    saturated_logits=(0, 1),
)
MORE = DoesNotFit("another")
RUNS = {
    "a": RUN,
    "b": DoesNotFit("line\nbreak, é"),
    "c": replace(RUN, scales={"0": StaticScale(1, 2, 3)}),
    "d": FloatRun(
        configuration={"learning_rate": 0.1, "test_images": 3, "epochs": 1},
        label="float32",
        backbone_sha256="b",
        data_sha256="d",
        data="images",
        right=(1, 2),
        final_state_sha256="f",
        torch="2.0",
    ),
}


def filled(path: Path, runs: dict[str, Any] = RUNS) -> Path:
    store = RunStore(path)
    with store.open_to_append():
        for key, record in runs.items():
            store.add(key, record, 0.5)
    return path


def content_of_store() -> bytes:
    with TemporaryDirectory() as folder:
        return filled(Path(folder) / "runs.jsonl").read_bytes()


CONTENT = content_of_store()
LINES = CONTENT.splitlines(keepends=True)


def test_runs_are_read_back(tmp_path: Path) -> None:
    store = RunStore(filled(tmp_path / "new" / "runs.jsonl"))
    assert store.records == RUNS
    assert store.seconds == dict.fromkeys(RUNS, 0.5)
    assert len(LINES) == len(RUNS)


def test_store_that_is_not_there_is_empty_and_not_made(tmp_path: Path) -> None:
    assert RunStore(tmp_path / "runs.jsonl").records == {}
    assert list(tmp_path.iterdir()) == []


@given(st.integers(0, len(CONTENT)))
def test_any_prefix_holds_a_prefix_of_the_runs(cut: int) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "runs.jsonl"
        path.write_bytes(CONTENT[:cut])
        store = RunStore(path)
        whole = CONTENT[:cut].count(b"\n")
        assert list(store.records.items()) == list(RUNS.items())[:whole]
        missing = dict(list(RUNS.items())[whole:])
        assert filled(path, missing).read_bytes() == CONTENT, "it is made whole again"


@pytest.mark.parametrize("rest", [b'{"key":"e","sec', b"{", b"\0" * 40, LINES[0][:-1]])
def test_half_written_line_does_not_count_and_is_repaired(tmp_path: Path, rest: bytes) -> None:
    path = tmp_path / "runs.jsonl"
    path.write_bytes(CONTENT + rest)
    assert RunStore(path).records == RUNS
    assert path.read_bytes() == CONTENT + rest, "reading changes nothing"
    filled(path, {"e": MORE})
    assert path.read_bytes()[: len(CONTENT)] == CONTENT
    assert RunStore(path).records == RUNS | {"e": MORE}


@pytest.mark.parametrize(
    "damaged",
    [
        *(b"{", b"", b"null", b"[]", b"\xff", b"{}", LINES[1][:20], LINES[1][20:-1]),
        LINES[1][:-1].replace(b'"key":"b"', b'"key":1'),
        LINES[1][:-1].replace(b'"seconds":0.5', b'"seconds":"long"'),
        LINES[1][:-1].replace(b'"seconds":0.5,', b""),
        LINES[1][:-1].replace(b'"seconds":0.5,', b'"seconds":0.5,"more":1,'),
        LINES[1][:-1].replace(b"does-not-fit", b"needs"),
        LINES[1][:-1].replace(b'"does_not_fit":', b'"fits":'),
        LINES[0][:-1].replace(b'"right":[1,2]', b'"right":[1,"2"]'),
        b'{"key":"x","seconds":1,"record":[]}',
    ],
    ids=repr,
)
def test_damaged_line_is_refused_with_its_number(tmp_path: Path, damaged: bytes) -> None:
    path = tmp_path / "runs.jsonl"
    path.write_bytes(LINES[0] + damaged + b"\n" + LINES[2])
    with pytest.raises(UserError, match=r"runs.jsonl, line 2: not the record of a run; name ano"):
        RunStore(path)


@pytest.mark.parametrize(
    ("head", "told"),
    [
        (b"", "it names no kind and version: an older priot wrote it, if any"),
        (b'"kind":"does-not-fit",', "it names no kind and version"),
        (
            b'"kind":"does-not-fit","version":2,',
            "it is version 2 of does-not-fit, of a newer priot",
        ),
        (b'"kind":"does-not-fit","version":0,', "it is version 0 of does-not-fit, of an older pri"),
        (b'"kind":"does-not-fit","version":"1",', "it is version '1' of does-not-fit"),
    ],
)
def test_run_of_another_version_is_told_with_its_line(
    tmp_path: Path, head: bytes, told: str
) -> None:
    path = tmp_path / "runs.jsonl"
    content = LINES[0] + b'{"key":"b","seconds":0.5,"record":{%s"does_not_fit":"x"}}\n' % head
    path.write_bytes(content)
    with pytest.raises(UserError, match=rf"runs.jsonl, line 2: {told}.*; name another file, or"):
        RunStore(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("content", [b"notes", b'{"a": 1}', b'{"key": "x"', CONTENT + b"notes"])
def test_file_of_something_else_is_not_repaired(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"notes, line \d: not the record of a run"):
        RunStore(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("name", ["runs.jsonl", "link.jsonl"])
def test_second_writer_is_told(tmp_path: Path, name: str) -> None:
    path = filled(tmp_path / "runs.jsonl")
    (tmp_path / "link.jsonl").symlink_to("runs.jsonl")
    first, second = RunStore(path), RunStore(tmp_path / name)
    with first.open_to_append():
        with (
            pytest.raises(UserError, match="another process adds runs to it; wait, or name ano"),
            second.open_to_append(),
        ):
            pytest.fail("both write")
        first.add("e", MORE, 1)
    with second.open_to_append():
        assert second.records == RUNS | {"e": MORE}, "it sees what the first has added meanwhile"


def test_runs_added_before_an_error_stay(tmp_path: Path) -> None:
    path = filled(tmp_path / "runs.jsonl")
    store = RunStore(path)
    with suppress(KeyboardInterrupt), store.open_to_append():
        store.add("e", MORE, 1)
        raise KeyboardInterrupt
    assert RunStore(path).records == RUNS | {"e": MORE}
    filled(path, {"f": MORE})


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/proc/runs.jsonl", r"cannot be written \(.*\); name a writable file"),
        ("/proc/nothing/runs.jsonl", r"cannot be written \(No such file or directory\)"),
        ("/dev/null", "not a file; name a file for records of runs"),
        ("/tmp", "not a file; name a file for records of runs"),
        ("/dev/null/runs.jsonl", r"cannot be read \(Not a directory\); name a file|cannot be wri"),
    ],
)
def test_path_that_takes_no_runs_is_told(path: str, reason: str) -> None:
    with (
        pytest.raises(UserError, match=f"{path}: ({reason})"),
        RunStore(Path(path)).open_to_append(),
    ):
        pytest.fail("it is open")


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file can grow beyond ``size`` bytes, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_full_disk_leaves_whole_lines(tmp_path: Path) -> None:
    path = filled(tmp_path / "runs.jsonl")
    store = RunStore(path)
    with store.open_to_append():
        with (
            largest_file(len(CONTENT) + 10),
            pytest.raises(UserError, match=r"runs.jsonl: cannot be written \(File too large\)"),
        ):
            store.add("e", MORE, 1)
        assert path.read_bytes() == CONTENT
        assert "e" not in store.records
        store.add("f", MORE, 1)
    assert RunStore(path).records == RUNS | {"f": MORE}


@pytest.mark.parametrize("removed", [True, False])
def test_a_file_that_is_replaced_while_runs_are_added_is_told(
    tmp_path: Path, removed: bool
) -> None:
    path = filled(tmp_path / "runs.jsonl")
    store = RunStore(path)
    with store.open_to_append():
        if removed:
            path.unlink()
        else:
            (tmp_path / "other").write_bytes(CONTENT)
            (tmp_path / "other").replace(path)
        with pytest.raises(UserError, match="replaced or removed by another program"):
            store.add("e", MORE, 1)
    assert "e" not in store.records
