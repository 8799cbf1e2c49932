"""``priot sweep``: all runs that a TOML file describes."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from priot.experiments.cli.command import Command
from priot.experiments.cli.options.files import add_data, add_record, add_table
from priot.experiments.cli.options.many_runs import add_workers, check_workers, workers_of
from priot.experiments.cli.options.task import add_backbone, implied_files
from priot.experiments.cli.parser import Parser
from priot.experiments.errors import UserError
from priot.experiments.files import InputFile, runs_file
from priot.experiments.limits import SWEEP_RUNS

if TYPE_CHECKING:
    from priot.experiments.records.runs import TrainingRun
    from priot.experiments.sweeps.sweep import Run
    from priot.experiments.training.configuration import Configuration


def _add_options(parser: Parser) -> None:
    parser.add_argument("config", type=InputFile, metavar="FILE", help="settings in TOML")
    add_record(parser)
    add_table(parser)
    parser.add_argument(
        "--runs", type=runs_file, default="runs.jsonl", metavar="FILE", help="finished runs"
    )
    parser.add_argument(
        "--most-runs",
        type=int,
        default=SWEEP_RUNS,
        metavar="N",
        help="refuse a file that stands for more",
    )
    add_data(parser, default="the embedded sample")
    add_backbone(parser)
    add_workers(parser)


def _run(options: Namespace) -> None:
    from priot.experiments.output import format_table, write_csv
    from priot.experiments.pretraining.backbone import load_backbone
    from priot.experiments.records.files import write_record
    from priot.experiments.sweeps.store import RunStore
    from priot.experiments.sweeps.sweep import Run, run_on_backbones
    from priot.experiments.training.inputs import Inputs, load_images

    configurations, backbones = _described(options)
    # A network that differs is told by run_on_backbones, as are all that do not fit.
    network = configurations[0].network
    source = load_images(configurations[0].dataset, options.data)
    inputs = {str(name): Inputs(load_backbone(name, network), source) for name in backbones}
    runs = [Run(name, configuration) for name in inputs for configuration in configurations]
    records = run_on_backbones(runs, inputs, RunStore(options.runs), workers_of(options))
    rows = _rows(runs, records)
    lines = [
        [f"{v:.2f}" if k in ("final", "best") else str(v) for k, v in row.items()] for row in rows
    ]
    print(format_table([name.replace("_", " ") for name in rows[0]], lines))
    if options.json is not None:
        write_record(options.json, records)
    if options.csv is not None:
        write_csv(options.csv, rows)


def _described(options: Namespace) -> tuple[list[Configuration], list[InputFile | None]]:
    """The configurations, and the backbones that each of them runs on; None: the default."""
    from priot.experiments.training.configuration import read_backbones, read_sweep

    given = {} if options.data is None else {"dataset": "mnist"}
    configurations = read_sweep(options.config, given, options.most_runs)
    datasets = {configuration.dataset for configuration in configurations}
    if len(datasets) > 1:
        raise UserError(f"{options.config}: {len(datasets)} datasets; make a sweep of each")
    backbones: list[InputFile | None] = [
        None if path is None else InputFile(path) for path in read_backbones(options.config)
    ]
    if options.backbone is not None:
        if backbones != [None]:
            raise UserError(f"{options.config} and --backbone name backbones: leave one out")
        backbones = [options.backbone]
    return configurations, backbones


def _rows(runs: Sequence[Run], records: Sequence[TrainingRun]) -> list[dict[str, Any]]:
    """A row for each run: the settings in which they differ, and its accuracy."""
    from priot.experiments.training.configuration import setting_names

    told = [run.configuration.to_json() for run in runs]
    varied = [
        name for name in setting_names() if len({settings.get(name) for settings in told}) > 1
    ]
    several = len({run.backbone for run in runs}) > 1
    rows = []
    for run, record in zip(runs, records, strict=True):
        configuration, history = record.configuration, record.accuracy_by_epoch
        rows.append(
            ({"backbone": run.backbone} if several else {})
            | {name: configuration.get(name, "") for name in varied}
            | {"final": history[-1], "best": max(history)}
        )
    return rows


COMMAND = Command(
    "sweep",
    "many training runs",
    "Carries out every run that a TOML file describes, where a list of values stands for one run "
    "with each. Finished runs are kept: a sweep that was interrupted goes on where it stood.",
    ("sweep sweep.toml --runs runs.jsonl --csv sweep.csv",),
    _add_options,
    _run,
    check_workers,
    implied_files,
)
