"""``priot recheck``: whether kept runs are still what the code gives."""

from __future__ import annotations

from argparse import Namespace
from functools import cache
from pathlib import Path

from priot.experiments.cli.command import Command
from priot.experiments.cli.options.backend import add_backend
from priot.experiments.cli.options.files import add_data
from priot.experiments.cli.options.task import add_backbone, implied_files
from priot.experiments.cli.parser import Parser
from priot.experiments.errors import UserError
from priot.experiments.files import runs_file

SAMPLE = 60


def _add_options(parser: Parser) -> None:
    parser.add_argument("runs", type=runs_file, metavar="FILE", help="finished runs (.jsonl)")
    parser.add_argument(
        "--sample", type=int, default=SAMPLE, metavar="N", help="how many to make again"
    )
    add_backend(parser, "where they were trained")
    add_data(parser)
    add_backbone(parser)


def _check(options: Namespace) -> None:
    if options.sample < 1:
        raise UserError(f"--sample {options.sample}: make 1 run again, or more")


def _run(options: Namespace) -> None:
    from priot.experiments.datasets.mnist import Images
    from priot.experiments.device.learner import PicoLearner
    from priot.experiments.pretraining.backbone import (
        IN_REPOSITORY,
        backbone_names,
        load_backbone,
    )
    from priot.experiments.sweeps.recheck import Again, recheck
    from priot.experiments.sweeps.store import RunStore
    from priot.experiments.training.inputs import load_images

    if not options.runs.is_file():
        raise UserError(f"{options.runs}: there are no runs; name a file of finished runs")
    there = [path for path in IN_REPOSITORY.values() if path.exists()]
    given = [] if options.backbone is None else [options.backbone]
    loaded = [load_backbone(path) for path in (*map(Path, backbone_names()), *there, *given)]

    @cache
    def images_of(dataset: str) -> Images:
        return load_images(dataset, None if dataset == "mnist-sample" else options.data)

    again = Again(
        {backbone.model.state_hash(): backbone for backbone in loaded},
        images_of,
        PicoLearner() if options.backend == "pico" else None,
    )
    made, counted = recheck(RunStore(options.runs), again, options.sample)
    if counted:
        print(f"{made:,} runs were made again, each equal to the bit: {counted:,} more count now")
    else:
        print("all runs are of the code as it is: nothing to do")


COMMAND = Command(
    "recheck",
    "whether kept runs are still what the code gives",
    "A kept run counts while the code that it follows from is the same. After a change that should "
    "move no number this makes some of the runs that other code made again, every kind of them "
    "first: where all are equal to the bit, all of them count again; where one is not, none does.",
    ("recheck results/runs/mnist.jsonl --data mnist/",),
    _add_options,
    _run,
    _check,
    implied_files,
)
