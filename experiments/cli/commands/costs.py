"""``priot costs``: cycles and peak memory of every method."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from priot.experiments.cli.command import Command
from priot.experiments.cli.options.build import add_build, check_build, variants_of
from priot.experiments.cli.options.clock import add_clock, clock_hz_of
from priot.experiments.cli.options.files import add_figure, add_record, add_table, check_figure
from priot.experiments.cli.options.method import add_method, check_method, methods_of
from priot.experiments.cli.options.placement import add_rows, placements_of, purpose_of
from priot.experiments.cli.options.task import add_task, angle_of, images_of, implied_files, seed_of
from priot.experiments.cli.parser import Parser
from priot.experiments.device.placement import DEFAULT
from priot.experiments.device.variants import ON_ONE_CORE
from priot.experiments.errors import UserError
from priot.sim.cpu.contention import Contention

if TYPE_CHECKING:
    from priot.experiments.pretraining.backbone import Backbone

IMAGES = 8


def _add_options(parser: Parser) -> None:
    parser.add_argument("--images", type=int, default=IMAGES, metavar="N", help="to train on")
    parser.add_argument(
        "--full",
        action="store_true",
        help="also cycles by phase, by layer and for each product, and what memory is made of",
    )
    add_record(parser)
    add_table(parser)
    add_figure(parser, "the table")
    add_task(parser)
    parser.add_argument(
        "--network",
        metavar="NAME",
        help="instead of a backbone: random weights of tiny-cnn, vgg11-WIDTH, or a described one",
    )
    add_build(parser, ON_ONE_CORE)
    add_rows(parser, usual=str(DEFAULT))
    add_clock(parser)
    parser.add_argument(
        "--contention",
        choices=[str(contention) for contention in Contention],
        default=str(Contention.BANKS),
        help="what both cores cost each other: a wait where they meet at one port of the bus "
        "(banks), nothing, or a wait for all that is simultaneous",
    )
    add_method(parser)


def _check(options: Namespace) -> None:
    clock_hz_of(options)
    angle_of(options)
    seed_of(options)
    check_figure(options)
    check_build(options)
    check_method(options)
    placements_of(options)
    if options.network is not None and options.backbone is not None:
        raise UserError(
            "--network stands for random weights, --backbone for trained ones: give one"
        )


def _run(options: Namespace) -> None:
    from priot.experiments.datasets.transfer import transfer_task
    from priot.experiments.device.cost_table import cost_table, full_cost_table, placed
    from priot.experiments.device.costs import Rows, measure_costs
    from priot.experiments.output import write_csv, write_figure
    from priot.experiments.records.files import write_record
    from priot.experiments.records.rows import rows_of
    from priot.experiments.records.writing import to_json
    from priot.plots.costs import draw_costs

    seed = seed_of(options)
    methods, placements = methods_of(options), placements_of(options)
    backbone = _backbone(options)
    task = transfer_task(images_of(options), angle_of(options), options.images, 0, seed)
    rows = Rows(methods, placements, variants_of(options), purpose_of(options))
    records = measure_costs(
        *(backbone, task, clock_hz_of(options), seed, rows, options.elf),
        Contention(options.contention),
    )
    print(full_cost_table(records) if options.full else cost_table(records))
    if options.json is not None:
        write_record(options.json, records)
    if options.csv is not None:
        write_csv(options.csv, rows_of(records))
    if options.figure is not None:
        shown = [to_json(placed(record)) for record in records]
        write_figure(options.figure, lambda path: draw_costs(shown, path))


def _backbone(options: Namespace) -> Backbone:
    """A trained one, or random weights of the network that --network names."""
    from priot.experiments.pretraining.backbone import load_backbone, untrained_backbone
    from priot.experiments.pretraining.networks import network_of

    if options.network is None:
        return load_backbone(options.backbone)
    return untrained_backbone(network_of(options.network), seed_of(options))


COMMAND = Command(
    "costs",
    "cycles and peak memory of every method",
    "Trains every method on the simulated Pico and in the reference, compares every tensor after "
    "every operation, and reports cycles and peak memory. With --method, of that one alone.",
    (
        "costs --images 32 --json costs.json --csv costs.csv --figure costs.pdf",
        "costs --method priot-s --scored-fraction 0.05 --placement weights=flash --full",
    ),
    _add_options,
    _run,
    _check,
    implied_files,
)
