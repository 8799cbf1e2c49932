"""priot.experiments.output: results are written whole or not at all; tables line up."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from priot.experiments.errors import UserError
from priot.experiments.output import (
    check_distinct,
    check_writable,
    format_table,
    write_bytes,
    write_csv,
    write_figure,
    write_json,
)

UNREACHABLE = "file/result.json"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# --- files


def test_content_is_written_and_folders_are_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "result.bin"
    for content in (b"first", b"", b"\0\xff"):
        write_bytes(path, content)
        assert path.read_bytes() == content
    assert names(path.parent) == ["result.bin"]


def test_written_files_have_the_permissions_of_any_other(tmp_path: Path) -> None:
    mask = os.umask(0o027)
    try:
        write_bytes(tmp_path / "result", b"")
    finally:
        os.umask(mask)
    assert (tmp_path / "result").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_interrupted_writing_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    path = tmp_path / "result"
    write_bytes(path, b"old")

    def failing(*_: object) -> None:
        raise error

    monkeypatch.setattr(Path, "replace", failing)
    expected = UserError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["result"]


@pytest.mark.parametrize("write", [write_bytes, write_json, write_csv])
def test_place_that_cannot_be_written_is_named(tmp_path: Path, write) -> None:
    (tmp_path / "file").write_text("")
    content = b"" if write is write_bytes else [{"key": 1}]
    with pytest.raises(
        UserError, match=r"file/result\.json: cannot be written \(.*writable folder"
    ):
        write(tmp_path / UNREACHABLE, content)
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("target", ["elsewhere/result.png", "elsewhere/new/result.png"])
def test_a_link_stays_and_what_it_names_is_replaced(tmp_path: Path, target: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    link, file = tmp_path / "link.png", tmp_path / target
    link.symlink_to(target)
    for write in (
        lambda: write_bytes(link, b"first"),
        lambda: write_bytes(link, b"second"),
        lambda: write_figure(link, lambda path: path.write_bytes(b"third")),
    ):
        before = file.stat().st_ino if file.exists() else None
        write()
        assert link.is_symlink()
        assert file.stat().st_ino != before, "replaced in one step, not written to"
    assert file.read_bytes() == b"third"
    assert names(tmp_path) == ["elsewhere", "link.png"]
    assert names(file.parent) == ["result.png"]


@pytest.mark.parametrize("by_link", [False, True])
def test_a_pipe_is_written_to(tmp_path: Path, by_link: bool) -> None:
    pipe = path = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    if by_link:
        path = tmp_path / "link.png"
        path.symlink_to(pipe)
    read: list[bytes] = []
    for write in (
        lambda: write_bytes(path, b"content"),
        lambda: write_figure(path, lambda file: file.write_bytes(b"content")),
    ):
        reader = Thread(target=lambda: read.append(pipe.read_bytes()), daemon=True)
        reader.start()
        write()
        assert pipe.is_fifo()
        reader.join(10)
    assert read == [b"content"] * 2


def test_a_device_is_written_to() -> None:
    """A terminal, in whose folder no file can be made, so that a failure does no harm."""
    ours, theirs = os.openpty()
    path = Path(os.ttyname(theirs))
    check_distinct([path, path], [path])  # nothing is overwritten there
    check_writable(path)
    write_bytes(path, b"content")
    assert path.is_char_device()
    assert os.read(ours, 100) == b"content"
    os.close(theirs)
    os.close(ours)


OUTPUTS = """
import sys
from pathlib import Path
from priot.experiments.output import write_json
print("before")
write_json(Path(sys.argv[1]), 1)
print("after")
"""


def test_own_output_takes_a_result_in_its_place(tmp_path: Path) -> None:
    """By a link as /dev/stdout is, which a failure would replace."""
    path = tmp_path / "stdout"
    path.symlink_to("/proc/self/fd/1")
    command = [sys.executable, "-c", OUTPUTS, str(path)]
    with (tmp_path / "file").open("w") as file:
        subprocess.run(command, stdout=file, check=True)
    assert (tmp_path / "file").read_text() == "before\n1\nafter\n"
    piped = subprocess.run(command, capture_output=True, text=True, check=True)
    assert piped.stdout == "before\n1\nafter\n"
    assert path.is_symlink()


def test_check_accepts_what_can_be_written_and_makes_nothing(tmp_path: Path) -> None:
    check_writable(None, tmp_path / "a", tmp_path / "folder" / "b")
    assert list(tmp_path.rglob("*")) == []
    (tmp_path / "a").write_text("old")
    check_writable(tmp_path / "a")
    assert (tmp_path / "a").read_text() == "old"


def test_check_names_the_first_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"file/result\.json: cannot be written"):
        check_writable(None, tmp_path / "fine", tmp_path / UNREACHABLE)
    with pytest.raises(UserError, match="is a folder; name a file"):
        check_writable(tmp_path)


def test_json_is_read_back(tmp_path: Path) -> None:
    value = [{"a": 1.5, "b": None, "c": {"d": [True, "text"]}}]
    write_json(tmp_path / "value.json", value)
    assert json.loads((tmp_path / "value.json").read_text()) == value
    assert (tmp_path / "value.json").read_text().endswith("]\n")


def test_csv_is_read_back(tmp_path: Path) -> None:
    rows = [{"label": 'PRIOT-S, "10 %"', "ms": 1.5}, {"label": "two\nlines", "ms": 2}]
    write_csv(tmp_path / "rows.csv", rows)
    with (tmp_path / "rows.csv").open(newline="") as lines:
        assert list(csv.DictReader(lines)) == [
            {key: str(value) for key, value in row.items()} for row in rows
        ]


# --- tables

cells = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=9)


@given(st.integers(1, 4).flatmap(lambda n: st.lists(st.tuples(*[cells] * n), min_size=1)))
def test_columns_line_up(table: list[tuple[str, ...]]) -> None:
    header, *rows = table
    first, rule, *rest = format_table(header, rows).splitlines()
    assert [first.split(), *(line.split() for line in rest)] == [list(row) for row in table]
    widths = [max(len(row[c]) for row in table) for c in range(len(header))]
    assert rule == "  ".join("-" * width for width in widths)
    for line, row in zip((first, *rest), table, strict=True):
        assert line.startswith(row[0])
        ends = [sum(widths[: c + 1]) + 2 * c for c in range(len(widths))]
        for end, cell in list(zip(ends, row, strict=True))[1:]:
            assert line[:end].endswith(cell), "numbers are flush right"
