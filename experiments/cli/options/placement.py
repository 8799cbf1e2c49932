"""What lies where on the device, and whether it trains or predicts."""

from __future__ import annotations

from argparse import Namespace

from priot.experiments.cli.parser import Parser
from priot.experiments.device.placement import DEFAULT, Placement
from priot.experiments.device.purpose import Purpose
from priot.experiments.errors import UserError

_METAVAR = "NAME=PLACE,..."
_PLACES = "what lies where: weights=flash, code=flash, edges=bitmap, or default"


def add_placement(parser: Parser, told: str = _PLACES) -> None:
    """``--placement`` of one run."""
    parser.add_argument("--placement", metavar=_METAVAR, help=f"{told} ({DEFAULT})")


def add_rows(parser: Parser, usual: str) -> None:
    """Options that choose the rows of a table about the device; ``usual`` placements without."""
    parser.add_argument(
        "--predict", action="store_true", help="predictions after training instead of training"
    )
    parser.add_argument(
        "--placement",
        action="append",
        metavar=_METAVAR,
        help=f"{_PLACES}, and scores=mask with --predict; may be given several times ({usual}). "
        "Methods for which one is impossible are left out of it.",
    )


def placement_of(options: Namespace) -> Placement:
    """What --placement names, or the default. Raises UserError for what cannot be placed so."""
    return DEFAULT if options.placement is None else Placement.parse(options.placement)


def placements_of(options: Namespace) -> list[Placement]:
    """What --placement names, once or several times; the default without it."""
    placements = [Placement.parse(text) for text in options.placement or (str(DEFAULT),)]
    for placement in placements:
        if placements.count(placement) > 1:
            raise UserError(f"--placement {placement} is given twice")
    return placements


def purpose_of(options: Namespace) -> Purpose:
    """Predictions with --predict, else training."""
    return Purpose.PREDICTION if options.predict else Purpose.TRAINING
