"""``priot diff``: what changed between two records or profiles (JSON)."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from priot.experiments.cli.command import Command
from priot.experiments.cli.parser import Parser
from priot.experiments.errors import UserError
from priot.experiments.files import InputFile


def _add_options(parser: Parser) -> None:
    parser.add_argument("before", type=InputFile, metavar="A", help="a record or profile")
    parser.add_argument("after", type=InputFile, metavar="B", help="another of the same kind")


def _run(options: Namespace) -> None:
    from priot.sim.reports import record_diff

    before, after = (_read_record(path) for path in (options.before, options.after))
    if before["kind"] != after["kind"]:
        raise UserError(
            f"{options.before} is a record of kind {before['kind']}, {options.after} one of kind "
            f"{after['kind']}: name two of the same kind"
        )
    # As bytes: a name of a symbol may be in no encoding of the terminal.
    sys.stdout.buffer.write(record_diff.table(record_diff.diff(before, after)).encode())


def _read_record(path: Path) -> dict[str, Any]:
    from priot.experiments.records.every import EVERY
    from priot.experiments.records.files import read_record
    from priot.experiments.records.writing import to_json

    record: dict[str, Any] = to_json(read_record(path, *EVERY))
    return record


COMMAND = Command(
    "diff",
    "what changed between two runs",
    "Compares two records of priot run (--json), or two profiles (--profile FILE.json): each "
    "number before and after, the largest change first.",
    ("diff before.json after.json",),
    _add_options,
    _run,
)
