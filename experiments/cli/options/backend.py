"""Where training takes place."""

from __future__ import annotations

from priot.experiments.cli.parser import Parser


def add_backend(parser: Parser, told: str) -> None:
    """``--backend``, the reference by default."""
    parser.add_argument("--backend", choices=("pico", "reference"), default="reference", help=told)
