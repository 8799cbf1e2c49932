"""``python -m benchmarks``: run every benchmark, print the table, write the figures."""

from __future__ import annotations

import argparse
import platform
from pathlib import Path
from typing import Any

from benchmarks import programs, reference, training_step, without_zeros
from experiments.environment import environment
from experiments.output import format_table, write_json


def main() -> None:
    """Run all benchmarks one after the other."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON")
    path = parser.parse_args().json
    rows = [*training_step.rows(), *reference.rows(), *programs.rows(), *without_zeros.rows()]
    for name in dict.fromkeys(row["benchmark"] for row in rows):
        print(_table(name, [row for row in rows if row["benchmark"] == name]), end="\n\n")
    if path is not None:
        write_json(path, {"rows": rows, "processor": _processor(), "environment": environment()})


def _table(name: str, rows: list[dict[str, Any]]) -> str:
    columns = [key for key in rows[0] if key not in ("benchmark", "method")]
    header = [name, *(column.replace("_", " ") for column in columns)]
    lines = [[row["method"], *(f"{row[column]:,.4g}" for column in columns)] for row in rows]
    return format_table(header, lines)


def _processor() -> str:
    """The processor's name where the system tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
