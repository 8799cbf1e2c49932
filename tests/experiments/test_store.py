"""priot.experiments.sweeps.store: a file of runs that survives whatever happens to a writer."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from priot.experiments.errors import UserError
from priot.experiments.sweeps.store import RunStore

RUNS = {"a": {"right": [1, 2]}, "b": {"text": "line\nbreak, é"}, "c": {}, "d": {"scales": None}}


def filled(path: Path, runs: dict[str, dict[str, Any]] = RUNS) -> Path:
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
    filled(path, {"e": {}})
    assert path.read_bytes()[: len(CONTENT)] == CONTENT
    assert RunStore(path).records == RUNS | {"e": {}}


@pytest.mark.parametrize(
    "damaged",
    [
        *(b"{", b"", b"null", b"[]", b"\xff", b"{}", LINES[1][:20], LINES[1][20:-1]),
        *(b'{"key":1,"seconds":1,"record":{}}', b'{"key":"x","seconds":1,"record":[]}'),
        *(b'{"key":"x","seconds":"long","record":{}}', b'{"key":"x","record":{}}'),
    ],
    ids=repr,
)
def test_damaged_line_is_refused_with_its_number(tmp_path: Path, damaged: bytes) -> None:
    path = tmp_path / "runs.jsonl"
    path.write_bytes(LINES[0] + damaged + b"\n" + LINES[2])
    with pytest.raises(UserError, match=r"runs.jsonl, line 2: not the record of a run; name ano"):
        RunStore(path)


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
        first.add("e", {}, 1)
    with second.open_to_append():
        assert second.records == RUNS | {"e": {}}, "it sees what the first has added meanwhile"


def test_runs_added_before_an_error_stay(tmp_path: Path) -> None:
    path = filled(tmp_path / "runs.jsonl")
    store = RunStore(path)
    with suppress(KeyboardInterrupt), store.open_to_append():
        store.add("e", {}, 1)
        raise KeyboardInterrupt
    assert RunStore(path).records == RUNS | {"e": {}}
    filled(path, {"f": {}})


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
            store.add("e", {}, 1)
        assert path.read_bytes() == CONTENT
        assert "e" not in store.records
        store.add("f", {}, 1)
    assert RunStore(path).records == RUNS | {"f": {}}


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
            store.add("e", {}, 1)
    assert "e" not in store.records
