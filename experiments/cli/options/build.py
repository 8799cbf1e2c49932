"""The build of the trainer: one of our own variants, or the user's."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence

from priot.experiments.cli.parser import Parser
from priot.experiments.device.variants import ON_ONE_CORE, Variant
from priot.experiments.errors import UserError
from priot.experiments.files import InputFile


def add_build(parser: Parser, usual: Sequence[Variant]) -> None:
    """``--elf`` and ``--variant``; ``usual`` are those without either."""
    parser.add_argument(
        "--elf", type=InputFile, metavar="FILE", help="another build of the trainer"
    )
    parser.add_argument(
        "--variant",
        choices=[str(variant) for variant in Variant],
        help="the build of the trainer; dual takes both cores "
        f"({' and '.join(str(variant) for variant in usual)})",
    )


def check_build(options: Namespace) -> None:
    """Refuse two builds of the trainer."""
    if options.elf is not None and options.variant is not None:
        raise UserError("--elf and --variant name a build of the trainer each: leave one out")


def variants_of(options: Namespace) -> tuple[Variant, ...]:
    """Those for one core, or what --variant names; that for two beside fast, its measure."""
    if options.variant is None:
        return ON_ONE_CORE
    variant = Variant(options.variant)
    return (Variant.FAST, variant) if variant.cores > 1 else (variant,)
