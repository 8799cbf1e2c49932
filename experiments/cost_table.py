"""The cost records as text for a terminal and as rows for a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from experiments.output import format_table


def cost_table(records: list[dict[str, Any]]) -> str:
    """The table that ``priot costs`` prints: totals, memory, then cycles by layer."""
    clock = records[0]["clock_hz"] / 1e6
    count = records[0]["images"]
    return "\n\n".join(
        [
            f"Training step on {count} rotated image{'s' * (count > 1)}, "
            f"cycles in thousands, ms at {clock:g} MHz",
            _totals(records),
            f"Peak SRAM in bytes, of {records[0]['sram_capacity_bytes']:,}",
            _memory(records),
            "Thousand cycles per image by layer",
            _layers(records),
        ]
    )


def _totals(records: list[dict[str, Any]]) -> str:
    header = (
        "method",
        "mean",
        "min",
        "max",
        "forward",
        "backward",
        "update",
        "ms",
        "ratio",
        "bit-exact",
    )
    rows = []
    for record in records:
        cycles, phases = record["cycles_per_image"], record["cycles_by_phase"]
        counts = [cycles["mean"], cycles["min"], cycles["max"], *phases.values()]
        rows.append(
            [
                record["label"],
                *(_thousands(count) for count in counts),
                f"{record['ms_per_image']:.1f}",
                f"{record['ratio_to_static_niti']:.3f}",
                "yes" if record["bit_exact"] else "NO",
            ]
        )
    return format_table(header, rows)


def _memory(records: list[dict[str, Any]]) -> str:
    header = ("method", "static data", "arena", "stack", "code", "total", "fits")
    rows = [
        [
            record["label"],
            *(f"{size:,}" for size in record["sram"].values()),
            f"{record['peak_sram_bytes']:,}",
            "yes" if record["fits"] else "NO",
        ]
        for record in records
    ]
    return format_table(header, rows)


def _layers(records: list[dict[str, Any]]) -> str:
    header = ["layer", "", *(record["label"] for record in records)]
    rows = []
    for layer, phases in records[0]["cycles_by_layer"].items():
        for phase in phases:
            cells = [_thousands(record["cycles_by_layer"][layer][phase]) for record in records]
            rows.append([layer, phase, *cells])
    return format_table(header, rows)


def _thousands(cycles: float) -> str:
    return f"{cycles / 1000:,.1f}"


def flat_rows(records: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The records as rows of a CSV file: nested numbers become columns ``outer_inner``."""
    for record in records:
        yield dict(_flatten(record))


def _flatten(value: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, inner in value.items():
        name = f"{prefix}{key}".replace(" ", "_")
        if isinstance(inner, dict):
            yield from _flatten(inner, f"{name}_")
        else:
            yield name, inner
