"""A table or figure of the project: its rows, its record, its caption, and how it is drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from priot.experiments.environment import write_record
from priot.experiments.errors import UserError
from priot.experiments.output import write_bytes, write_csv, write_figure
from priot.experiments.paper.protocol import NETWORKS
from priot.experiments.reading import read_json

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Artefact:
    """``rows`` are plain numbers and texts; a figure is drawn from them alone."""

    name: str
    caption: str
    rows: Rows
    record: Mapping[str, Any]
    """What the rows were made with."""
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
        shared = {} if self.network is None else {"rows": self.rows}
        write_record(record, {"caption": self.caption, **self.record, **shared})
        write_csv(table, rows)
        write_bytes(caption, (self.caption + "\n").encode())
        if self.draw is None:
            return [table, record, caption]
        for figure in figures:
            write_figure(figure, self.draw)
        return [table, record, caption, *figures]

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
        try:
            rows: list[dict[str, Any]] = read_json(record)["rows"]
            alike = all(row.keys() == self.rows[0].keys() for row in rows)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise UserError(f"{record}: cannot be read ({error.strerror})") from error
        except (ValueError, KeyError, TypeError, AttributeError):
            alike = False
        if not alike:
            raise UserError(f"{record}: not a record of the same table; make it anew, or delete it")
        return rows


def paths_of(name: str, folder: Path, network: str | None = None) -> list[Path]:
    """The files of an artefact: table, record, caption, and the figure if it has one.

    All bear the artefact's name; but the table, those of a network that is not the first of
    NETWORKS bear the network's as well.
    """
    own = name if network in (None, NETWORKS[0]) else f"{name}_{network}"
    others = (".json", ".caption.txt", ".pdf", ".png")
    return [folder / f"{name}.csv", *(folder / f"{own}{suffix}" for suffix in others)]
