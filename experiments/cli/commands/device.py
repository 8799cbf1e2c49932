"""``priot device``: complete runs on the simulated Pico, compared with the reference."""

from __future__ import annotations

from argparse import Namespace

from priot.experiments.cli.command import Command
from priot.experiments.cli.options.artefacts import DESCRIPTION, make
from priot.experiments.cli.options.reproduction import (
    add_artefact,
    add_one_network,
    check_artefact,
    files_of,
    laboratory_of,
)
from priot.experiments.cli.parser import Parser
from priot.experiments.files import Files


def _add_options(parser: Parser) -> None:
    add_artefact(parser)
    add_one_network(parser)


def _implied_files(options: Namespace) -> Files:
    return files_of(options, "device")


def _run(options: Namespace) -> None:
    from priot.experiments.paper.device import device
    from priot.experiments.paper.tables import device_table

    made = make(options, device(laboratory_of(options)))
    print(device_table(made.rows))


COMMAND = Command(
    "device",
    "complete runs on the simulated Pico, equal to the reference's",
    f"Complete runs on the simulated Pico, each of which must equal the reference's. {DESCRIPTION}",
    ("device --quick",),
    _add_options,
    _run,
    check_artefact,
    _implied_files,
)
