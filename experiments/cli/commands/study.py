"""``priot study``: the map, what explains it, and what is confirmed of it."""

from __future__ import annotations

from argparse import Namespace

from priot.experiments.cli.command import Command
from priot.experiments.cli.options.artefacts import make
from priot.experiments.cli.options.files import add_data
from priot.experiments.cli.options.many_runs import add_workers, check_workers, workers_of
from priot.experiments.cli.options.reproduction import add_folder, folder_of
from priot.experiments.cli.options.task import implied_files as implied_in_any
from priot.experiments.cli.parser import Parser
from priot.experiments.files import Files, RunsFile, runs_file

PARTS = ("screening", "mechanisms", "confirmation", "methods")


def _add_options(parser: Parser) -> None:
    parser.add_argument("--part", choices=PARTS, help="one of them (all)")
    add_data(parser)
    add_workers(parser)
    add_folder(parser)
    parser.add_argument(
        "--runs", type=runs_file, metavar="FILE", help="finished runs (DIR/runs/backbones.jsonl)"
    )


def _implied_files(options: Namespace) -> Files:
    from priot.experiments.paper.artefact import paths_of

    written = [path for part in _parts(options) for path in paths_of(part, folder_of(options))]
    runs = [] if options.runs else [_runs_file(options)]
    return Files(implied_in_any(options).read, [*written, *runs])


def _run(options: Namespace) -> None:
    from priot.experiments.study.confirmation import confirmation
    from priot.experiments.study.laboratory import StudyLaboratory
    from priot.experiments.study.mechanisms import mechanisms
    from priot.experiments.study.methods import methods
    from priot.experiments.study.protocol import FULL, QUICK
    from priot.experiments.study.screening import screening
    from priot.experiments.study.tables import TABLES
    from priot.experiments.study.upper_bound import check_floats
    from priot.experiments.sweeps.store import RunStore
    from priot.experiments.training.inputs import load_images

    chosen = QUICK if options.quick else FULL
    source = load_images(chosen.dataset, options.data)
    store = RunStore(_runs_file(options))
    laboratory = StudyLaboratory(chosen, source, store, workers_of(options))
    if "methods" in _parts(options):
        check_floats(laboratory)
    makers = {
        "screening": lambda: screening(laboratory),
        "mechanisms": lambda: mechanisms(laboratory),
        "confirmation": lambda: confirmation(laboratory, screening(laboratory).rows),
        "methods": lambda: methods(laboratory),
    }
    for part in _parts(options):
        print(TABLES[part](make(options, makers[part]())))


def _parts(options: Namespace) -> tuple[str, ...]:
    return PARTS if options.part is None else (options.part,)


def _runs_file(options: Namespace) -> RunsFile:
    return RunsFile(options.runs or folder_of(options) / "runs" / "backbones.jsonl")


COMMAND = Command(
    "study",
    "does PRIOT win? the answer over backbones",
    "NITI static and PRIOT on every kind of backbone: the map over calibration, learning rate and "
    "angle (screening), one thing changed at a time (mechanisms), fresh seeds for what is claimed "
    "(confirmation), and every method on six backbones, beside float32 (methods). Some four hours "
    "of one core; finished runs are kept: start again after an interruption. Float32 needs PyTorch "
    "(pip install 'priot[torch]') where its runs are missing in the store; --quick leaves it out.",
    ("study --quick", "study --data mnist/ --part screening"),
    _add_options,
    _run,
    check_workers,
    _implied_files,
)
