"""Run the benchmarks, print a table of each, write the figures."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import (
    emulators,
    engines,
    firmware_variants,
    large_network,
    programs,
    reference,
    start,
    training_step,
    without_zeros,
)
from benchmarks.errors import BenchmarkError
from benchmarks.rp2040js import machine as rp2040js
from priot.experiments.environment import environment
from priot.experiments.errors import UserError
from priot.experiments.output import check_writable, format_table
from priot.experiments.records.benchmarks import Benchmarks
from priot.experiments.records.files import write_record

ROUNDS = 7
Row = dict[str, Any]

BENCHMARKS: dict[str, Callable[[int], list[Row]]] = {
    "training step": training_step.rows,
    "start": start.rows,
    "program": programs.rows,
    "engines": engines.rows,
    "emulators": emulators.rows,
    "reference": reference.rows,
    "large network": large_network.rows,
    "firmware": firmware_variants.rows,
    "without zeros": lambda _: without_zeros.rows(),  # cycles are exact
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all benchmarks one after the other; returns the exit code.

    0: done; 1: figures are void; 2: bad input, told in one line.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON")
    parser.add_argument(
        "--rounds", type=_positive, default=ROUNDS, metavar="N", help=f"of each ({ROUNDS})"
    )
    parser.add_argument("--only", choices=BENCHMARKS, metavar="NAME", help=", ".join(BENCHMARKS))
    options = parser.parse_args(arguments)
    try:
        check_writable(options.json)
        record = _run([options.only] if options.only else [*BENCHMARKS], options.rounds)
        if options.json is not None:
            write_record(options.json, record)
    except (UserError, BenchmarkError) as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2 if isinstance(error, UserError) else 1
    return 0


def _run(names: Sequence[str], rounds: int) -> Benchmarks:
    """The record of the named benchmarks; each one's table is printed as it ends."""
    skipped = _skipped()
    for what, reason in skipped.items():
        print(f"skipped: {what}: {reason}")
    rows = []
    for name in names:
        if name == "emulators" and "rp2040js" in skipped:
            continue
        of_one = BENCHMARKS[name](rounds)
        print(f"\n{_table(name, of_one)}", flush=True)
        rows += [{"benchmark": name} | row for row in of_one]
    return Benchmarks(
        rows=tuple(rows),
        rounds=rounds,
        skipped=skipped,
        processor=_processor(),
        cores=os.cpu_count(),
        environment=environment() | rp2040js.versions(),
    )


def _skipped() -> dict[str, str]:
    """What cannot be compared with here, and what to do about it."""
    reasons = {
        "PyTorch": reference.pytorch_missing(),
        "int8 products": large_network.int8_missing(),
        "rp2040js": rp2040js.missing(),
    }
    return {what: reason for what, reason in reasons.items() if reason is not None}


def _table(name: str, rows: list[Row]) -> str:
    header = [name, *(key.replace("_", " ") for key in rows[0] if key != "case")]
    cells = [[_cell(value) for value in row.values()] for row in rows]
    return format_table(header, cells)


def _cell(value: str | float) -> str:
    """Whole numbers from a thousand on, else three digits."""
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.3g}"


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least one round is needed")
    return number


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
    sys.exit(main())
