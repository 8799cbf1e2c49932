"""The transfer task: which images, rotated by how much, and on which backbone."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from priot.experiments import defaults
from priot.experiments.cli.parser import Parser
from priot.experiments.files import Files, InputFile
from priot.experiments.ranges import check_angle, check_seed

if TYPE_CHECKING:
    from priot.experiments.datasets.mnist import Images


def add_task(parser: Parser) -> None:
    """All of them; what is not given is None, since a file may name it."""
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="folder with the data's files (the embedded sample)",
    )
    parser.add_argument(
        "--dataset",
        choices=("mnist-sample", "mnist", "cifar10-sample", "cifar10"),
        help="where images come from (mnist-sample; mnist with --data)",
    )
    parser.add_argument("--angle", type=float, help=f"rotation in degrees ({defaults.ANGLE:g})")
    parser.add_argument("--seed", type=int, help=f"of images, scores and order ({defaults.SEED})")
    add_backbone(parser)


def add_backbone(parser: Parser) -> None:
    """``--backbone``."""
    parser.add_argument(
        "--backbone", type=InputFile, metavar="FILE", help="record of another backbone (.json)"
    )


def angle_of(options: Namespace) -> float:
    """What --angle names, or the default. Raises UserError for one out of range."""
    angle: float = defaults.ANGLE if options.angle is None else options.angle
    check_angle(angle, "--angle")
    return angle


def seed_of(options: Namespace) -> int:
    """What --seed names, or the default. Raises UserError for one out of range."""
    seed: int = defaults.SEED if options.seed is None else options.seed
    check_seed(seed, "--seed")
    return seed


def default_dataset(options: Namespace) -> str:
    """Of a task whose data set is not named."""
    return "mnist-sample" if options.data is None else "mnist"


def images_of(options: Namespace) -> Images:
    """The images that the options name. Raises UserError as ``load_images`` does."""
    from priot.experiments.training.inputs import load_images

    return load_images(options.dataset or default_dataset(options), options.data)


def implied_files(options: Namespace) -> Files:
    """What a command reads and writes beside the files that its options name."""
    from contextlib import suppress

    from priot.experiments.datasets.cifar10 import cifar10_files
    from priot.experiments.datasets.mnist import mnist_files, mnist_sample_files
    from priot.experiments.device.simulator import SHIPPED
    from priot.experiments.pretraining.backbone import backbone_files, weights_of
    from priot.experiments.pretraining.networks import description_of

    given = vars(options)
    read: list[Path | None] = [*SHIPPED, *mnist_sample_files()]
    written: list[Path] = []
    if "backbone" in given:
        read += backbone_files(options.backbone)
    if given.get("network") is not None:
        read.append(description_of(options.network))
    if "data" in given:
        with suppress(RuntimeError):  # without a home folder there is no default one for data
            read += [*mnist_files(options.data), *cifar10_files(options.data)]
    if "out" in given:
        written.append(weights_of(options.out))
    return Files([path for path in read if path is not None], written)
