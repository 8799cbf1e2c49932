"""How a command writes a table or figure, and what it says of it."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING

from priot.experiments.cli.command import Command
from priot.experiments.cli.options.reproduction import (
    add_artefact,
    add_networks,
    add_one_network,
    check_artefact,
    files_of,
    folder_of,
)
from priot.experiments.cli.parser import Parser

if TYPE_CHECKING:
    from priot.experiments.paper.artefact import Artefact

DESCRIPTION = (
    "Writes a table (CSV), its record (JSON), caption (TXT) and figure (PDF, PNG). Finished runs "
    "are kept: start again after an interruption."
)


def make(options: Namespace, made: Artefact) -> Artefact:
    """Write an artefact, and say where. Raises UserError as ``Artefact.write`` does."""
    written = made.write(folder_of(options))
    print(made.caption)
    print("wrote", ", ".join(map(str, written)))
    return made


def artefact_command(
    name: str,
    summary: str,
    description: str,
    example: str,
    run: Callable[[Namespace], None],
    one_network: bool = False,
) -> Command:
    """A command that makes the artefact of its name, from runs; ``one_network`` has no choice."""

    def add_options(parser: Parser) -> None:
        add_artefact(parser)
        (add_one_network if one_network else add_networks)(parser)

    return Command(
        name,
        summary,
        f"{description} {DESCRIPTION}",
        (example,),
        add_options,
        run,
        check_artefact,
        lambda options: files_of(options, name),
    )
