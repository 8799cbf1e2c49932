"""``priot study``: everything of the study over backbones."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from priot.experiments.commands import EXPECTED_ERRORS as EXPECTED_ERRORS
from priot.experiments.commands import VOID_RESULTS as VOID_RESULTS
from priot.experiments.commands import implied_files as implied_in_any
from priot.experiments.files import Files, RunsFile
from priot.experiments.output import format_table
from priot.experiments.paper.artefact import Artefact, paths_of
from priot.experiments.study.confirmation import confirmation
from priot.experiments.study.laboratory import StudyLaboratory
from priot.experiments.study.mechanisms import mechanisms
from priot.experiments.study.methods import methods
from priot.experiments.study.protocol import FULL, QUICK
from priot.experiments.study.screening import screening
from priot.experiments.sweeps.store import RunStore
from priot.experiments.sweeps.workers import Workers
from priot.experiments.training.inputs import load_images

PARTS = ("screening", "mechanisms", "confirmation", "methods")


def implied_files(options: Namespace) -> Files:
    """What the command reads and writes beside the files that its options name."""
    written = [path for part in _parts(options) for path in paths_of(part, _folder(options))]
    runs = [] if options.runs else [_runs_file(options)]
    return Files(implied_in_any(options).read, [*written, *runs])


def study(options: Namespace) -> None:
    """``priot study``: the map, what explains it, and what is confirmed of it."""
    chosen = QUICK if options.quick else FULL
    workers = Workers(options.jobs, options.dask)
    store = RunStore(_runs_file(options))
    source = load_images(chosen.dataset, options.data)
    laboratory = StudyLaboratory(chosen, source, store, workers)
    make: dict[str, Callable[[], Artefact]] = {
        "screening": lambda: screening(laboratory),
        "mechanisms": lambda: mechanisms(laboratory),
        "confirmation": lambda: confirmation(laboratory, screening(laboratory).rows),
        "methods": lambda: methods(laboratory),
    }
    for part in _parts(options):
        made = make[part]()
        written = made.write(_folder(options))
        print(made.caption)
        print("wrote", ", ".join(map(str, written)))
        print(_TABLES[part](made))


def _parts(options: Namespace) -> tuple[str, ...]:
    return PARTS if options.part is None else (options.part,)


def _folder(options: Namespace) -> Path:
    folder: Path | None = options.results
    return folder or Path("out/quick" if options.quick else "results")


def _runs_file(options: Namespace) -> RunsFile:
    return RunsFile(options.runs or _folder(options) / "runs" / "backbones.jsonl")


def gap_table(made: Artefact) -> str:
    """PRIOT less static NITI by backbone and calibration, in cells."""
    rows = made.record["gaps"]
    header = [name.replace("_", " ") for name in rows[0]]
    return format_table(header, [[str(value) for value in row.values()] for row in rows], (0, 1))


def confirmation_table(made: Artefact) -> str:
    """Both methods and their difference."""
    lines = [
        [
            *(row["kind"], row["pretraining_seed"], f"{row['angle']:g}°", row["calibration"]),
            f"{row['setting']} {row['niti_static_bits']}/{row['priot_bits']}",
            *(_accuracy(row, name) for name in ("niti_static", "priot")),
            f"{row['difference']:+.2f} ± {row['half_width']:.2f}",
        ]
        for row in made.rows
    ]
    header = ("kind", "seed", "angle", "calibration", "bits", "static NITI", "PRIOT", "difference")
    return format_table(header, lines, (0, 1, 3, 4))


def mechanism_table(made: Artefact) -> str:
    """Final accuracy by change, with the share of runs that collapsed."""
    cells: dict[tuple[str, str], dict[tuple[str, float], str]] = {}
    for row in made.rows:
        place = cells.setdefault((row["backbone"], row["change"]), {})
        place[row["method"], row["angle"]] = _share(row["final_mean"], row["collapsed_share"])
    columns = list(dict.fromkeys(column for of_row in cells.values() for column in of_row))
    header = ("backbone", "change", *(f"{method} {angle:g}°" for method, angle in columns))
    lines = [[*place, *(of_row[column] for column in columns)] for place, of_row in cells.items()]
    return format_table(header, lines, (0, 1))


def method_table(made: Artefact) -> str:
    """How far each entry stays behind the best with static scales."""
    rows = made.record["goals"]
    header = [name.replace("_", " ") for name in rows[0]]
    return format_table(header, [[str(value) for value in row.values()] for row in rows], (0, 1))


def _accuracy(row: Mapping[str, Any], name: str) -> str:
    return _share(row[f"{name}_final"], row[f"{name}_collapsed"])


def _share(accuracy: float, collapsed: float) -> str:
    return f"{accuracy:.2f}" + (f" ({collapsed:g} % collapsed)" if collapsed else "")


_TABLES: dict[str, Callable[[Artefact], str]] = {
    "screening": gap_table,
    "mechanisms": mechanism_table,
    "confirmation": confirmation_table,
    "methods": method_table,
}
