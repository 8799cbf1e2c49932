"""A table or figure of the project: its rows, its record, its caption, and how it is drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from priot.experiments.errors import UserError
from priot.experiments.output import write_bytes, write_csv, write_figure
from priot.experiments.paper.protocol import NETWORKS
from priot.experiments.records.artefacts import ArtefactRecord
from priot.experiments.records.files import read_record, write_again

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Artefact:
    """``rows`` are plain numbers and texts; a figure is drawn from them alone."""

    name: str
    caption: str
    rows: Rows
    made_with: Mapping[str, Any]
    """What the rows follow from, and findings that are no rows."""
    draw: Callable[[Path], None] | None = None
    """None for a table without a figure."""
    network: str | None = None
    """One of NETWORKS where they share the table: it holds the rows of all records beside it.

    Record, caption and figure are the network's own. None: so is the table.
    """

    def write(self, folder: Path) -> list[Path]:
        """Write the table (CSV), record (JSON), caption (TXT) and any figure (PDF, PNG).

        Raises:
            UserError: when a file cannot be written, or another network's record cannot be used.
        """
        table, record, caption, *figures = paths_of(self.name, folder, self.network)
        # Before anything is written: a record that cannot be used voids none.
        rows = self._all_rows(folder)
        write_again(record, self.record)
        write_csv(table, rows)
        write_bytes(caption, (self.caption + "\n").encode())
        if self.draw is None:
            return [table, record, caption]
        for figure in figures:
            write_figure(figure, self.draw)
        return [table, record, caption, *figures]

    @property
    def record(self) -> ArtefactRecord:
        """What is written beside the table, but for the environment."""
        shared = None if self.network is None else tuple(self.rows)
        return ArtefactRecord(
            name=self.name, caption=self.caption, made_with=self.made_with, rows=shared
        )

    def _all_rows(self, folder: Path) -> Rows:
        """Of the whole table: those of every network, in the order of NETWORKS."""
        if self.network is None:
            return self.rows
        rows: list[Mapping[str, Any]] = []
        for network in NETWORKS:
            _, record, *_ = paths_of(self.name, folder, network)
            rows += self.rows if network == self.network else self._rows_in(record)
        return rows

    def _rows_in(self, record: Path) -> Rows:
        """Of another network, none if it has no record yet."""
        if not record.exists():
            return []
        advice = "make it anew, or delete it"
        found = read_record(record, ArtefactRecord, otherwise=advice)
        rows = found.rows or ()
        alike = rows and all(row.keys() == self.rows[0].keys() for row in rows)
        if found.name != self.name or not alike:
            raise UserError(f"{record}: not a record of the same table; {advice}")
        return rows


def paths_of(name: str, folder: Path, network: str | None = None) -> list[Path]:
    """The files of an artefact: table, record, caption, and the figure if it has one.

    All bear the artefact's name; but the table, those of a network that is not the first of
    NETWORKS bear the network's as well.
    """
    own = name if network in (None, NETWORKS[0]) else f"{name}_{network}"
    others = (".json", ".caption.txt", ".pdf", ".png")
    return [folder / f"{name}.csv", *(folder / f"{own}{suffix}" for suffix in others)]
