"""Records of finished runs in one file, a line of JSON each, safe against any kind of death."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from priot.experiments.errors import UserError
from priot.experiments.limits import RUNS_FILE
from priot.experiments.output import write_bytes
from priot.experiments.reading import parse_json
from priot.experiments.records.costs import DoesNotFit, StepCosts
from priot.experiments.records.reading import VersionError, from_json
from priot.experiments.records.runs import FloatRun, TrainingRun
from priot.experiments.records.writing import to_json
from priot.sim.reading import read_file

KEPT: tuple[type[Any], ...] = (TrainingRun, FloatRun, StepCosts, DoesNotFit)
"""Kinds of records that a store holds."""
_LINE_START = b'{"key":"'
_APPENDING = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)


class RunStore:
    """Finished runs by key. A line is written in one piece and never changed.

    A last line that was cut short, by a full disk or a power failure, does not count: its run is
    done anew.

    Raises:
        UserError: when the file cannot be read, or holds something else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.records: dict[str, Any] = {}
        """Of the kinds that are KEPT."""
        self.seconds: dict[str, float] = {}
        """Computing time of each run on one core."""
        self._read()

    @contextmanager
    def open_to_append(self) -> Iterator[RunStore]:
        """Within it ``add`` writes; no other process can at the same time.

        Raises:
            UserError: when another process does, or the file cannot be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, _APPENDING, 0o666)
            _keep_name_in(self.path.parent)
        except OSError as error:
            raise self._not_writable(error) from error
        try:
            with self._locked():
                os.ftruncate(self._file, self._read())
                yield self
        finally:
            os.close(self._file)

    def add(self, key: str, record: Any, seconds: float) -> None:
        """Append a finished run; once this returns, not even a power failure loses it.

        Raises:
            UserError: when the disk is full.
        """
        seconds = round(seconds, 2)
        line = _line(key, record, seconds)
        end = os.fstat(self._file).st_size
        self._check_in_place()
        try:
            written = os.write(self._file, line)
            while written < len(line):  # the disk is full: the next call says so
                written += os.write(self._file, line[written:])
            os.fsync(self._file)
        except OSError as error:
            os.ftruncate(self._file, end)
            raise self._not_writable(error) from error
        self.records[key], self.seconds[key] = record, seconds

    def rename(self, new: Mapping[str, str]) -> None:
        """Give runs other keys; the file is replaced in one step, and nothing is added to it after.

        Raises:
            UserError: when it cannot be written.
        """
        self.records = {new.get(key, key): record for key, record in self.records.items()}
        self.seconds = {new.get(key, key): seconds for key, seconds in self.seconds.items()}
        lines = (_line(key, record, self.seconds[key]) for key, record in self.records.items())
        write_bytes(self.path, b"".join(lines))

    def _check_in_place(self) -> None:
        """Refuse to write into a file that has been replaced or removed, as by git checkout."""
        try:
            in_place = os.path.samestat(os.fstat(self._file), self.path.stat())
        except FileNotFoundError:
            in_place = False
        if not in_place:
            raise UserError(
                f"{self.path}: replaced or removed by another program while runs were added; put "
                "the file back, then the same command goes on"
            )

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """The lock is a file beside this one. It stays there: only who holds it counts."""
        lock = FileLock(f"{self.path.resolve()}.lock", timeout=0, mode=0o666)
        try:
            lock.acquire()
        except Timeout as error:
            raise UserError(
                f"{self.path}: another process adds runs to it; wait, or name another file"
            ) from error
        except OSError as error:
            raise UserError(
                f"{lock.lock_file}: cannot be locked ({error.strerror}); name a file on a local "
                "disk, in a folder that can be written"
            ) from error
        try:
            yield
        finally:
            lock.release()

    def _not_writable(self, error: OSError) -> UserError:
        return UserError(
            f"{self.path}: cannot be written ({error.strerror}); name a writable file with room"
        )

    def _read(self) -> int:
        """Read the file anew; returns where its last whole line ends."""
        try:
            if self.path.exists() and not self.path.is_file():
                raise UserError(f"{self.path}: not a file; name a file for records of runs")
            content = read_file(self.path, RUNS_FILE)
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise UserError(
                f"{self.path}: cannot be read ({error.strerror}); name a file for records of runs"
            ) from error
        end = content.rfind(b"\n") + 1
        lines = content[:end].split(b"\n")[:-1]
        for number, line in enumerate(lines, start=1):
            try:
                self._take(parse_json(line))
            except VersionError as error:
                raise UserError(
                    f"{self.path}, line {number}: {error}; name another file, or use the priot "
                    "that wrote it"
                ) from error
            except (ValueError, KeyError, TypeError, OverflowError) as error:
                raise self._damaged(number) from error
        if not _cut_short(content[end:]):
            raise self._damaged(len(lines) + 1)
        return end

    def _take(self, entry: dict[str, Any]) -> None:
        key, seconds, record = entry["key"], entry["seconds"], entry["record"]
        if not isinstance(key, str) or len(entry) > 3:
            raise TypeError("not a line of this file")
        self.records[key] = from_json(record, *KEPT)
        self.seconds[key] = float(seconds)

    def _damaged(self, line: int) -> UserError:
        return UserError(
            f"{self.path}, line {line}: not the record of a run; name another file, or delete "
            "this line"
        )


def _line(key: str, record: Any, seconds: float) -> bytes:
    entry = {"key": key, "seconds": seconds, "record": to_json(record)}
    return json.dumps(entry, separators=(",", ":")).encode() + b"\n"


def _keep_name_in(folder: Path) -> None:
    """See to it that a file just made in ``folder`` is still there after a power failure."""
    if os.name == "nt":  # where folders cannot be opened
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _cut_short(rest: bytes) -> bool:
    """Whether what follows the last whole line is the start of another, or room for it.

    Anything else is not ours to remove.
    """
    start = rest[: len(_LINE_START)]
    return start == _LINE_START[: len(start)] or not rest.strip(b"\0")
