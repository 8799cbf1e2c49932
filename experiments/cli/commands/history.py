"""``priot history``: Figure 3."""

from __future__ import annotations

from argparse import Namespace

from priot.experiments.cli.options.artefacts import artefact_command, make
from priot.experiments.cli.options.reproduction import laboratory_of


def _run(options: Namespace) -> None:
    from priot.experiments.paper.history import history

    make(options, history(laboratory_of(options)))


COMMAND = artefact_command(
    "history",
    "Figure 3: accuracy by epoch",
    "Accuracy by epoch.",
    "history --quick",
    _run,
)
