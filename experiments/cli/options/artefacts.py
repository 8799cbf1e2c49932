"""How a command writes a table or figure, and what it says of it."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from priot.experiments.cli.options.reproduction import folder_of

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
