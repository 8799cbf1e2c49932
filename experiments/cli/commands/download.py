"""``priot download``: fetch a data set and check it."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from priot.experiments.cli.command import Command
from priot.experiments.cli.options.task import implied_files
from priot.experiments.cli.parser import Parser


def _add_options(parser: Parser) -> None:
    parser.add_argument(
        "--dataset", choices=("mnist", "cifar10"), default="mnist", help="what to fetch"
    )
    parser.add_argument(
        "data", type=Path, nargs="?", metavar="DIR", help="where to (a folder of the user's data)"
    )


def _run(options: Namespace) -> None:
    from priot.experiments.datasets.cifar10_download import download_cifar10
    from priot.experiments.datasets.mnist_download import download_mnist

    fetch = download_mnist if options.dataset == "mnist" else download_cifar10
    print(fetch(options.data))


COMMAND = Command(
    "download",
    "fetch full MNIST or CIFAR-10",
    "Downloads MNIST's four files, or CIFAR-10, and checks that they are the published ones.",
    ("download mnist/", "download --dataset cifar10 cifar10/"),
    _add_options,
    _run,
    implied_files=implied_files,
)
