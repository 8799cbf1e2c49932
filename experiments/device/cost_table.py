"""The cost records as text for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, replace

from priot.experiments.device.placement import DEFAULT
from priot.experiments.device.purpose import Purpose
from priot.experiments.device.variants import Variant
from priot.experiments.output import format_table
from priot.experiments.records.costs import Costs

_KIB = 1024
_Name = Callable[[Costs], list[str]]
_ByLayer = Mapping[str, Mapping[str, float]]


def cost_table(records: Sequence[Costs]) -> str:
    """The table that ``priot costs`` opens with: time and memory in a line for each record."""
    ratios = [
        ("of NITI static", [_share(record.ratio_to_niti_static) for record in records]),
        ("of plain", [_share(record.ratio_to_plain) for record in records]),
        (
            "of fast",
            [_share(record.ratio_to_fast) * (record.cores > 1) for record in records],
        ),
    ]
    shown = {title: column for title, column in ratios if any(column)}
    in_flash = any(record.flash_bytes for record in records)
    header, name = _named(("ms", *shown, "SRAM", *(["flash"] if in_flash else [])), records)
    rows = [
        [
            *name(record),
            f"{record.ms_per_image:.1f}",
            *(column[number] for column in shown.values()),
            f"{record.peak_sram_bytes / _KIB:.1f}" + ("" if record.fits else " (too much)"),
            *([f"{record.flash_bytes / _KIB:.1f}"] if in_flash else []),
        ]
        for number, record in enumerate(records)
    ]
    capacity = records[0].sram_capacity_bytes / _KIB
    title = (
        f"{_title(records)}: time at {records[0].clock_hz / 1e6:g} MHz, memory in KB (SRAM has "
        f"{capacity:g}).\nEvery tensor equals the reference's; --full tells cycles by layer and "
        "memory."
    )
    return f"{title}\n\n{format_table(header, rows, _texts(header))}"


def full_cost_table(records: Sequence[Costs]) -> str:
    """The same and all that is known: cycles by phase, parts of the memory, cycles by layer."""
    parts = [
        cost_table(records),
        "Cycles in thousands",
        _totals(records),
        f"Peak SRAM in bytes, of {records[0].sram_capacity_bytes:,}",
        _memory(records),
    ]
    if any(record.flash_bytes for record in records):
        parts += ["Flash: bytes taken, words read through the XIP cache per image", _flash(records)]
    on_both = [record for record in records if record.cores > 1]
    if on_both:
        title = "Both cores: speed over fast, thousand cycles that each waits for the bus"
        parts += [title, _both(on_both)]
    kinds = dict.fromkeys((record.variant, record.placement) for record in records)
    for variant, placement in kinds:
        alike = [r for r in records if (r.variant, r.placement) == (variant, placement)]
        which = variant if placement == str(DEFAULT) else f"{variant}, {placement}"
        parts += [f"Thousand cycles per image by layer, {which}", _layers(alike)]
        parts += [f"Cycles per multiply-accumulate, {which}", _per_mac(alike)]
        fast = [r for r in records if (r.variant, r.placement) == (Variant.FAST, placement)]
        if alike[0].cores > 1 and fast:
            parts += [f"Times as fast as on one core, {which}", _speed_up(alike, fast)]
    return "\n\n".join(parts)


def _title(records: Sequence[Costs]) -> str:
    count = records[0].images
    return f"{_what(records[0])} on {count} rotated image{'s' * (count > 1)}"


def _texts(header: Sequence[str]) -> list[int]:
    """Columns that hold no numbers."""
    names = ("method", "placement", "variant")
    return [number for number, name in enumerate(header) if name in names]


def placed(record: Costs) -> Costs:
    """The record with its placement in the label, for a figure that has no other room for it."""
    if record.placement == str(DEFAULT):
        return record
    return replace(record, label=f"{record.label}, {record.placement}")


def _what(record: Costs) -> str:
    what = "Training step" if record.purpose == Purpose.TRAINING else "Prediction"
    if record.trained_backbone:
        return what
    return f"{what} of {record.network} with random weights"


def _named(header: tuple[str, ...], records: Sequence[Costs]) -> tuple[list[str], _Name]:
    """The header behind "method", "variant", and what of a record stands below these two.

    Placements have a column of their own where there is another than the usual one.
    """
    placed = any(record.placement != str(DEFAULT) for record in records)
    names = ["method", *(["placement"] if placed else []), "variant", *header]

    def name(record: Costs) -> list[str]:
        placement = [record.placement] if placed else []
        return [record.label, *placement, record.variant]

    return names, name


def _totals(records: Sequence[Costs]) -> str:
    header, name = _named(
        (
            *("mean", "min", "max", "forward", "backward", "update"),
            *("ms", "ratio", "of plain", "bit-exact"),
        ),
        records,
    )
    rows = []
    for record in records:
        cycles, phases = record.cycles_per_image, record.cycles_by_phase
        counts = [cycles.mean, cycles.min, cycles.max, *phases.values()]
        rows.append(
            [
                *name(record),
                *(_thousands(count) for count in counts),
                f"{record.ms_per_image:.1f}",
                _ratio(record.ratio_to_niti_static),
                _share(record.ratio_to_plain),
                "yes" if record.bit_exact else "NO",
            ]
        )
    return format_table(header, rows)


def _memory(records: Sequence[Costs]) -> str:
    header, name = _named(("static data", "arena", "stack", "code", "total", "fits"), records)
    rows = [
        [
            *name(record),
            *(f"{size:,}" for size in astuple(record.sram)),
            f"{record.peak_sram_bytes:,}",
            "yes" if record.fits else "NO",
        ]
        for record in records
    ]
    return format_table(header, rows)


def _flash(records: Sequence[Costs]) -> str:
    header, name = _named(
        ("code", "weights", "total", "words read", "misses", "miss rate", "stall cycles"), records
    )
    rows = []
    for record in records:
        sizes, reads = record.flash, record.xip_per_image
        rows.append(
            [
                *name(record),
                *(f"{size:,}" for size in (*astuple(sizes), record.flash_bytes)),
                *(f"{count:,.0f}" for count in (reads.accesses, reads.misses)),
                _share(reads.miss_rate),
                f"{reads.stall_cycles:,.0f}",
            ]
        )
    return format_table(header, rows)


def _both(records: Sequence[Costs]) -> str:
    header, name = _named(("contention", "speed", "core 0", "core 1"), records)
    rows = [
        [
            *name(record),
            record.contention or "",
            "" if record.ratio_to_fast is None else f"{1 / record.ratio_to_fast:.3f}",
            *(_thousands(cycles) for cycles in record.bus_stalls_per_image.values()),
        ]
        for record in records
    ]
    return format_table(header, rows)


def _speed_up(records: Sequence[Costs], fast: Sequence[Costs]) -> str:
    """Cycles of fast over those of both cores, by layer and pass."""
    faster = {record.label: record.cycles_by_layer for record in fast}
    ratios = {
        record.label: {
            layer: {
                phase: faster[record.label][layer][phase] / cycles
                for phase, cycles in phases.items()
            }
            for layer, phases in record.cycles_by_layer.items()
        }
        for record in records
    }
    return _by_layer(ratios, lambda ratio: f"{ratio:.2f}")


def _layers(records: Sequence[Costs]) -> str:
    return _by_layer({record.label: record.cycles_by_layer for record in records}, _thousands)


def _per_mac(records: Sequence[Costs]) -> str:
    by_label = {record.label: record.cycles_per_mac for record in records}
    return _by_layer(by_label, lambda cycles: f"{cycles:.2f}")


def _by_layer(columns: Mapping[str, _ByLayer], text: Callable[[float], str]) -> str:
    """A row for each layer and pass, a column for each label; empty where a method lacks it."""
    header = ["layer", "", *columns]
    rows = []
    for layer in next(iter(columns.values())):
        phases = dict.fromkeys(phase for column in columns.values() for phase in column[layer])
        for phase in phases:
            counts = [column[layer].get(phase) for column in columns.values()]
            rows.append([layer, phase, *("" if n is None else text(n) for n in counts)])
    return format_table(header, rows)


def _ratio(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.3f}"


def _share(ratio: float | None) -> str:
    return "" if ratio is None else f"{100 * ratio:.1f} %"


def _thousands(cycles: float) -> str:
    return f"{cycles / 1000:,.1f}"
