"""``--clock``."""

from __future__ import annotations

from argparse import Namespace

from priot.experiments.cli.parser import Parser
from priot.experiments.clock import RATED_MHZ
from priot.experiments.errors import UserError


def add_clock(parser: Parser, told: str = "of the chip, in MHz") -> None:
    """``--clock``."""
    parser.add_argument("--clock", type=float, default=RATED_MHZ, metavar="MHZ", help=told)


def clock_hz_of(options: Namespace) -> int:
    """What --clock names, in Hz. Raises UserError outside 1..1000 MHz."""
    megahertz: float = options.clock
    if not 1 <= megahertz <= 1000:
        raise UserError(f"--clock {megahertz:g}: the clock is given in MHz, 1..1000")
    return round(megahertz * 1e6)
