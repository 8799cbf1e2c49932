"""The files that a program may have on the host: in one folder, and not without end."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from sim.limits import FILES_MADE, FILES_MEGABYTES, FILES_OPEN, MEGABYTE

MODES = ("r", "rb", "r+", "r+b", "w", "wb", "w+", "w+b", "a", "ab", "a+", "a+b")
_LONGEST_NAME = 4096  # PATH_MAX of Linux


@dataclass
class _Size:
    """Of a file: when the program first had it, and now."""

    first: int
    now: int

    @property
    def growth(self) -> int:
        return max(0, self.now - self.first)


class HostFiles:
    """Opens, writes, removes and renames for one program.

    Beyond a limit it answers as an operating system whose disk is full.

    Args:
        folder: where all files lie; None: there are none.
        megabytes: by which all of them together may grow.
    """

    def __init__(self, folder: Path | None, megabytes: float = FILES_MEGABYTES) -> None:
        self._folder = None if folder is None else Path(os.path.realpath(folder))
        self._most = int(megabytes * MEGABYTE)
        self._sizes: dict[tuple[int, int], _Size] = {}
        self._made = self._open = 0
        self.limit_met = ""
        """What could not be done, of what the program asked for last; empty: nothing."""

    def open(self, name: bytes, mode: int) -> FileIO:
        """Open a file in one of MODES.

        Raises:
            OSError: it cannot be opened, is no file, or is one too many.
        """
        path = self._path(name)
        if self._open >= FILES_OPEN:
            raise self._over(errno.EMFILE, f"open more than {FILES_OPEN} files")
        is_new = not path.exists()
        writes = mode >= MODES.index("r+")
        if is_new and mode >= MODES.index("w") and self._made >= FILES_MADE:
            raise self._over(errno.ENOSPC, f"make more than {FILES_MADE:,} files")
        file = FileIO(path, MODES[mode].replace("b", ""), opener=_opened)
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            file.close()
            raise PermissionError(errno.EACCES, "no regular file")
        self._open += 1
        if writes:
            self._made += is_new
            size = self._sizes.setdefault(_key(status), _Size(status.st_size, status.st_size))
            size.now = status.st_size
        return file

    def close(self, file: FileIO) -> None:
        """Close it."""
        self._open -= 1
        file.close()

    def write(self, file: FileIO, data: bytes) -> int:
        """Write what there is room for; returns how many bytes that were.

        Raises:
            OSError: the disk is full.
            ValueError: the file was opened to be read.
        """
        if not data:
            return 0
        status = os.fstat(file.fileno())
        size = self._sizes.get(_key(status))
        if size is not None:
            start = status.st_size if "a" in file.mode else file.tell()
            size.now = status.st_size
            others = sum(other.growth for other in self._sizes.values()) - size.growth
            room = size.first + self._most - others - start
            if room < len(data):
                self._over(errno.ENOSPC, f"write more than {self._most / MEGABYTE:g} MB into files")
            data = data[: max(0, room)]
            if not data:
                return 0
        written = file.write(data)
        if size is not None:
            size.now = max(size.now, os.fstat(file.fileno()).st_size)
        return written

    def remove(self, name: bytes) -> None:
        """Remove a file. Raises OSError."""
        path = self._path(name)
        key = _key(path.lstat())
        path.unlink()
        if self._sizes.pop(key, None) and self._made:
            self._made -= 1

    def rename(self, name: bytes, new_name: bytes) -> None:
        """Rename a file; one of the new name gives way. Raises OSError."""
        path, new_path = self._path(name), self._path(new_name)
        if not path.is_file():
            raise PermissionError(errno.EACCES, "no regular file")
        path.replace(new_path)

    def _path(self, name: bytes) -> Path:
        """A path of the program's inside the folder.

        Raises:
            PermissionError: there is no folder, or the path leads out of it.
        """
        if self._folder is None or b"\0" in name:
            raise PermissionError(errno.EACCES, "no folder for files was named")
        if len(name) > _LONGEST_NAME:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
        path = Path(os.path.realpath(self._folder / os.fsdecode(name)))
        if not path.is_relative_to(self._folder):
            raise PermissionError(errno.EACCES, "outside of the folder")
        return path

    def _over(self, number: int, told: str) -> OSError:
        self.limit_met = told
        return OSError(number, os.strerror(number))


def _opened(path: str, flags: int) -> int:
    # A pipe without another end would wait for it, in a folder as anywhere.
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOFOLLOW, 0o666)


def _key(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino
