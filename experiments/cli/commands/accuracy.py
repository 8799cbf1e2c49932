"""``priot accuracy``: Table 1."""

from __future__ import annotations

from argparse import Namespace

from priot.experiments.cli.options.artefacts import artefact_command, make
from priot.experiments.cli.options.reproduction import laboratory_of


def _run(options: Namespace) -> None:
    from priot.experiments.paper.accuracy import accuracy
    from priot.experiments.paper.tables import accuracy_table

    made = make(options, accuracy(laboratory_of(options)))
    print(accuracy_table(made.rows))


COMMAND = artefact_command(
    "accuracy",
    "Table 1: the accuracy of every method at every angle",
    "The accuracy of every method at every angle.",
    "accuracy --data mnist/",
    _run,
)
