"""``priot plan``: what a training step would need, without running it."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from priot.experiments import defaults
from priot.experiments.cli.command import Command
from priot.experiments.cli.options.build import variants_of
from priot.experiments.cli.options.files import add_record, add_table
from priot.experiments.cli.options.method import add_method, check_method, methods_of
from priot.experiments.cli.options.placement import add_rows, placements_of, purpose_of
from priot.experiments.cli.options.task import implied_files, seed_of
from priot.experiments.cli.parser import Parser
from priot.experiments.device.placement import Placement
from priot.experiments.device.variants import ON_ONE_CORE
from priot.experiments.errors import UserError

if TYPE_CHECKING:
    from priot.experiments.device.needs import Need
    from priot.kernels.network import Network


def _add_options(parser: Parser) -> None:
    parser.add_argument(
        "--network",
        default=defaults.NETWORK,
        metavar="NAME",
        help="tiny-cnn, vgg11, vgg11-WIDTH (1..64), or a file that describes a network",
    )
    parser.add_argument(
        "--buffers",
        action="store_true",
        help="print where every buffer lies, and when it is needed",
    )
    parser.add_argument(
        "--widths",
        action="store_true",
        help="vgg11 at every width, from the narrowest to the first that never fits a Pico",
    )
    add_record(parser)
    add_table(parser)
    variants = [str(variant) for variant in ON_ONE_CORE]
    parser.add_argument("--variant", choices=variants, help="a build of the trainer (both)")
    add_rows(parser, usual="all")
    parser.add_argument("--seed", type=int, default=defaults.SEED, help="of the scored edges")
    add_method(parser)


def _check(options: Namespace) -> None:
    seed_of(options)
    check_method(options)
    placements_of(options)
    if options.widths and options.network != "vgg11":
        raise UserError(f"--widths: {options.network} has one width; name the network vgg11")
    if options.widths and options.buffers:
        raise UserError("--buffers is for one network, --widths for many: leave one out")


def _run(options: Namespace) -> None:
    from priot.experiments.device.need_table import need_table, width_table
    from priot.experiments.device.needs import needs_by_width, needs_of, planned_methods
    from priot.experiments.device.plan_table import plan_table
    from priot.experiments.output import write_csv
    from priot.experiments.pretraining.networks import VGG11_WIDTHS, network_of, vgg11
    from priot.experiments.records.files import write_record
    from priot.experiments.records.rows import rows_of

    methods = methods_of(options) or planned_methods()
    placements = placements_of(options) if options.placement else Placement.every()
    variants, purpose = variants_of(options), purpose_of(options)

    def needs(network: Network) -> list[Need]:
        found = needs_of(network, methods, placements, variants, options.seed, purpose)
        if not found:
            raise UserError("none of these methods can have such a placement")
        return found

    if options.widths:
        by_width = needs_by_width(vgg11, VGG11_WIDTHS, needs)
        planned = [need for of_width in by_width.values() for need in of_width]
        print(width_table(by_width))
    else:
        planned = needs(network_of(options.network))
        plans = (plan_table(need.layout) for need in planned)
        print("\n\n".join(plans) if options.buffers else need_table(planned))
    records = [need.record for need in planned]
    if options.json is not None:
        write_record(options.json, records)
    if options.csv is not None:
        write_csv(options.csv, rows_of(records))


COMMAND = Command(
    "plan",
    "what each method would need in SRAM and flash",
    "Lays out a training step of a network by every method and placement and tells what it would "
    "need, without running it.",
    ("plan --network vgg11-12 --method priot-s --placement weights=flash",),
    _add_options,
    _run,
    _check,
    implied_files,
)
