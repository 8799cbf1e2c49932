"""Standard input, output and error, where a command was started without one of them."""

from __future__ import annotations

import errno
import os
import sys

_READ, _WRITTEN, _ERRORS = range(3)


def open_closed_streams() -> None:
    """Give a closed stream its place, so that no file that is opened later gets it.

    Input ends at once, output cannot be written, and errors go nowhere.
    """
    if sys.stdin is None:
        sys.stdin = os.fdopen(_placed(_READ, os.O_RDONLY))
    if sys.stdout is None:
        sys.stdout = os.fdopen(_placed(_WRITTEN, os.O_RDONLY), "w")
    if sys.stderr is None:
        sys.stderr = os.fdopen(_placed(_ERRORS, os.O_WRONLY), "w")


def give_up_output() -> None:
    """Nothing can be written any more; the interpreter must not try to write the rest."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), _WRITTEN)


def reason_of(error: OSError) -> str:
    """What an error says that no command expected: of the output, or of the working folder."""
    if error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    if error.errno == errno.ENOENT:
        return "the working folder is gone; go to one that is there"
    return f"standard output: cannot be written ({error.strerror or error})"


def _placed(descriptor: int, flags: int) -> int:
    null = os.open(os.devnull, flags)
    if null != descriptor:
        os.dup2(null, descriptor)
        os.close(null)
    return descriptor
