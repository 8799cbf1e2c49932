"""``priot widest``: the plan of VGG11 by width, and a step of the widest in the emulator."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from priot.experiments.cli.command import Command
from priot.experiments.cli.options.artefacts import make
from priot.experiments.cli.options.files import add_data
from priot.experiments.cli.options.reproduction import FOLDER, folder_of
from priot.experiments.cli.options.task import implied_files as implied_in_any
from priot.experiments.cli.parser import Parser
from priot.experiments.files import Files


def _add_options(parser: Parser) -> None:
    add_data(parser)
    parser.add_argument(
        "--results", type=Path, default=FOLDER, metavar="DIR", help="where to write"
    )
    parser.set_defaults(quick=False)


def _implied_files(options: Namespace) -> Files:
    from priot.experiments.paper.artefact import paths_of
    from priot.experiments.paper.widest import NAMES

    written = [path for name in NAMES for path in paths_of(name, folder_of(options))]
    return Files(implied_in_any(options).read, written)


def _run(options: Namespace) -> None:
    from priot.experiments.datasets.cifar10 import cifar10
    from priot.experiments.paper.tables import step_table
    from priot.experiments.paper.widest import plan, steps

    source = cifar10(options.data, "test")
    planned, found = plan()
    stepped = steps(found, source)  # before the plan is written, which is half of it
    make(options, planned)
    make(options, stepped)
    print(step_table(stepped.made_with["methods"]))


COMMAND = Command(
    "widest",
    "the widest VGG11 that a Pico can train",
    "Plans VGG11 by every method at full width and by PRIOT-S at every width, and runs one "
    "training step of the widest that fits. Writes both tables with their records.",
    ("widest --data cifar10/",),
    _add_options,
    _run,
    implied_files=_implied_files,
)
