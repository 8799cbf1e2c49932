"""``priot paper``: all tables and figures."""

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
    scope_of_options,
)
from priot.experiments.cli.parser import Parser
from priot.experiments.files import Files

_ANYWHERE = ("accuracy", "history", "overflow")
_ON_A_PICO = ("costs", "tradeoff", "device")


def _add_options(parser: Parser) -> None:
    add_artefact(parser)
    add_networks(parser)


def _implied_files(options: Namespace) -> Files:
    return files_of(options, *_ANYWHERE, *_ON_A_PICO)


def _run(options: Namespace) -> None:
    """Of a network that no Pico can train, what takes no Pico."""
    from priot.experiments.paper.accuracy import accuracy
    from priot.experiments.paper.costs import costs
    from priot.experiments.paper.device import device
    from priot.experiments.paper.history import history
    from priot.experiments.paper.overflow import overflow
    from priot.experiments.paper.tables import accuracy_table, device_table, overflow_table
    from priot.experiments.paper.tradeoff import tradeoff
    from priot.experiments.paper.tradeoff_query import front_table

    laboratory = laboratory_of(options)
    on_pico = scope_of_options(options).on_pico
    if on_pico:
        make(options, costs(laboratory))
    print(accuracy_table(make(options, accuracy(laboratory)).rows))
    make(options, history(laboratory))
    print(overflow_table(make(options, overflow(laboratory)).rows))
    if on_pico:
        print(front_table(make(options, tradeoff(laboratory)).rows))
        print(device_table(make(options, device(laboratory)).rows))


COMMAND = Command(
    "paper",
    "everything: all tables and figures",
    f"All tables and figures. {DESCRIPTION}",
    ("paper --quick", "paper --data mnist/"),
    _add_options,
    _run,
    check_artefact,
    _implied_files,
)
