"""``priot train``: one run, with the accuracy after each epoch."""

from __future__ import annotations

from argparse import Namespace

from priot.experiments import defaults
from priot.experiments.cli.command import Command
from priot.experiments.cli.options.backend import add_backend
from priot.experiments.cli.options.build import add_build, check_build
from priot.experiments.cli.options.files import add_record
from priot.experiments.cli.options.method import add_method
from priot.experiments.cli.options.placement import add_placement, placement_of
from priot.experiments.cli.options.task import add_task, implied_files
from priot.experiments.cli.options.training import add_training, check_training, configuration_of
from priot.experiments.cli.parser import Parser
from priot.experiments.device.variants import Variant
from priot.experiments.errors import UserError
from priot.experiments.files import InputFile
from priot.experiments.paper.protocol import NETWORKS


def _add_options(parser: Parser) -> None:
    parser.add_argument(
        "--config",
        type=InputFile,
        metavar="FILE",
        help="settings in TOML; an option goes before its setting",
    )
    add_backend(parser, "where to train: both give the same numbers")
    add_record(parser)
    add_task(parser)
    parser.add_argument(
        "--images", type=int, metavar="N", help=f"to train on ({defaults.TRAINING_IMAGES})"
    )
    parser.add_argument("--network", choices=NETWORKS, help=f"whose backbone ({defaults.NETWORK})")
    add_build(parser, (Variant.FAST,))
    add_placement(parser)
    add_method(parser)
    add_training(parser)


def _check(options: Namespace) -> None:
    check_training(options)
    check_build(options)
    if options.backend == "reference" and (options.elf or options.variant):
        raise UserError("--elf and --variant choose what runs with --backend pico: add it")
    if options.placement is not None and options.backend != "pico":
        raise UserError("--placement says what lies where on the device: add --backend pico")
    if options.placement is not None and options.elf is not None:
        raise UserError("--placement is for the builds that ship: leave out --elf")
    placement_of(options)


def _run(options: Namespace) -> None:
    from priot.experiments.device.learner import learner_on
    from priot.experiments.device.simulator import trainer_elf
    from priot.experiments.environment import environment
    from priot.experiments.output import format_table
    from priot.experiments.progress import ProgressBar
    from priot.experiments.records.files import write_record
    from priot.experiments.records.runs import TrainedHere
    from priot.experiments.training.inputs import load_inputs
    from priot.experiments.training.train import train

    configuration = configuration_of(options)
    placement = placement_of(options)
    placement.check(configuration.method)
    inputs = load_inputs(
        configuration.dataset, options.data, options.backbone, configuration.network
    )
    configuration = inputs.fitted(configuration)
    variant = Variant(options.variant or Variant.FAST)
    on_device = options.backend == "pico"
    made_with = environment((options.elf or trainer_elf(variant, placement)) if on_device else None)
    with ProgressBar(
        configuration.epochs * configuration.images, "images", label=configuration.method.label
    ) as progress:
        record = train(
            configuration,
            inputs,
            learner_on(options.backend, options.elf, variant, placement),
            progress.update,
        )
    accuracy = zip(record.measured_epochs, record.accuracy_by_epoch, strict=True)
    rows = [[str(epoch), f"{percent:.2f}"] for epoch, percent in accuracy]
    print(format_table(("epoch", "test accuracy %"), rows))
    if options.json is not None:
        ours = on_device and options.elf is None
        here = TrainedHere(
            **vars(record),
            backend=options.backend,
            variant=str(variant) if ours else None,
            placement=str(placement) if ours else None,
            environment=made_with,
        )
        write_record(options.json, here)


COMMAND = Command(
    "train",
    "one training run",
    "Trains one method on rotated images and reports the accuracy on others after each epoch.",
    (
        "train --method priot --images 1024 --epochs 10 --angle 30",
        "train --method priot --backend pico --images 256 --epochs 2 --test-images 200",
    ),
    _add_options,
    _run,
    _check,
    implied_files,
)
