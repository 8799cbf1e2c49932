"""The files that a program may have on the host: in one folder, and not without end."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from priot.sim.limits import FILE_BYTES, FILES_MEGABYTES, MEGABYTE

MODES = ("r", "rb", "r+", "r+b", "w", "wb", "w+", "w+b", "a", "ab", "a+", "a+b")
_LONGEST_NAME = 4096  # PATH_MAX of Linux
_ALWAYS = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


@dataclass
class _Size:
    """Of a file: when the program first had it, and now.

    Attributes:
        handles: by which the program has it open to write.
        is_named: it has not been removed. One that has takes room until it is closed.
    """

    first: int
    now: int
    handles: int = 0
    is_named: bool = True

    @property
    def growth(self) -> int:
        return max(0, self.now - self.first)


class HostFiles:
    """Opens, writes, removes and renames for one program.

    Beyond a limit it answers as an operating system whose disk is full.

    Args:
        folder: where all files lie; None: there are none.
        megabytes: by which all of them together may grow. A new one counts as FILE_BYTES at least.
    """

    def __init__(self, folder: Path | None, megabytes: float = FILES_MEGABYTES) -> None:
        self._folder = None if folder is None else Path(os.path.realpath(folder))
        self._most = int(megabytes * MEGABYTE)
        self._sizes: dict[tuple[int, int], _Size] = {}
        self._growth = 0  # of all together
        self.is_full = False
        """Whether something was not done since the files would have grown too much."""

    def open(self, name: bytes, mode: int) -> FileIO:
        """Open a file in one of MODES.

        Raises:
            OSError: it cannot be opened, is no file, or there is no room for another one.
        """
        path = self._path(name)
        is_new = not path.exists()
        if is_new and mode >= MODES.index("w") and self._growth + FILE_BYTES > self._most:
            raise self._full()
        file = FileIO(path, MODES[mode].replace("b", ""), opener=_opened)
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            file.close()
            raise PermissionError(errno.EACCES, "no regular file")
        if file.writable():
            first = -FILE_BYTES if is_new else status.st_size
            size = self._sizes.setdefault(_key(status), _Size(first, first))
            size.handles += 1
            self._grow(size, status.st_size)
        return file

    def close(self, file: FileIO) -> None:
        """Close it."""
        if file.writable():
            key = _key(os.fstat(file.fileno()))
            self._sizes[key].handles -= 1
            self._forget_if_gone(key)
        file.close()

    def write(self, file: FileIO, data: bytes) -> int:
        """Write what there is room for; returns how many bytes that were.

        Raises:
            OSError: the disk is full.
            ValueError: the file was opened to be read.
        """
        if not data:
            return 0
        if not file.writable():
            raise ValueError("opened to be read")
        status = os.fstat(file.fileno())
        size = self._sizes[_key(status)]
        self._grow(size, status.st_size)
        start = status.st_size if "a" in file.mode else file.tell()
        room = max(0, size.first + size.growth + self._most - self._growth - start)
        if room < len(data):
            self._full()
        written = file.write(data[:room]) if room else 0
        self._grow(size, max(size.now, start + written))
        return written

    def remove(self, name: bytes) -> None:
        """Remove a file. Raises OSError."""
        path = self._path(name)
        key = _key(path.lstat())
        path.unlink()
        self._lose_name(key)

    def rename(self, name: bytes, new_name: bytes) -> None:
        """Rename a file; one of the new name gives way. Raises OSError."""
        path, new_path = self._path(name), self._path(new_name)
        if not path.is_file():
            raise PermissionError(errno.EACCES, "no regular file")
        moved = _key(path.lstat())
        replaced = _key(new_path.lstat()) if new_path.exists() else moved
        path.replace(new_path)
        if replaced != moved:
            self._lose_name(replaced)

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

    def _grow(self, size: _Size, now: int) -> None:
        before, size.now = size.growth, now
        self._growth += size.growth - before

    def _lose_name(self, key: tuple[int, int]) -> None:
        if key in self._sizes:
            self._sizes[key].is_named = False
            self._forget_if_gone(key)

    def _forget_if_gone(self, key: tuple[int, int]) -> None:
        """The host gives the key of a file that is gone to the next new one."""
        size = self._sizes[key]
        if not (size.handles or size.is_named):
            self._growth -= size.growth
            del self._sizes[key]

    def _full(self) -> OSError:
        self.is_full = True
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _opened(path: str, flags: int) -> int:
    # A pipe without another end would wait for it, in a folder as anywhere.
    return os.open(path, flags | _ALWAYS, 0o666)


def _key(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino
