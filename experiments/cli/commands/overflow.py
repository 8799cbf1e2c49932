"""``priot overflow``: Figure 2."""

from __future__ import annotations

from argparse import Namespace

from priot.experiments.cli.options.artefacts import artefact_command, make
from priot.experiments.cli.options.reproduction import laboratory_of


def _run(options: Namespace) -> None:
    from priot.experiments.paper.overflow import overflow
    from priot.experiments.paper.tables import overflow_table

    made = make(options, overflow(laboratory_of(options)))
    print(overflow_table(made.rows))


COMMAND = artefact_command(
    "overflow",
    "Figure 2: logits of NITI static in the epoch in which accuracy drops",
    "Logits of NITI static in the epoch in which accuracy drops.",
    "overflow --quick",
    _run,
)
