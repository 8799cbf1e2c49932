"""The paper's tables and figures: of which network, in full or reduced, and where they go."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from priot.experiments.cli.options.files import add_data
from priot.experiments.cli.options.many_runs import add_workers, check_workers, workers_of
from priot.experiments.cli.options.task import add_backbone
from priot.experiments.cli.options.task import implied_files as implied_in_any
from priot.experiments.cli.parser import Parser
from priot.experiments.files import Files, InputFile, RunsFile, runs_file
from priot.experiments.paper.protocol import NETWORKS, Scope, scope_of

if TYPE_CHECKING:
    from priot.experiments.paper.laboratory import Laboratory

FOLDER, QUICK_FOLDER = Path("results"), Path("out/quick")


def add_networks(parser: Parser) -> None:
    """What is trained on what; each follows from the other."""
    parser.add_argument(
        "--network", choices=NETWORKS, help=f"the backbone's ({NETWORKS[0]}; vgg11 with cifar10)"
    )
    parser.add_argument(
        "--dataset",
        choices=("mnist", "cifar10"),
        help="where images come from (mnist; cifar10 with vgg11)",
    )


def add_one_network(parser: Parser) -> None:
    """None of them: there is one network and data set."""
    parser.set_defaults(network=None, dataset=None)


def add_sources(parser: Parser) -> None:
    """What all runs read, and who computes them."""
    add_data(parser)
    add_backbone(parser)
    add_workers(parser)


def add_folder(parser: Parser) -> None:
    """``--quick`` and ``--results``."""
    parser.add_argument(
        "--quick", action="store_true", help="a reduced version; MNIST's on the embedded sample"
    )
    parser.add_argument(
        "--results",
        type=Path,
        metavar="DIR",
        help=f"where to write ({FOLDER}; {QUICK_FOLDER} with --quick)",
    )


def add_artefact(parser: Parser) -> None:
    """Of every command that makes tables or figures from runs."""
    add_sources(parser)
    add_folder(parser)
    parser.add_argument(
        "--runs", type=runs_file, metavar="FILE", help="finished runs (DIR/runs/DATASET.jsonl)"
    )
    parser.add_argument(
        "--settings",
        type=InputFile,
        metavar="FILE",
        help="of every method, as priot tune found them",
    )


def check_artefact(options: Namespace) -> None:
    """Refuse what is no reproduction, or nobody to compute it."""
    scope_of_options(options)
    check_workers(options)


def scope_of_options(options: Namespace) -> Scope:
    """How large the reproduction is. Raises UserError when there is none such."""
    return scope_of(options.network, options.dataset, options.quick)


def folder_of(options: Namespace) -> Path:
    """Where artefacts go."""
    folder: Path | None = options.results
    return folder or (QUICK_FOLDER if options.quick else FOLDER)


def runs_file_of(options: Namespace) -> RunsFile:
    """Where finished runs are kept."""
    dataset = scope_of_options(options).dataset
    return options.runs or RunsFile(folder_of(options) / "runs" / f"{dataset}.jsonl")


def files_of(options: Namespace, *artefacts: str) -> Files:
    """What a command that makes these artefacts reads and writes beside what options name."""
    from priot.experiments.paper.artefact import paths_of

    network = scope_of_options(options).network
    runs = [] if options.runs else [runs_file_of(options)]
    written = [path for name in artefacts for path in paths_of(name, folder_of(options), network)]
    return Files(implied_in_any(options).read, [*runs, *written])


def laboratory_of(options: Namespace) -> Laboratory:
    """Everything that runs need. Raises UserError when a file is missing or damaged."""
    from priot.experiments.paper.chosen import load_settings
    from priot.experiments.paper.laboratory import Laboratory
    from priot.experiments.sweeps.store import RunStore
    from priot.experiments.training.inputs import load_inputs

    scope = scope_of_options(options)
    chosen = load_settings(scope.network, options.settings)
    store = RunStore(runs_file_of(options))
    inputs = load_inputs(scope.dataset, options.data, options.backbone, scope.network)
    return Laboratory(scope, chosen, inputs, store, workers_of(options))
