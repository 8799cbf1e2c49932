"""Reads files that users name: never more than is allowed, and without waiting for ever."""

import errno
import os
import select
import stat
from pathlib import Path

from priot.sim.limits import MEGABYTE, PIPE_SECONDS

_PIECE = 1 << 20
_READING = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)  # not on Windows
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)  # on Windows alone
)


def read_file(path: str | Path, most: int) -> bytes:
    """The content of a file, or of a pipe or device until its end.

    Args:
        path: the file.
        most: bytes that it may have.

    Raises:
        OSError: it cannot be read, is larger, or is a pipe into which nobody writes; `strerror`
            says which.
    """
    try:
        # A pipe without a writer would not even open.
        descriptor = os.open(path, _READING)
    except ValueError as error:
        raise OSError(errno.EINVAL, "its name has a zero byte") from error
    try:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        content = bytearray()
        is_file = stat.S_ISREG(status.st_mode)
        if not (is_file and status.st_size > most):
            while piece := _piece(descriptor, is_file):
                content += piece
                if len(content) > most:
                    break
            else:
                return bytes(content)
        raise OSError(errno.EFBIG, f"larger than {megabytes(most)}")
    finally:
        os.close(descriptor)


def megabytes(size: int) -> str:
    """A limit for people: "64 MB"."""
    return f"{size / MEGABYTE:g} MB"


def _piece(descriptor: int, is_file: bool) -> bytes:
    """What comes next; nothing at the end."""
    if not is_file and hasattr(select, "poll"):  # Windows has none
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        if not poll.poll(PIPE_SECONDS * 1000):
            raise TimeoutError(errno.ETIMEDOUT, f"nothing came for {PIPE_SECONDS:g} seconds")
    return os.read(descriptor, _PIECE)
