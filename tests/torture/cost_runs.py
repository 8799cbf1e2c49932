"""Measures costs into a store, as priot tradeoff does: `cost_runs.py BACKBONE STORE JSON JOBS`.

It ends as commands do: with 2 and one line where the user can mend something.
"""

from __future__ import annotations

import sys
from pathlib import Path

from priot.experiments.datasets.mnist import mnist_sample
from priot.experiments.datasets.transfer import transfer_task
from priot.experiments.device.cost_runs import CostRuns
from priot.experiments.device.costs import possible_setups
from priot.experiments.device.placement import Placement
from priot.experiments.device.variants import ON_ONE_CORE
from priot.experiments.errors import UserError
from priot.experiments.pretraining.backbone import load_backbone
from priot.experiments.records.files import write_record
from priot.experiments.sweeps.store import RunStore
from priot.experiments.sweeps.workers import Workers, carry_out
from priot.kernels.methods import method

METHODS = ("niti-dynamic", "niti-static", "priot")


def main(backbone: str, store: str, record: str, jobs: str) -> None:
    """Carry out what is missing and write all."""
    setups = possible_setups([method(name) for name in METHODS], Placement.every(), ON_ONE_CORE)
    kind = CostRuns(load_backbone(Path(backbone)), transfer_task(mnist_sample(), 30, 4, 0, 0), 0)
    write_record(Path(record), carry_out(setups, kind, RunStore(Path(store)), Workers(int(jobs))))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except UserError as error:
        print(f"priot: {error}", file=sys.stderr)
        sys.exit(2)
