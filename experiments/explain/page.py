"""The record of ``priot explain`` as one page of text: Markdown that reads well as it is."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from priot.experiments.output import format_table

Record = Mapping[str, Any]

PASSES = ("forward", "loss", "backward", "update")
LINES = 20  # of the source that are shown
WIDTH = 100  # of prose
_TEXT_WIDTH = 44  # of a source line


def page(record: Record) -> str:
    """The whole page."""
    return "\n\n".join(
        [
            *_summary(record),
            "## Cycles by layer and pass",
            _cycles(record),
            "## Memory over the step",
            *_memory(record),
            "## Hottest source lines",
            *_lines(record),
            "## Energy",
            *_energy(record),
        ]
    )


def _summary(record: Record) -> list[str]:
    costs, energy, run = record["costs"], record["energy"], record["configuration"]
    placement = costs["placement"]
    title = f"# A training step of {costs['label']}: {run['network']}, {costs['variant']}"
    steps, spread = record["steps"], costs["cycles_per_image"]
    return [
        title + ("" if placement == "default" else f", {placement}"),
        f"{record['cycles_per_step']:,.0f} cycles, {1000 * energy['seconds_per_step']:.2f} ms at "
        f"{costs['clock_hz'] / 1e6:g} MHz, {costs['peak_sram_bytes']:,} bytes of SRAM, "
        f"{costs['flash_bytes']:,} of flash, about {1000 * energy['joules_per_step']:.3f} mJ.",
        textwrap.fill(
            f"Mean of the first {steps} step{'s' * (steps > 1)} of the run "
            f"({run['dataset']}, {run['angle']:g} degrees, seed {run['seed']}), which took "
            f"{spread['min']:,} to {spread['max']:,} cycles; after every operation every tensor "
            "was equal to the reference's.",
            WIDTH,
        ),
    ]


def _cycles(record: Record) -> str:
    operations, total = record["operations"], record["cycles_per_step"]
    back = record["return_to_host"]
    rows = [
        [
            f"{number:2} {row['name']}",
            _thousands(row["cycles"]),
            _percent(row["share"]),
            "" if row["cycles_per_mac"] is None else f"{row['cycles_per_mac']:.2f}",
            f"{use['live_bytes']:,}",
        ]
        for number, (row, use) in enumerate(
            zip(operations, record["memory_map"]["operations"], strict=True), 1
        )
    ]
    rows.append(["   return to the host", _thousands(back["cycles"]), _percent(back["share"])])
    for way in PASSES:
        cycles = sum(row["cycles"] for row in operations if row["pass"] == way)
        rows.append(
            [f"all {way}" if way != "loss" else way, _thousands(cycles), _percent(cycles / total)]
        )
    rows.append(["whole step", _thousands(total), _percent(1)])
    header = ("operation", "thousand cycles", "share %", "cycles per MAC", "bytes alive")
    return _table(header, rows)


def _memory(record: Record) -> list[str]:
    costs, layout = record["costs"], record["memory_map"]
    sram, flash = costs["sram"], costs["flash"]
    stack = layout["stack"]
    parts = [
        f"SRAM: code {sram['code']:,} + static data {sram['static_data']:,} + arena "
        f"{sram['arena']:,} + stack {sram['stack']:,} = {costs['peak_sram_bytes']:,} of "
        f"{costs['sram_capacity_bytes']:,} bytes\n"
        f"(planned arena {costs['planned_arena_bytes']:,}; the stack reaches from "
        f"{stack['top']:#010x} down to {stack['address']:#010x}).\n"
        f"Flash: code {flash['code']:,} + weights {flash['weights']:,} = "
        f"{costs['flash_bytes']:,} bytes.",
        "The arena, by address; the columns are the operations by their numbers above:",
        _grid(layout),
    ]
    if costs["flash_bytes"]:
        reads = costs["xip_per_image"]
        parts[0] += (
            f"\nA step reads {reads['accesses']:,.0f} words of it through the XIP cache; "
            f"{reads['misses']:,.0f} miss and cost {reads['stall_cycles']:,.0f} cycles."
        )
    if layout["flash_buffers"]:
        rows = [
            [buffer["name"], f"{buffer['offset']:,}", f"{buffer['bytes']:,}"]
            for buffer in layout["flash_buffers"]
        ]
        parts += ["In flash:", _table(("buffer", "offset", "bytes"), rows)]
    return parts


def _grid(layout: Record) -> str:
    """A row for each buffer with a mark for each operation that needs it."""
    count = len(layout["operations"])
    numbers = [f"{number % 100:2}" for number in range(1, count + 1)]
    tens, units = ("".join(number[digit] for number in numbers) for digit in (0, 1))
    rows = [
        [
            buffer["name"],
            f"{layout['arena_address'] + buffer['offset']:#010x}",
            f"{buffer['bytes']:,}",
            "".join("#" if number in buffer["operations"] else "." for number in range(count)),
        ]
        for buffer in layout["buffers"]
    ]
    return _table(("buffer", "address", "bytes", tens), [["", "", "", units], *rows])


def _lines(record: Record) -> list[str]:
    lines, total = record["lines"], record["profile_cycles"]
    shown, others = lines[:LINES], lines[LINES:]
    steps = record["steps"]
    rows = [
        [
            _place(line),
            _thousands(line["cycles"] / steps),
            _percent(line["share"]),
            line["functions"][0] + (f" +{more}" if (more := len(line["functions"]) - 1) else ""),
            textwrap.shorten(line["text"] or "", _TEXT_WIDTH, placeholder=" ..."),
        ]
        for line in shown
    ]
    rest = sum(line["cycles"] for line in others)
    for name, cycles in ((f"{len(others)} other lines", rest), ("waits", record["waits"])):
        if cycles:
            rows.append([name, _thousands(cycles / steps), _percent(cycles / total)])
    rows.append(["all lines", _thousands(total / steps), _percent(1)])
    parts = [
        _table(("line", "thousand cycles", "share %", "function", "text"), rows, left=(0, 3, 4)),
    ]
    if any(Path(line["file"] or "").suffix == ".S" for line in shown):
        parts.append("Instructions of an assembler macro count for the line that calls it.")
    return parts


def _place(line: Record) -> str:
    return "?" if line["file"] is None else f"{line['file']}:{line['line']}"


def _energy(record: Record) -> list[str]:
    energy, run = record["energy"], record["configuration"]
    seconds, joules = energy["seconds_per_step"], energy["joules_per_step"]
    steps = run["images"] * run["epochs"]
    return [
        f"{energy['volts']:g} V x {energy['milliamps']:.4g} mA x {1000 * seconds:.3f} ms = "
        f"{1000 * joules:.4g} mJ a step: an estimate of the chip's core alone.\n"
        f"The run's {steps:,} steps, if all are like these: {joules * steps:.4g} J in "
        f"{seconds * steps:,.0f} s.",
        _list([f"voltage: {energy['volts_source']}", f"current: {energy['milliamps_source']}"]),
        "It leaves out:",
        _list(energy["left_out"]),
    ]


def _list(points: Sequence[str]) -> str:
    return "\n".join(
        textwrap.fill(point, WIDTH, initial_indent="* ", subsequent_indent="  ") for point in points
    )


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[int] = (0,)) -> str:
    """A table, indented as Markdown has it for text that is to stay as it is."""
    return textwrap.indent(format_table(header, rows, left), "    ")


def _thousands(cycles: float) -> str:
    return f"{cycles / 1000:,.1f}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"
