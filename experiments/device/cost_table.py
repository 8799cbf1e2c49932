"""The cost records as text for a terminal and as rows for a spreadsheet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from priot.experiments.device.placement import DEFAULT, Placement
from priot.experiments.device.purpose import Purpose
from priot.experiments.device.variants import Variant
from priot.experiments.output import format_table

_KIB = 1024
_Name = Callable[[dict[str, Any]], list[str]]


def cost_table(records: list[dict[str, Any]]) -> str:
    """The table that ``priot costs`` opens with: time and memory in a line for each record."""
    ratios = [
        ("of NITI static", [_share(record["ratio_to_static_niti"]) for record in records]),
        ("of plain", [_share(record["ratio_to_plain"]) for record in records]),
        (
            "of fast",
            [_share(record["ratio_to_fast"]) * (record["cores"] > 1) for record in records],
        ),
    ]
    shown = {title: column for title, column in ratios if any(column)}
    in_flash = any(record["flash_bytes"] for record in records)
    header, name = _named(("ms", *shown, "SRAM", *(["flash"] if in_flash else [])), records)
    rows = [
        [
            *name(record),
            f"{record['ms_per_image']:.1f}",
            *(column[number] for column in shown.values()),
            f"{record['peak_sram_bytes'] / _KIB:.1f}" + ("" if record["fits"] else " (too much)"),
            *([f"{record['flash_bytes'] / _KIB:.1f}"] if in_flash else []),
        ]
        for number, record in enumerate(records)
    ]
    capacity = records[0]["sram_capacity_bytes"] / _KIB
    title = (
        f"{_title(records)}: time at {records[0]['clock_hz'] / 1e6:g} MHz, memory in KB (SRAM has "
        f"{capacity:g}).\nEvery tensor equals the reference's; --full tells cycles by layer and "
        "memory."
    )
    return f"{title}\n\n{format_table(header, rows, _texts(header))}"


def full_cost_table(records: list[dict[str, Any]]) -> str:
    """The same and all that is known: cycles by phase, parts of the memory, cycles by layer."""
    parts = [
        cost_table(records),
        "Cycles in thousands",
        _totals(records),
        f"Peak SRAM in bytes, of {records[0]['sram_capacity_bytes']:,}",
        _memory(records),
    ]
    if any(record["flash_bytes"] for record in records):
        parts += ["Flash: bytes taken, words read through the XIP cache per image", _flash(records)]
    on_both = [record for record in records if record["cores"] > 1]
    if on_both:
        title = "Both cores: speed over fast, thousand cycles that each waits for the bus"
        parts += [title, _both(on_both)]
    kinds = dict.fromkeys((record["variant"], _placement(record)) for record in records)
    for variant, placement in kinds:
        alike = [r for r in records if (r["variant"], _placement(r)) == (variant, placement)]
        which = variant if placement == str(DEFAULT) else f"{variant}, {placement}"
        parts += [f"Thousand cycles per image by layer, {which}", _layers(alike)]
        parts += [f"Cycles per multiply-accumulate, {which}", _per_mac(alike)]
        fast = [r for r in records if (r["variant"], _placement(r)) == (Variant.FAST, placement)]
        if alike[0]["cores"] > 1 and fast:
            parts += [f"Times as fast as on one core, {which}", _speed_up(alike, fast)]
    return "\n\n".join(parts)


def _title(records: Sequence[Mapping[str, Any]]) -> str:
    count = records[0]["images"]
    return f"{_what(records[0])} on {count} rotated image{'s' * (count > 1)}"


def _texts(header: Sequence[str]) -> list[int]:
    """Columns that hold no numbers."""
    names = ("method", "placement", "variant")
    return [number for number, name in enumerate(header) if name in names]


def placed(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record with its placement in the label, for a figure that has no other room for it."""
    placement = Placement.of_record(record)
    return {**record, "label": record["label"] + ("" if placement == DEFAULT else f", {placement}")}


def _what(record: Mapping[str, Any]) -> str:
    what = "Training step" if record["purpose"] == Purpose.TRAINING else "Prediction"
    if record["trained_backbone"]:
        return what
    return f"{what} of {record['network']} with random weights"


def _placement(record: Mapping[str, Any]) -> str:
    return str(Placement.of_record(record))


def _named(header: tuple[str, ...], records: list[dict[str, Any]]) -> tuple[list[str], _Name]:
    """The header behind "method", "variant", and what of a record stands below these two.

    Placements have a column of their own where there is another than the usual one.
    """
    placed = any(Placement.of_record(record) != DEFAULT for record in records)
    names = ["method", *(["placement"] if placed else []), "variant", *header]

    def name(record: dict[str, Any]) -> list[str]:
        placement = [_placement(record)] if placed else []
        return [record["label"], *placement, record["variant"]]

    return names, name


def _totals(records: list[dict[str, Any]]) -> str:
    header, name = _named(
        (
            *("mean", "min", "max", "forward", "backward", "update"),
            *("ms", "ratio", "of plain", "bit-exact"),
        ),
        records,
    )
    rows = []
    for record in records:
        cycles, phases = record["cycles_per_image"], record["cycles_by_phase"]
        counts = [cycles["mean"], cycles["min"], cycles["max"], *phases.values()]
        rows.append(
            [
                *name(record),
                *(_thousands(count) for count in counts),
                f"{record['ms_per_image']:.1f}",
                _ratio(record["ratio_to_static_niti"]),
                _share(record["ratio_to_plain"]),
                "yes" if record["bit_exact"] else "NO",
            ]
        )
    return format_table(header, rows)


def _memory(records: list[dict[str, Any]]) -> str:
    header, name = _named(("static data", "arena", "stack", "code", "total", "fits"), records)
    rows = [
        [
            *name(record),
            *(f"{size:,}" for size in record["sram"].values()),
            f"{record['peak_sram_bytes']:,}",
            "yes" if record["fits"] else "NO",
        ]
        for record in records
    ]
    return format_table(header, rows)


def _flash(records: list[dict[str, Any]]) -> str:
    header, name = _named(
        ("code", "weights", "total", "words read", "misses", "miss rate", "stall cycles"), records
    )
    rows = []
    for record in records:
        sizes, reads = record["flash"], record["xip_per_image"]
        rows.append(
            [
                *name(record),
                *(f"{size:,}" for size in (*sizes.values(), record["flash_bytes"])),
                *(f"{reads[count]:,.0f}" for count in ("accesses", "misses")),
                _share(reads["miss_rate"]),
                f"{reads['stall_cycles']:,.0f}",
            ]
        )
    return format_table(header, rows)


def _both(records: list[dict[str, Any]]) -> str:
    header, name = _named(("contention", "speed", "core 0", "core 1"), records)
    rows = [
        [
            *name(record),
            record["contention"],
            "" if record["ratio_to_fast"] is None else f"{1 / record['ratio_to_fast']:.3f}",
            *(_thousands(cycles) for cycles in record["bus_stalls_per_image"].values()),
        ]
        for record in records
    ]
    return format_table(header, rows)


def _speed_up(records: list[dict[str, Any]], fast: list[dict[str, Any]]) -> str:
    """Cycles of fast over those of both cores, by layer and pass."""
    faster = {record["label"]: record["cycles_by_layer"] for record in fast}
    ratios = [
        record
        | {
            "speed_up": {
                layer: {
                    phase: faster[record["label"]][layer][phase] / cycles
                    for phase, cycles in phases.items()
                }
                for layer, phases in record["cycles_by_layer"].items()
            }
        }
        for record in records
    ]
    return _by_layer(ratios, "speed_up", lambda ratio: f"{ratio:.2f}")


def _layers(records: list[dict[str, Any]]) -> str:
    return _by_layer(records, "cycles_by_layer", _thousands)


def _per_mac(records: list[dict[str, Any]]) -> str:
    return _by_layer(records, "cycles_per_mac", lambda cycles: f"{cycles:.2f}")


def _by_layer(records: list[dict[str, Any]], key: str, text: Callable[[float], str]) -> str:
    """A row for each layer and pass; empty where a method does not have it."""
    header = ["layer", "", *(record["label"] for record in records)]
    rows = []
    for layer in records[0][key]:
        phases = dict.fromkeys(phase for record in records for phase in record[key][layer])
        for phase in phases:
            counts = [record[key][layer].get(phase) for record in records]
            rows.append([layer, phase, *("" if n is None else text(n) for n in counts)])
    return format_table(header, rows)


def _ratio(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.3f}"


def _share(ratio: float | None) -> str:
    return "" if ratio is None else f"{100 * ratio:.1f} %"


def _thousands(cycles: float) -> str:
    return f"{cycles / 1000:,.1f}"


def flat_rows(records: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The records as rows of a CSV file: nested numbers become columns ``outer_inner``.

    A column that a record does not have, as that of a pass that it leaves out, is None.
    """
    rows = [dict(_flatten(record)) for record in records]
    columns = dict.fromkeys(name for row in rows for name in row)
    for row in rows:
        yield columns | row


def _flatten(value: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, inner in value.items():
        name = f"{prefix}{key}".replace(" ", "_")
        if isinstance(inner, dict):
            yield from _flatten(inner, f"{name}_")
        else:
            yield name, inner
