"""Files that results go to."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from priot.experiments.cli.parser import Parser
from priot.experiments.errors import UserError
from priot.experiments.files import output_or_dash
from priot.experiments.output import StandardOutput
from priot.plots.formats import FORMATS


def add_record(parser: Parser) -> None:
    """``--json``."""
    parser.add_argument(
        "--json",
        type=output_or_dash,
        metavar="FILE",
        help="write the record as JSON; - is stdout",
    )


def add_table(parser: Parser) -> None:
    """``--csv``."""
    parser.add_argument("--csv", type=output_or_dash, metavar="FILE", help="write the table as CSV")


def add_figure(parser: Parser, what: str) -> None:
    """``--figure``; ``check_figure`` belongs to it."""
    parser.add_argument(
        "--figure",
        type=output_or_dash,
        metavar="FILE",
        help=f"draw {what} ({', '.join(FORMATS)})",
    )


def add_data(parser: Parser, default: str = "that of priot download") -> None:
    """``--data``."""
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help=f"folder with the data's files ({default})"
    )


def check_figure(options: Namespace) -> None:
    """Refuse a figure of an unknown format."""
    if options.figure is None or isinstance(options.figure, StandardOutput):
        return
    if options.figure.suffix not in FORMATS:
        raise UserError(
            f"--figure {options.figure}: the name must end in one of {', '.join(FORMATS)}"
        )
