"""``priot tune``: the search for the settings that the other commands use."""

from __future__ import annotations

from argparse import Namespace

from priot.experiments.cli.command import Command
from priot.experiments.cli.options.many_runs import check_workers, workers_of
from priot.experiments.cli.options.reproduction import (
    FOLDER,
    add_networks,
    add_sources,
    scope_of_options,
)
from priot.experiments.cli.options.task import implied_files as implied_in_any
from priot.experiments.cli.parser import Parser
from priot.experiments.files import Files, RunsFile, output_or_dash, runs_file
from priot.experiments.paper.protocol import NETWORKS


def _add_options(parser: Parser) -> None:
    add_sources(parser)
    add_networks(parser)
    parser.set_defaults(quick=False)
    parser.add_argument(
        "--runs",
        type=runs_file,
        metavar="FILE",
        help=f"finished runs ({FOLDER}/runs/tuning*.jsonl)",
    )
    parser.add_argument(
        "--json", type=output_or_dash, metavar="FILE", help="write the whole search"
    )
    parser.add_argument(
        "--settings", type=output_or_dash, metavar="FILE", help="write the settings that were found"
    )


def _check(options: Namespace) -> None:
    scope_of_options(options)
    check_workers(options)


def _implied_files(options: Namespace) -> Files:
    runs = [] if options.runs else [_runs_file(options)]
    return Files(implied_in_any(options).read, runs)


def _runs_file(options: Namespace) -> RunsFile:
    network = scope_of_options(options).network
    name = "tuning" if network == NETWORKS[0] else f"tuning_{network}"
    return options.runs or RunsFile(FOLDER / "runs" / f"{name}.jsonl")


def _run(options: Namespace) -> None:
    from priot.experiments.paper.effort import EFFORTS
    from priot.experiments.paper.tuning import common_bits, search
    from priot.experiments.records.files import write_again, write_record
    from priot.experiments.records.settings import TunedSettings, Tuning
    from priot.experiments.sweeps.store import RunStore
    from priot.experiments.training.inputs import load_inputs

    network = scope_of_options(options).network
    effort, workers = EFFORTS[network], workers_of(options)
    inputs = load_inputs(effort.dataset, options.data, options.backbone, network)
    store = RunStore(_runs_file(options))
    bits = common_bits(inputs, store, workers, effort)
    common = max(bits, key=lambda one: bits[one])
    found = search(inputs, store, workers, effort, common)
    print(f"common learning-rate bits: {common}")
    for name, of_variant in found.items():
        for angle, best in of_variant["best"].items():
            print("  ".join([name, angle, *(f"{key} {value}" for key, value in best.items())]))
    settings = TunedSettings(
        common_learning_rate_bits=common,
        best={name: of_variant.pop("best") for name, of_variant in found.items()},
        **inputs.hashes,
    )
    if options.settings is not None:
        write_record(options.settings, settings)
    if options.json is not None:
        searched = Tuning(
            **vars(settings),
            accuracy_by_common_bits={str(one): round(mean, 3) for one, mean in bits.items()},
            tried=found,
            runs=len(store.records),
            computing_seconds=round(sum(store.seconds.values())),
            data=inputs.source.origin,
        )
        write_again(options.json, searched)


COMMAND = Command(
    "tune",
    "search the settings that these use",
    "Searches each method's settings with equal effort, on training images alone: on MNIST's "
    "embedded sample, or on a sample of CIFAR-10's.",
    ("tune --settings settings.json --json search.json",),
    _add_options,
    _run,
    _check,
    _implied_files,
)
