"""``priot history``: Figure 3."""

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
    return files_of(options, "history")


def _run(options: Namespace) -> None:
    from priot.experiments.paper.history import history

    make(options, history(laboratory_of(options)))


COMMAND = Command(
    "history",
    "Figure 3: accuracy by epoch",
    f"Accuracy by epoch. {DESCRIPTION}",
    ("history --quick",),
    _add_options,
    _run,
    check_artefact,
    _implied_files,
)
