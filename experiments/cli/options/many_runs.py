"""Who computes many runs."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from priot.experiments.cli.parser import Parser
from priot.experiments.errors import UserError

if TYPE_CHECKING:
    from priot.experiments.sweeps.workers import Workers


def add_workers(parser: Parser) -> None:
    """``--jobs`` and ``--dask``."""
    parser.add_argument(
        "--jobs", type=int, default=-1, metavar="N", help="processes; -1: one per core"
    )
    parser.add_argument(
        "--dask", metavar="ADDRESS", help="compute on the Dask cluster with this scheduler"
    )


def check_workers(options: Namespace) -> None:
    """Refuse any number of processes below 1 but -1."""
    if options.jobs < 1 and options.jobs != -1:
        raise UserError(f"--jobs {options.jobs}: name 1 or more processes, or -1: one per core")


def workers_of(options: Namespace) -> Workers:
    """Who computes, as the options say."""
    from priot.experiments.sweeps.workers import Workers

    return Workers(options.jobs, options.dask)
