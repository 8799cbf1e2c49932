"""``priot accuracy``: Table 1."""

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
    return files_of(options, "accuracy")


def _run(options: Namespace) -> None:
    from priot.experiments.paper.accuracy import accuracy
    from priot.experiments.paper.tables import accuracy_table

    made = make(options, accuracy(laboratory_of(options)))
    print(accuracy_table(made.rows))


COMMAND = Command(
    "accuracy",
    "Table 1: the accuracy of every method at every angle",
    f"The accuracy of every method at every angle. {DESCRIPTION}",
    ("accuracy --data mnist/",),
    _add_options,
    _run,
    check_artefact,
    _implied_files,
)
