"""A method and its settings."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from priot.experiments.cli.parser import Parser
from priot.experiments.errors import UserError
from priot.kernels.methods import METHODS, SELECTIONS, TRAINED_LAYERS, MethodError
from priot.kernels.methods import SETTINGS as METHOD_SETTINGS
from priot.kernels.rounding import Rounding

if TYPE_CHECKING:
    from priot.kernels.methods import Method

_ROUNDINGS = [rounding.label for rounding in Rounding]


def add_method(parser: Parser) -> None:
    """All of them; a setting that is not given is the method's own."""
    group = parser.add_argument_group("the method and its settings")
    group.add_argument("--method", metavar="METHOD", help=", ".join(METHODS))
    group.add_argument(
        "--learning-rate-bits", type=int, metavar="B", help="bits of an update, 0..7"
    )
    group.add_argument(
        "--threshold", type=int, metavar="SCORE", help="score from which an edge is kept"
    )
    group.add_argument(
        "--double-threshold",
        type=int,
        metavar="SCORE",
        help="score from which an edge counts twice (priot-ternary)",
    )
    group.add_argument(
        "--score-spread", type=int, metavar="S", help="standard deviation of the first scores"
    )
    group.add_argument(
        "--scored-fraction", type=float, metavar="F", help="share of edges with a score (priot-s)"
    )
    group.add_argument(
        "--selection",
        metavar="RULE",
        help=f"how scored edges are chosen (priot-s): {', '.join(SELECTIONS)}",
    )
    group.add_argument(
        "--trained-layers",
        metavar="LAYERS",
        help=f"which layers niti-dynamic and niti-static train: {', '.join(TRAINED_LAYERS)}",
    )
    group.add_argument("--rounding", metavar="RULE", help=", ".join(_ROUNDINGS))


SETTINGS = ("method", *METHOD_SETTINGS)
"""Names of these options, as parsed."""


def check_method(options: Namespace, needed: bool = False) -> None:
    """Refuse an unknown method, and settings without a method; and none where one is ``needed``.

    Raises:
        MethodError: for an unknown one.
        UserError: without one.
    """
    given = [name for name in SETTINGS if getattr(options, name) is not None]
    if options.method is None and (given or needed):
        raise UserError(f"no method is named: choose from {', '.join(METHODS)}")
    check_name(options)


def check_name(options: Namespace) -> None:
    """Refuse an unknown method. Raises MethodError with those that there are."""
    if options.method is not None and options.method not in METHODS:
        raise MethodError(f"unknown method {options.method!r}: choose from {', '.join(METHODS)}")


def methods_of(options: Namespace) -> tuple[Method, ...] | None:
    """The one that is described; None without a description."""
    from priot.experiments.training.configuration import Configuration

    if options.method is None:
        return None
    described = {name: getattr(options, name) for name in SETTINGS}
    return (Configuration.from_json(described).method,)
