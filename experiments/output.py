"""Results on disk: written under a temporary name and renamed, so that none is ever half there."""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from experiments.errors import UserError


def check_writable(*paths: Path | None, read: Sequence[Path | None] = ()) -> None:
    """Refuse results that could not be written, before the work that gives them.

    Args:
        read: other files of the command, which no result may overwrite.

    Raises:
        UserError: when a path is a folder or named twice, or its folder cannot be made or written
            to.
    """
    results = [path for path in paths if path is not None]
    given = [*results, *(path for path in read if path is not None)]
    for path in results:
        if [other.resolve() for other in given].count(path.resolve()) > 1:
            raise UserError(f"{path}: named twice; one would overwrite the other")
        if path.is_dir():
            raise UserError(f"{path}: is a folder; name a file")
        with explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=path.parent):
                pass


def write_bytes(path: Path, content: bytes) -> None:
    """Replace ``path`` by ``content`` in one step; folders on the way are made.

    Raises:
        UserError: when it cannot be written.
    """
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).chmod(0o666 & ~_umask())
            Path(temporary).replace(path)
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
    except OSError as error:
        raise UserError(
            f"{path}: cannot be written ({error.strerror}); name a file in a writable folder"
        ) from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
