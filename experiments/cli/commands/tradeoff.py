"""``priot tradeoff``: the front of memory, time and accuracy, or the best within limits."""

from __future__ import annotations

import math
from argparse import Namespace

from priot.experiments import defaults
from priot.experiments.cli.command import Command
from priot.experiments.cli.options.artefacts import DESCRIPTION, make
from priot.experiments.cli.options.clock import add_clock, clock_hz_of
from priot.experiments.cli.options.reproduction import (
    add_artefact,
    add_one_network,
    check_artefact,
    files_of,
    laboratory_of,
    scope_of_options,
)
from priot.experiments.cli.options.task import angle_of
from priot.experiments.cli.parser import Parser
from priot.experiments.files import Files
from priot.experiments.paper.limits import Limits


def _add_options(parser: Parser) -> None:
    for option, metavar, told in (
        ("--sram-kb", "N", "the most accurate within N KB (of 1024 bytes) of SRAM"),
        ("--ms", "M", "the most accurate within M ms per training step"),
    ):
        parser.add_argument(option, type=float, metavar=metavar, help=told)
    parser.add_argument("--angle", type=float, default=defaults.ANGLE, help="rotation in degrees")
    add_clock(parser)
    add_artefact(parser)
    add_one_network(parser)


def _check(options: Namespace) -> None:
    check_artefact(options)
    clock_hz_of(options)
    angle_of(options)
    _limits_of(options)


def _limits_of(options: Namespace) -> Limits:
    return Limits(
        math.inf if options.sram_kb is None else options.sram_kb,
        math.inf if options.ms is None else options.ms,
    )


def _implied_files(options: Namespace) -> Files:
    return files_of(options, "tradeoff")


def _run(options: Namespace) -> None:
    from priot.experiments.paper.tradeoff import tradeoff
    from priot.experiments.paper.tradeoff_query import (
        commands_for,
        described,
        front_table,
        most_accurate,
    )

    limits = _limits_of(options)
    laboratory = laboratory_of(options)
    made = make(options, tradeoff(laboratory, angle_of(options), clock_hz_of(options)))
    if not limits:
        print(front_table(made.rows))
        return
    best = most_accurate(made.rows, limits)
    print(f"The most accurate in {limits}: {described(best)}")
    for line in commands_for(best, scope_of_options(options), options.data, options.backbone):
        print(line)


COMMAND = Command(
    "tradeoff",
    "memory, time and accuracy: what is the most accurate that fits?",
    "Peak SRAM, time and accuracy of every method, placement and variant of the firmware. "
    f"{DESCRIPTION}",
    ("tradeoff --data mnist/ --sram-kb 64 --ms 20", "tradeoff --quick"),
    _add_options,
    _run,
    _check,
    _implied_files,
)
