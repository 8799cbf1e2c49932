"""The cost records as text for a terminal and as rows for a spreadsheet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from experiments.output import format_table


def cost_table(records: list[dict[str, Any]]) -> str:
    """The table that ``priot costs`` prints: totals, memory, then cycles by layer."""
    clock = records[0]["clock_hz"] / 1e6
    count = records[0]["images"]
    parts = [
        f"Training step on {count} rotated image{'s' * (count > 1)}, "
        f"cycles in thousands, ms at {clock:g} MHz",
        _totals(records),
        f"Peak SRAM in bytes, of {records[0]['sram_capacity_bytes']:,}",
        _memory(records),
    ]
    for variant in dict.fromkeys(record["variant"] for record in records):
        alike = [record for record in records if record["variant"] == variant]
        parts += [f"Thousand cycles per image by layer, {variant}", _layers(alike)]
        parts += [f"Cycles per multiply-accumulate, {variant}", _per_mac(alike)]
    return "\n\n".join(parts)


def _totals(records: list[dict[str, Any]]) -> str:
    header = (
        "method",
        "variant",
        "mean",
        "min",
        "max",
        "forward",
        "backward",
        "update",
        "ms",
        "ratio",
        "of plain",
        "bit-exact",
    )
    rows = []
    for record in records:
        cycles, phases = record["cycles_per_image"], record["cycles_by_phase"]
        counts = [cycles["mean"], cycles["min"], cycles["max"], *phases.values()]
        rows.append(
            [
                record["label"],
                record["variant"],
                *(_thousands(count) for count in counts),
                f"{record['ms_per_image']:.1f}",
                f"{record['ratio_to_static_niti']:.3f}",
                _share(record["ratio_to_plain"]),
                "yes" if record["bit_exact"] else "NO",
            ]
        )
    return format_table(header, rows)


def _memory(records: list[dict[str, Any]]) -> str:
    header = ("method", "variant", "static data", "arena", "stack", "code", "total", "fits")
    rows = [
        [
            record["label"],
            record["variant"],
            *(f"{size:,}" for size in record["sram"].values()),
            f"{record['peak_sram_bytes']:,}",
            "yes" if record["fits"] else "NO",
        ]
        for record in records
    ]
    return format_table(header, rows)


def _layers(records: list[dict[str, Any]]) -> str:
    return _by_layer(records, "cycles_by_layer", _thousands)


def _per_mac(records: list[dict[str, Any]]) -> str:
    return _by_layer(records, "cycles_per_mac", lambda cycles: f"{cycles:.2f}")


def _by_layer(records: list[dict[str, Any]], key: str, text: Callable[[float], str]) -> str:
    header = ["layer", "", *(record["label"] for record in records)]
    rows = []
    for layer, phases in records[0][key].items():
        for phase in phases:
            cells = [text(record[key][layer][phase]) for record in records]
            rows.append([layer, phase, *cells])
    return format_table(header, rows)


def _share(ratio: float | None) -> str:
    return "" if ratio is None else f"{100 * ratio:.1f} %"


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
