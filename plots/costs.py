"""The cost figure: time per image and peak SRAM of each training method, side by side."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import ScaledTranslation

from priot.plots.checks import common_value
from priot.plots.style import ACCENT, PAGE_INCHES, SHADES, paper_style, save

_PHASES = {"forward": "forward", "backward": "backward", "update": "update"}
_PARTS = {"static_data": "static data", "arena": "arena", "stack": "stack", "code": "code in SRAM"}

_TIMES = "\N{MULTIPLICATION SIGN}"
_KIB = 1024
_BAR_HEIGHT = 0.62  # of the distance between two methods
_ROW_INCHES = 0.22
_FRAME_INCHES = 0.95  # title, axis label and legend
_LEGEND_INCHES = 0.42  # from the axis down to the legend
_TIME_ROOM = 1.4  # length of the axis over its longest bar: room for the values
_SRAM_ROOM = 1.2  # likewise, over the capacity
_SRAM_VALUE = 0.11  # width of a value, as a part of the capacity


def draw_costs(records: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw what each training method costs on the device, from records alone.

    Left, horizontal bars of milliseconds per image, stacked by phase, each with its total and, in
    brackets, its ratio to NITI static of the same variant; right, of peak SRAM, stacked by part,
    against the chip's capacity. Methods stand in the order of the records, the first at the top. KB
    are 1024 bytes.

    Args:
        records: one for each method, with the keys

            * ``label``: what the figure calls the method, such as "PRIOT-S 10 %";
            * ``variant``: of the firmware, written behind the label where the records differ in it;
            * ``clock_hz``: the processor's clock, the same in all records;
            * ``cycles_per_image``: ``mean``, in cycles;
            * ``cycles_by_phase``: means for ``forward``, ``backward`` and ``update``, in cycles;
            * ``ratio_to_niti_static``: of the means, a number, or None where it is unknown;
            * ``sram``: ``static_data``, ``arena``, ``stack`` and ``code``, in bytes;
            * ``peak_sram_bytes``: their sum as measured;
            * ``sram_capacity_bytes``: the chip's, the same in all records (270,336 for RP2040).

            Other keys are left alone.
        path: where to write it; the suffix (``.pdf``, ``.png``, ``.svg``) sets the format.

    Raises:
        ValueError: there is no record, the records differ in clock or capacity, or the suffix is
            unknown.
        KeyError: a record lacks a key.
        OSError: the file cannot be written.
    """
    if not records:
        raise ValueError("no records to draw; run at least one method")
    clock_hz = common_value(records, "clock_hz")
    capacity = common_value(records, "sram_capacity_bytes")

    with paper_style():
        height = _FRAME_INCHES + _ROW_INCHES * len(records)
        figure = Figure(figsize=(PAGE_INCHES, height), layout="constrained")
        time_axes, sram_axes = figure.subplots(1, 2, sharey=True)
        _draw_time(time_axes, records, clock_hz)
        _draw_sram(sram_axes, records, capacity)
        time_axes.set_yticks(range(len(records)), _names(records))
        time_axes.set_ylim(len(records) - 0.5, -0.5)
        save(figure, path)


def _names(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """The methods' labels, with the variant where there are several."""
    if len({record.get("variant") for record in records}) == 1:
        return [record["label"] for record in records]
    return [f"{record['label']}, {record['variant']}" for record in records]


def _draw_time(axes: Axes, records: Sequence[Mapping[str, Any]], clock_hz: float) -> None:
    per_ms = clock_hz / 1000
    _stack(axes, _PHASES, [record["cycles_by_phase"] for record in records], per_ms)
    totals = [record["cycles_per_image"]["mean"] / per_ms for record in records]
    for row, (record, total) in enumerate(zip(records, totals, strict=True)):
        ratio = record["ratio_to_niti_static"]
        _write_value(
            axes, total, row, _number(total) + (f" ({ratio:.2f}{_TIMES})" if ratio else "")
        )
    axes.set_xlim(0, _TIME_ROOM * max(totals))
    axes.set_xlabel(f"ms at {clock_hz / 1e6:g} MHz (ratio to NITI static)")
    axes.set_title("(a) Time per image", loc="left")


def _draw_sram(axes: Axes, records: Sequence[Mapping[str, Any]], capacity: float) -> None:
    _stack(axes, _PARTS, [record["sram"] for record in records], _KIB)
    totals = [record["peak_sram_bytes"] / _KIB for record in records]
    limit = capacity / _KIB
    for row, total in enumerate(totals):
        across_limit = total <= limit < total + _SRAM_VALUE * limit
        _write_value(axes, limit if across_limit else total, row, _number(total))
    axes.axvline(limit, color=ACCENT, linewidth=1, linestyle=(0, (4, 2)))
    axes.annotate(
        f"{limit:g} KB on chip",
        (limit, 1),
        xycoords=axes.get_xaxis_transform(),
        xytext=(0, 6),  # level with the title
        textcoords="offset points",
        ha="center",
        va="baseline",
        color=ACCENT,
    )
    axes.set_xlim(0, _SRAM_ROOM * max(limit, *totals))
    axes.set_xlabel("KB of 1024 bytes")
    axes.set_title("(b) Peak SRAM", loc="left")


def _stack(
    axes: Axes, segments: Mapping[str, str], rows: Sequence[Mapping[str, float]], unit: float
) -> None:
    left = [0.0] * len(rows)
    for (key, name), shade in zip(segments.items(), SHADES, strict=False):
        widths = [row[key] / unit for row in rows]
        axes.barh(
            range(len(rows)),
            widths,
            _BAR_HEIGHT,
            left,
            color=shade,
            edgecolor="black",
            label=name,
        )
        left = [start + width for start, width in zip(left, widths, strict=True)]
    axes.grid(axis="x")
    axes.tick_params(axis="y", length=0)
    inches = axes.figure.dpi_scale_trans
    axes.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, 0),
        bbox_transform=axes.transAxes + ScaledTranslation(0, -_LEGEND_INCHES, inches),
        borderaxespad=0,
        ncols=len(segments),
        handlelength=1.2,
        columnspacing=1.2,
    )


def _write_value(axes: Axes, x: float, row: int, text: str) -> None:
    axes.annotate(
        text,
        (x, row),
        xytext=(3, 0),
        textcoords="offset points",
        va="center_baseline",
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},  # hides the grid behind it
    )


def _number(value: float) -> str:
    """About three significant digits, never in powers of ten: 1.23, 12.3, 123, 1,234."""
    digits = 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:,.{digits}f}"
