"""A table or figure of the project: its rows, its record, its caption, and how it is drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.environment import environment
from experiments.output import explained, write_bytes, write_csv, write_json

SUFFIXES = (".csv", ".json", ".caption.txt", ".pdf", ".png")


@dataclass(frozen=True)
class Artefact:
    """``rows`` are plain numbers and texts; a figure is drawn from them alone."""

    name: str
    caption: str
    rows: Sequence[Mapping[str, Any]]
    record: Mapping[str, Any]
    """What the rows were made with."""
    draw: Callable[[Path], None] | None = None
    """None for a table without a figure."""

    def write(self, folder: Path) -> list[Path]:
        """Write the table (CSV), record (JSON), caption (TXT) and any figure (PDF, PNG).

        Raises:
            UserError: when a file cannot be written.
        """
        table, record, caption, *figures = paths_of(self.name, folder)
        write_csv(table, self.rows)
        write_json(
            record,
            {"caption": self.caption, **self.record, "environment": environment()},
        )
        write_bytes(caption, (self.caption + "\n").encode())
        if self.draw is None:
            return [table, record, caption]
        for figure in figures:
            with explained(figure):
                self.draw(figure)
        return [table, record, caption, *figures]


def paths_of(name: str, folder: Path) -> list[Path]:
    """The files of an artefact: table, record, caption, and the figure if it has one."""
    return [folder / f"{name}{suffix}" for suffix in SUFFIXES]
