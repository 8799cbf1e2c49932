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
    # As bytes: a name of a symbol may be in no encoding of the terminal.
    sys.stdout.buffer.write(record_diff.table(record_diff.diff(before, after)).encode())


def _read_record(path: Path) -> dict[str, Any]:
    from priot.experiments.reading import read_json

    try:
        record = read_json(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); name a record") from error
    except ValueError as error:
        raise UserError(
            f"{path}: not JSON ({error}); name what --json or --profile wrote"
        ) from error
    if not isinstance(record, dict):
        raise UserError(f"{path}: not the record of one run; name what priot run --json wrote")
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
