"""What ``priot study`` prints: its artefacts as text for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from priot.experiments.output import format_table
from priot.experiments.paper.artefact import Artefact


def gap_table(made: Artefact) -> str:
    """PRIOT less NITI static by backbone and calibration, in cells."""
    rows = made.made_with["gaps"]
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
    header = ("kind", "seed", "angle", "calibration", "bits", "NITI static", "PRIOT", "difference")
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
    rows = made.made_with["goals"]
    header = [name.replace("_", " ") for name in rows[0]]
    return format_table(header, [[str(value) for value in row.values()] for row in rows], (0, 1))


def _accuracy(row: Mapping[str, Any], name: str) -> str:
    return _share(row[f"{name}_final"], row[f"{name}_collapsed"])


def _share(accuracy: float, collapsed: float) -> str:
    return f"{accuracy:.2f}" + (f" ({collapsed:g} % collapsed)" if collapsed else "")


TABLES: dict[str, Callable[[Artefact], str]] = {
    "screening": gap_table,
    "mechanisms": mechanism_table,
    "confirmation": confirmation_table,
    "methods": method_table,
}
"""By part of the study."""
