"""``priot explain``: one page about one configuration."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace

from priot.experiments.cli.command import Command
from priot.experiments.cli.options.build import add_build, check_build
from priot.experiments.cli.options.clock import add_clock, clock_hz_of
from priot.experiments.cli.options.files import add_figure, add_record, check_figure
from priot.experiments.cli.options.method import add_method
from priot.experiments.cli.options.placement import add_placement, placement_of
from priot.experiments.cli.options.task import add_task, implied_files
from priot.experiments.cli.options.training import add_training, check_training, configuration_of
from priot.experiments.cli.parser import Parser
from priot.experiments.device.variants import Variant
from priot.experiments.explain.energy import CORE_VOLTS, PUBLISHED_MHZ, PUBLISHED_MILLIAMPS, supply
from priot.experiments.files import InputFile

STEPS = 8


def _add_options(parser: Parser) -> None:
    parser.add_argument(
        "config",
        type=InputFile,
        nargs="?",
        metavar="CONFIG",
        help="settings in TOML, as for priot train; an option goes before its setting",
    )
    parser.add_argument(
        "--images", dest="steps", type=int, default=STEPS, metavar="N", help="steps to measure"
    )
    add_record(parser)
    add_figure(parser, "the memory map")
    add_task(parser)
    add_build(parser, (Variant.FAST,))
    add_placement(parser)
    add_clock(parser)
    parser.add_argument(
        "--volts", type=float, metavar="V", help=f"of the supply ({CORE_VOLTS:g}, the core's)"
    )
    parser.add_argument(
        "--milliamps",
        type=float,
        metavar="MA",
        help=f"drawn while the core runs ({PUBLISHED_MILLIAMPS:g} at {PUBLISHED_MHZ:g} MHz, in "
        "proportion to the clock)",
    )
    add_method(parser)
    add_training(parser)


def _check(options: Namespace) -> None:
    supply(options.volts, options.milliamps, clock_hz_of(options))
    check_figure(options)
    check_build(options)
    placement_of(options)
    check_training(options)


def _run(options: Namespace) -> None:
    from priot.experiments.device.simulator import as_built, simulated_pico, trainer_elf
    from priot.experiments.environment import environment
    from priot.experiments.explain.explanation import Measurement, explain
    from priot.experiments.explain.page import page
    from priot.experiments.output import write_figure
    from priot.experiments.progress import ProgressBar
    from priot.experiments.records.files import write_record
    from priot.experiments.records.writing import to_json
    from priot.experiments.training.inputs import load_inputs
    from priot.plots.memory_map import draw_memory_map

    clock_hz = clock_hz_of(options)
    power = supply(options.volts, options.milliamps, clock_hz)
    placement = placement_of(options)
    configuration = configuration_of(options)
    placement.check(configuration.method)
    inputs = load_inputs(configuration.dataset, options.data, options.backbone)
    variant = Variant(options.variant or Variant.FAST)
    made_with = environment(options.elf or trainer_elf(variant, placement))
    pico = simulated_pico(options.elf, variant, placement, profiled=True)
    if options.elf is not None:
        placement = as_built(placement, pico)
    measured = Measurement(pico, placement, options.steps, clock_hz, power)
    with ProgressBar(options.steps, "images", label=configuration.method.label) as progress:
        record = explain(configuration, inputs, measured, progress.update)
    print(page(to_json(record)))
    if options.json is not None:
        write_record(options.json, replace(record, environment=made_with))
    if options.figure is not None:
        write_figure(options.figure, lambda path: draw_memory_map(record.memory_map, path))


COMMAND = Command(
    "explain",
    "one page about one configuration",
    "Carries out the first steps of a run on the simulated Pico and in the reference, compares "
    "every tensor, and tells where cycles and memory went: by layer and pass, by buffer and by "
    "source line, with an estimate of the energy.",
    (
        "explain --method priot --figure map.pdf",
        "explain run.toml --placement weights=flash --clock 125 --volts 3.3 --milliamps 24",
    ),
    _add_options,
    _run,
    _check,
    implied_files,
)
