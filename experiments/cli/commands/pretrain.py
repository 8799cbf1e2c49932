"""``priot pretrain``: make a backbone from a full training set."""

from __future__ import annotations

import os
import re
from argparse import Namespace
from dataclasses import replace
from typing import TYPE_CHECKING

from priot.experiments import defaults
from priot.experiments.cli.command import Command
from priot.experiments.cli.options.files import add_data, add_record
from priot.experiments.cli.options.task import implied_files, seed_of
from priot.experiments.cli.parser import Parser
from priot.experiments.errors import UserError
from priot.experiments.files import output_file
from priot.experiments.ranges import check_epochs

if TYPE_CHECKING:
    from priot.experiments.floating.plan import FloatPlan
    from priot.experiments.pretraining.backbone import Backbone
    from priot.experiments.pretraining.defaults import Pretraining
    from priot.experiments.pretraining.pretrain import Plan
    from priot.kernels.network import Network


def _add_options(parser: Parser) -> None:
    parser.add_argument(
        "--out", type=output_file, required=True, metavar="FILE", help="record to write (.json)"
    )
    add_record(parser)
    parser.add_argument(
        "--dataset", choices=("mnist", "cifar10"), help="what to train on (the kind's: mnist)"
    )
    add_data(parser)
    parser.add_argument(
        "--kind",
        metavar="NAME",
        help="what the other options are by default: integer-uniform, integer-normal, few-images, "
        "short, float32-minmax, float32-percentile, lenet or vgg11 (the first that fits the data)",
    )
    parser.add_argument(
        "--network",
        metavar="NAME",
        help="tiny-cnn, lenet, vgg11, or a file that describes a network (the kind's)",
    )
    parser.add_argument(
        "--initial",
        choices=("glorot", "glorot-normal", "he"),
        help="how first weights are drawn (the kind's)",
    )
    parser.add_argument("--images", type=int, metavar="N", help="the first N to train on (all)")
    parser.add_argument(
        "--arithmetic",
        choices=("integer", "float32"),
        help="what is trained in: float32 needs PyTorch (the kind's: integer)",
    )
    parser.add_argument(
        "--quantisation",
        choices=("min-max", "percentile"),
        help="of float32 weights: all of a layer fit into int8, or 99 %% of them (the kind's)",
    )
    parser.add_argument(
        "--schedule",
        metavar="B,B,...",
        help="learning-rate bits of each epoch; BxE is E epochs of B; in float32 learning rates, "
        "such as 0.001x4,0.0003 (the kind's)",
    )
    parser.add_argument("--batch", type=int, metavar="N", help="images of one update (the kind's)")
    parser.add_argument("--seed", type=int, default=defaults.SEED, help="of weights and order")
    parser.add_argument(
        "--checkpoint",
        type=output_file,
        metavar="FILE",
        help="go on from here after an interruption",
    )
    parser.add_argument("--threads", type=int, metavar="N", help="(one per core; in float32 1)")


def _check(options: Namespace) -> None:
    seed_of(options)
    if options.threads is not None and options.threads < 1:
        raise UserError(f"--threads {options.threads}: take 1 or more")


def _run(options: Namespace) -> None:
    from priot.experiments.output import format_table, write_json
    from priot.experiments.pretraining.backbone import save_backbone
    from priot.experiments.pretraining.networks import network_of

    if options.out.suffix != ".json":
        raise UserError(f"--out {options.out}: the record's name must end in .json")
    kind = _kind_of(options)
    network = network_of(options.network or kind.network)
    make = _in_integers if kind.quantisation is None else _in_float32
    backbone = make(options, network, kind)
    save_backbone(options.out, backbone)
    rows = [
        [str(line["epoch"]), f"{line['test_accuracy']:.2f}"] for line in backbone.record["history"]
    ]
    print(format_table(("epoch", "upright test accuracy %"), rows))
    if options.json is not None:
        write_json(options.json, backbone.record)


def _kind_of(options: Namespace) -> Pretraining:
    """The kind that --kind names, else the first of --dataset; trained in --arithmetic."""
    from priot.experiments.floating.quantisation import Quantisation
    from priot.experiments.pretraining.defaults import KINDS, kind_of

    name = options.kind or kind_of(options.dataset or "mnist")
    if name not in KINDS:
        raise UserError(f"--kind {name}: choose from {', '.join(KINDS)}")
    kind = KINDS[name]
    if options.dataset not in (None, kind.dataset):
        raise UserError(f"--kind {name} is trained on {kind.dataset}: leave out --dataset")
    if options.images is not None:
        kind = replace(kind, images=options.images)
    if options.arithmetic == "integer":
        return replace(kind, quantisation=None)
    if options.arithmetic == "float32":
        return replace(kind, quantisation=kind.quantisation or Quantisation.MIN_MAX)
    return kind


def _in_integers(options: Namespace, network: Network, kind: Pretraining) -> Backbone:
    from priot.experiments.pretraining.pretrain import pretrain

    plan = _integer_plan(options, kind)
    return pretrain(
        network,
        kind.training_images(options.data),
        kind.test(options.data),
        plan,
        options.checkpoint,
        options.threads or os.cpu_count() or 1,
    )


def _integer_plan(options: Namespace, kind: Pretraining) -> Plan:
    from priot.experiments.pretraining.pretrain import Plan
    from priot.kernels.model import Initial

    if options.quantisation is not None:
        raise UserError(
            "--quantisation makes int8 of float32 weights, and integers are trained here: add "
            "--arithmetic float32, or leave it out"
        )
    schedule = kind.schedule if options.schedule is None else _bits(options.schedule)
    batch = kind.batch if options.batch is None else options.batch
    initial = kind.initial if options.initial is None else Initial.named(options.initial)
    return Plan(schedule, options.seed, batch, initial, kind.augmented)


def _in_float32(options: Namespace, network: Network, kind: Pretraining) -> Backbone:
    from priot.experiments.floating.plan import check_pytorch
    from priot.experiments.floating.quantisation import Quantisation

    plan = _float_plan(options, kind)
    check_pytorch()
    from priot.experiments.floating.pretrain import float_pretrain

    rule = Quantisation(options.quantisation or kind.quantisation)
    return float_pretrain(
        network, kind.training_images(options.data), kind.test(options.data), plan, rule
    )


def _float_plan(options: Namespace, kind: Pretraining) -> FloatPlan:
    for option, value in (("--checkpoint", options.checkpoint), ("--initial", options.initial)):
        if value is not None:
            raise UserError(f"{option} is for --arithmetic integer: leave it out")
    plan = replace(kind.floating, seed=options.seed, threads=options.threads or 1)
    if options.schedule is not None:
        plan = replace(plan, schedule=_learning_rates(options.schedule))
    if options.batch is not None:
        plan = replace(plan, batch=options.batch)
    return plan


_COUNT = r"[1-9]\d{0,8}"


def _bits(text: str) -> tuple[int, ...]:
    """ "3x2,1" is 3,3,1."""
    steps = [re.fullmatch(rf"(\d+)(?:x({_COUNT}))?", step.strip()) for step in text.split(",")]
    if not all(steps):
        raise UserError(f"--schedule {text}: give bits per epoch, such as 3,2,1 or 3x2,1")
    check_epochs(sum(int(step[2] or 1) for step in steps if step))
    return tuple(int(step[1]) for step in steps if step for _ in range(int(step[2] or 1)))


def _learning_rates(text: str) -> tuple[float, ...]:
    """ "0.01x2,1e-3" is 0.01,0.01,0.001."""
    rates: list[float] = []
    for step in text.split(","):
        rate, times, epochs = step.strip().partition("x")
        if times and not re.fullmatch(_COUNT, epochs):
            raise _no_learning_rates(text)
        check_epochs(len(rates) + int(epochs or 1))
        try:
            rates += [float(rate)] * int(epochs or 1)
        except ValueError as error:
            raise _no_learning_rates(text) from error
    return tuple(rates)


def _no_learning_rates(text: str) -> UserError:
    return UserError(
        f"--schedule {text}: give a learning rate per epoch, such as 0.001,0.0003 or 0.001x4,0.0003"
    )


COMMAND = Command(
    "pretrain",
    "make a backbone",
    "Trains a network on upright training images with dynamic-scale NITI, or in float32 with "
    "PyTorch: on MNIST's less the embedded sample, or on CIFAR-10's, shifted and mirrored. The "
    "record goes to --out, the int8 weights beside it.",
    (
        "pretrain --data mnist/ --out my_backbone.json",
        "pretrain --data mnist/ --arithmetic float32 --out my_backbone.json",
    ),
    _add_options,
    _run,
    _check,
    implied_files,
)
