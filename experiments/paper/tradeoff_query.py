"""Answers "the most accurate that fits in N KB and M ms" from the rows of the trade-off."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from priot.experiments.errors import UserError
from priot.experiments.output import format_table
from priot.experiments.paper.limits import Limits
from priot.experiments.paper.protocol import Scope

Row = Mapping[str, Any]
_KIB = 1024


def most_accurate(rows: Sequence[Row], limits: Limits) -> Row:
    """The row with the best mean accuracy within the limits; of equals the fastest, then smallest.

    Raises:
        UserError: when there is none, with those that come nearest.
    """
    fitting = [row for row in rows if limits.enough_sram(row) and limits.enough_time(row)]
    if fitting:
        return min(fitting, key=lambda row: (-row["final_mean"], *_fastest(row)))
    told = "; ".join(dict.fromkeys(map(described, _nearest(rows, limits))))
    raise UserError(f"nothing fits in {limits}; nearest: {told}")


def _nearest(rows: Sequence[Row], limits: Limits) -> list[Row]:
    """The smallest of those that are fast enough, the fastest of those that are small enough."""
    fast_enough = [row for row in rows if limits.enough_time(row)]
    small_enough = [row for row in rows if limits.enough_sram(row)]
    if not fast_enough and not small_enough:
        fast_enough = small_enough = list(rows)
    smallest = [min(fast_enough, key=_smallest)] if fast_enough else []
    return smallest + ([min(small_enough, key=_fastest)] if small_enough else [])


def front_table(rows: Sequence[Row]) -> str:
    """The Pareto front, the most accurate first."""
    best = sorted((row for row in rows if row["pareto"]), key=lambda row: -row["final_mean"])
    body = [
        [
            row["label"],
            row["placement"],
            row["variant"],
            f"{row['peak_sram_bytes'] / _KIB:.1f}",
            f"{row['flash_bytes'] / _KIB:.1f}",
            f"{row['ms']:.2f}",
            f"{row['final_mean']:.2f}",
        ]
        for row in best
    ]
    header = ("Pareto front", "placement", "variant", "SRAM, KB", "flash, KB", "ms", "accuracy, %")
    return format_table(header, body)


def _fastest(row: Row) -> tuple[float, ...]:
    return row["ms"], row["peak_sram_bytes"], -row["final_mean"]


def _smallest(row: Row) -> tuple[float, ...]:
    return row["peak_sram_bytes"], row["ms"], -row["final_mean"]


def described(row: Row) -> str:
    """A row in one line."""
    return (
        f"{row['label']}, {row['placement']}, {row['variant']}: "
        f"{row['peak_sram_bytes'] / _KIB:.1f} KB, {row['ms']:.1f} ms, {row['final_mean']:.2f} %"
    )


def commands_for(row: Row, scope: Scope, data: Path | None, backbone: Path | None) -> list[str]:
    """Lines for a shell: how to measure what the row costs, and how to train so."""
    files = {"data": data, "backbone": backbone}
    names = (
        *("method", "scored_fraction", "selection", "trained_layers"),
        *("learning_rate_bits", "angle"),
    )
    method = {name: row[name] for name in names} | {"seed": scope.seeds[0]} | files
    device = {"variant": row["variant"], "placement": row["placement"]}
    run = {"images": scope.images, "test_images": scope.test_images, "epochs": scope.epochs}
    costs = {"images": row["images"], "clock": row["clock_hz"] / 1e6}
    return [
        "# its costs",
        _command("costs", method | device | costs),
        f"# its training, with the first of {row['seeds']} seeds",
        _command("train", method | run),
    ]


def _command(name: str, options: Mapping[str, Any]) -> str:
    words = ["priot", name]
    for option, value in options.items():
        if value is not None:
            text = f"{value:g}" if isinstance(value, float) else str(value)
            words += [f"--{option.replace('_', '-')}", text]
    return shlex.join(words)
