"""Settings of one run beside its method's and its task's."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from priot.experiments import defaults
from priot.experiments.cli.options.method import check_method, check_name
from priot.experiments.cli.options.task import default_dataset
from priot.experiments.cli.parser import Parser
from priot.experiments.errors import UserError

if TYPE_CHECKING:
    from priot.experiments.training.configuration import Configuration


def add_training(parser: Parser) -> None:
    """All of them; ``configuration_of`` reads them."""
    group = parser.add_argument_group("the run")
    group.add_argument(
        "--epochs", type=int, metavar="E", help=f"passes over the images ({defaults.EPOCHS})"
    )
    group.add_argument(
        "--learning-rate-schedule",
        metavar="B,B,...",
        help="learning-rate bits of equal parts of the epochs, instead of the same in all",
    )
    group.add_argument(
        "--measure-every",
        type=int,
        metavar="E",
        help=f"epochs between two measurements ({defaults.MEASURE_EVERY})",
    )
    group.add_argument(
        "--test-images", type=int, metavar="N", help="to measure accuracy on (all others)"
    )
    group.add_argument(
        "--calibration",
        metavar="RULE",
        help="for static scales: rotated or upright, each also with -headroom, -all, -largest, "
        "-smallest, -p90, -p90-gradients, or -largest-forward, -errors, -gradients "
        f"({defaults.CALIBRATION})",
    )
    group.add_argument(
        "--calibration-images",
        type=int,
        metavar="N",
        help=f"that static scales come from ({defaults.CALIBRATION_IMAGES})",
    )
    group.add_argument(
        "--logit-headroom", type=int, metavar="B", help="bits added to the shift of the logits (0)"
    )


def check_training(options: Namespace) -> None:
    """Refuse a run without a method, where no file can name one."""
    if options.config is None:
        check_method(options, needed=True)
    else:
        check_name(options)


def configuration_of(options: Namespace) -> Configuration:
    """The run that the options describe, and a TOML file where they are silent.

    Raises:
        UserError: when it cannot be read, or a setting is wrong.
    """
    from priot.experiments.training.configuration import Configuration, read_table, setting_names

    described = {} if options.config is None else read_table(options.config)
    for name, value in described.items():
        if isinstance(value, list):
            raise UserError(
                f"{options.config}: {name} is a list; priot sweep carries out many runs"
            )
    described.setdefault("dataset", default_dataset(options))
    for name in setting_names():
        if getattr(options, name, None) is not None:
            described[name] = getattr(options, name)
    return Configuration.from_json(described)
