"""``priot overflow``: Figure 2."""

from __future__ import annotations

from argparse import Namespace

from priot.experiments.cli.command import Command
from priot.experiments.cli.options.artefacts import DESCRIPTION, make
from priot.experiments.cli.options.reproduction import (
    add_artefact,
    add_networks,
    check_artefact,
    files_of,
    laboratory_of,
)
from priot.experiments.cli.parser import Parser
from priot.experiments.files import Files


def _add_options(parser: Parser) -> None:
    add_artefact(parser)
    add_networks(parser)


def _implied_files(options: Namespace) -> Files:
    return files_of(options, "overflow")


def _run(options: Namespace) -> None:
    from priot.experiments.paper.overflow import overflow
    from priot.experiments.paper.tables import overflow_table

    made = make(options, overflow(laboratory_of(options)))
    print(overflow_table(made.rows))


COMMAND = Command(
    "overflow",
    "Figure 2: logits of NITI static in the epoch in which accuracy drops",
    f"Logits of NITI static in the epoch in which accuracy drops. {DESCRIPTION}",
    ("overflow --quick",),
    _add_options,
    _run,
    check_artefact,
    _implied_files,
)
