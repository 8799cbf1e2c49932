"""``priot device``: complete runs on the simulated Pico, compared with the reference."""

from __future__ import annotations

from argparse import Namespace

from priot.experiments.cli.options.artefacts import artefact_command, make
from priot.experiments.cli.options.reproduction import laboratory_of


def _run(options: Namespace) -> None:
    from priot.experiments.paper.device import device
    from priot.experiments.paper.tables import device_table

    made = make(options, device(laboratory_of(options)))
    print(device_table(made.rows))


COMMAND = artefact_command(
    "device",
    "complete runs on the simulated Pico, equal to the reference's",
    "Complete runs on the simulated Pico, each of which must equal the reference's.",
    "device --quick",
    _run,
    one_network=True,
)
