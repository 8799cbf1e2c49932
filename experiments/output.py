"""Results on disk: written under a temporary name and renamed, so that none is ever half there.

What is there but no regular file (a device, a pipe) is written to instead, and so is the process's
own output under another name, such as /dev/stdout. A symbolic link stays a link.
"""

from __future__ import annotations

import csv
import io
import json
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PosixPath
from typing import Any

from priot.experiments.errors import UserError


class StandardOutput(PosixPath):
    """The standard output, which "-" stands for wherever a command writes a result."""


STANDARD_OUTPUT = StandardOutput("-")


def check_distinct(written: Iterable[Path], read: Iterable[Path]) -> None:
    """Refuse results that would overwrite each other or what is read, under any name.

    Raises:
        UserError: when two paths lead to the same file.
    """
    taken = {identity: (path, "reads") for path in read for identity in _identities(path)}
    for path in written:
        if _is_stream(path):
            continue
        identities = _identities(path)
        for other, use in (taken[identity] for identity in identities if identity in taken):
            raise UserError(
                f"{path}: would overwrite {other}, which the same command {use}; name another file"
            )
        taken |= dict.fromkeys(identities, (path, "writes"))


def check_writable(*paths: Path | None) -> None:
    """Refuse results that could not be written, before the work that gives them; makes nothing.

    Raises:
        UserError: when a path is a folder, or its folder cannot be made or written to.
    """
    for path in filter(None, paths):
        if _is_stream(path):
            if not os.access(path, os.W_OK):
                raise UserError(f"{path}: cannot be written (no permission); name another file")
            continue
        if path.is_dir():
            raise UserError(f"{path}: is a folder; name a file")
        with explained(path):
            folder = next(parent for parent in _target(path).parents if parent.exists())
            with tempfile.TemporaryFile(dir=folder):
                pass


def check_folder(path: Path) -> None:
    """Refuse a result whose folder is not there: it may be misspelt.

    Raises:
        UserError: when there is none.
    """
    if not _is_stream(path) and not _target(path).parent.exists():
        raise UserError(f"{path}: cannot be written (there is no folder {path.parent}); make it")


def write_bytes(path: Path, content: bytes) -> None:
    """Replace ``path`` by ``content`` in one step; folders on the way are made.

    Raises:
        UserError: when it cannot be written.
    """
    if isinstance(path, StandardOutput) or _is_stream(path):
        _send(path, content)
        return
    with explained(path):
        target = _target(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).chmod(0o666 & ~_umask())
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON. Raises UserError as ``write_bytes`` does."""
    write_bytes(path, (json.dumps(value, indent=2) + "\n").encode())


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows under the first one's keys. Raises UserError as ``write_bytes`` does."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_bytes(path, text.getvalue().encode())


def write_figure(path: Path, draw: Callable[[Path], None]) -> None:
    """Write what ``draw`` draws into the file that it is given, of the same suffix.

    The standard output takes a PNG.

    Raises:
        UserError: as ``write_bytes`` does.
    """
    with explained(path), tempfile.TemporaryDirectory() as folder:
        drawn = Path(folder) / ("figure.png" if isinstance(path, StandardOutput) else path.name)
        draw(drawn)
        content = drawn.read_bytes()
    write_bytes(path, content)


def format_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], left: Collection[int] = (0,)
) -> str:
    """A table in plain text; columns named in ``left`` are flush left, the others flush right.

    Rows may be shorter than the header.
    """
    columns = range(len(header))
    rows = [[*row, *[""] * (len(header) - len(row))] for row in rows]
    widths = [max(len(line[c]) for line in [header, *rows]) for c in columns]

    def line(cells: Sequence[str]) -> str:
        placed = (
            cells[c].ljust(widths[c]) if c in left else cells[c].rjust(widths[c]) for c in columns
        )
        return "  ".join(placed).rstrip()

    return "\n".join([line(header), "  ".join("-" * width for width in widths), *map(line, rows)])


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Within it an OSError becomes a UserError that says that ``path`` cannot be written."""
    try:
        yield
    except BrokenPipeError:
        raise  # nobody reads any more: no fault of the path
    except OSError as error:
        raise UserError(
            f"{path}: cannot be written ({error.strerror}); name a file in a writable folder"
        ) from error


def _identities(path: Path) -> set[object]:
    """What all names of a file share: where links end, and which file it is once it is there."""
    target = _target(path)
    identities: set[object] = {target}
    with suppress(OSError):
        status = target.stat()
        identities.add((status.st_dev, status.st_ino))
    return identities


def _target(path: Path) -> Path:
    """The file itself, where ``path`` may be a link to it; it need not be there yet."""
    return Path(os.path.realpath(path))


def _is_stream(path: Path) -> bool:
    """Whether ``path`` is to be written to, since a new file in its place would not be read."""
    with explained(path):
        try:
            status = path.stat()
        except FileNotFoundError:
            return False
    mode = status.st_mode
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)) or _own_output(status) is not None


def _own_output(status: os.stat_result) -> int | None:
    """The descriptor of the process's own output or messages, if they go there."""
    for descriptor in (1, 2):
        with suppress(OSError):  # it is closed
            if os.path.samestat(os.fstat(descriptor), status):
                return descriptor
    return None


def _send(path: Path, content: bytes) -> None:
    with explained(path):
        descriptor = 1 if isinstance(path, StandardOutput) else _own_output(path.stat())
        if descriptor is None:
            with path.open("wb") as file:
                file.write(content)
            return
        # Through the descriptor that the process has: another would start at the file's beginning.
        sys.stdout.flush()
        with open(descriptor, "wb", closefd=False) as file:
            file.write(content)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
