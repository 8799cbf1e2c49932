"""Records of finished runs in one file, a line of JSON each, safe against any kind of death."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from experiments.errors import UserError


class RunStore:
    """Finished runs by key. A line is written in one piece and never changed.

    A line that was cut short, by a full disk or a power failure, does not count: its run is done
    anew.

    Raises:
        UserError: when the file cannot be read, or holds something else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.records: dict[str, dict[str, Any]] = {}
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
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        except OSError as error:
            raise UserError(
                f"{self.path}: cannot be written ({error.strerror}); name a writable file"
            ) from error
        try:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise UserError(
                    f"{self.path}: another process adds runs to it; wait, or name another file"
                ) from error
            end = self._read()
            os.ftruncate(self._file, end)
            yield self
        finally:
            os.close(self._file)

    def add(self, key: str, record: dict[str, Any], seconds: float) -> None:
        """Append a finished run."""
        line = {"key": key, "seconds": round(seconds, 2), "record": record}
        os.write(self._file, json.dumps(line, separators=(",", ":")).encode() + b"\n")
        self.records[key], self.seconds[key] = record, seconds

    def _read(self) -> int:
        """Read the file anew; returns where its last whole line ends."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise UserError(f"{self.path}: cannot be read ({error.strerror})") from error
        end = content.rfind(b"\n") + 1
        for number, line in enumerate(content[:end].splitlines(), start=1):
            try:
                entry = json.loads(line)
                self.records[entry["key"]] = entry["record"]
                self.seconds[entry["key"]] = entry["seconds"]
            except (ValueError, KeyError, TypeError) as error:
                raise UserError(
                    f"{self.path}, line {number}: not the record of a run; "
                    "name another file, or delete this line"
                ) from error
        return end
