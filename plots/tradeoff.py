"""The trade-off figure: peak SRAM against time of each way to train, with what it learns."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator, ScalarFormatter

from priot.plots.checks import common_value, require_percent, require_some
from priot.plots.style import ACCENT, COLUMN_INCHES, SHADES, legend_below, paper_style, save

_KIB = 1024
_HEIGHT_INCHES = 2.6
_SCALE = LinearSegmentedColormap.from_list("accuracy", SHADES[::-1])  # the more, the darker
_MARKERS = "sDo^v<>"
_POINT: dict[str, Any] = {
    "markersize": 3.5,
    "markeredgecolor": "#555555",
    "markeredgewidth": 0.4,
}
_HALO: dict[str, Any] = {  # around a point on the front, with white between: seen in grey as well
    "markersize": 6.5,
    "markerfacecolor": "white",
    "markeredgecolor": ACCENT,
    "markeredgewidth": 0.8,
    "zorder": 1.9,  # below all points
}
_MARGIN = 1.15  # of the time axis, as a factor
_SPAN_INCHES = 0.13  # height of a line that tells where a variant's points are


def draw_tradeoff(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw peak SRAM against time on a logarithmic axis: one point for each way to train.

    Markers tell methods, shades accuracy, dark for high; points on the Pareto front have a halo in
    the accent colour. Lines above the axes tell from where to where the points
    of each variant of the firmware lie. KB are 1024 bytes.

    Args:
        rows: one for each point, with the keys

            * ``family``: the method, such as "PRIOT-S";
            * ``variant``: of the firmware;
            * ``ms``: of a training step, above 0;
            * ``clock_hz``: the processor's clock, the same in all rows;
            * ``peak_sram_bytes``;
            * ``final_mean``: accuracy in percent;
            * ``pareto``: whether the row is on the front.

            Other keys are left alone.
        path: where to write it; the suffix (``.pdf``, ``.png``, ``.svg``) sets the format.

    Raises:
        ValueError: there is no row, there are more methods than markers, a time is not above 0, an
            accuracy is no percentage, rows differ in clock, or the suffix is unknown.
        KeyError: a row lacks a key.
        OSError: the file cannot be written.
    """
    clock_hz, families = _checked(rows)
    markers = dict(zip(families, _MARKERS, strict=False))
    accuracies = [row["final_mean"] for row in rows]
    shade = ScalarMappable(
        Normalize(math.floor(min(accuracies)), math.ceil(max(accuracies))), _SCALE
    )
    with paper_style():
        figure = Figure(figsize=(COLUMN_INCHES, _HEIGHT_INCHES), layout="constrained")
        axes = figure.subplots()
        for row in sorted(rows, key=lambda row: row["pareto"]):  # the front lies on top
            place, marker = (row["ms"], row["peak_sram_bytes"] / _KIB), markers[row["family"]]
            if row["pareto"]:
                axes.plot(*place, marker=marker, **_HALO)
            colour = shade.to_rgba(row["final_mean"])
            axes.plot(*place, marker=marker, markerfacecolor=colour, **_POINT)
        _draw_axes(axes, rows, clock_hz)
        _draw_spans(axes, rows)
        bar = figure.colorbar(shade, ax=axes, aspect=30, pad=0.02)
        bar.set_label("final accuracy, %")
        bar.outline.set_linewidth(0.5)
        bar.ax.tick_params(length=2)
        legend_below(figure, _legend(markers), handlelength=1)
        save(figure, path)


def _checked(rows: Sequence[Mapping[str, Any]]) -> tuple[float, list[str]]:
    """The clock, and the methods in the order in which they come first."""
    require_some(rows, "rows")
    families = list(dict.fromkeys(row["family"] for row in rows))
    if len(families) > len(_MARKERS):
        raise ValueError(
            f"{len(families)} methods in one figure, but {len(_MARKERS)} at most can be told "
            "apart; draw fewer"
        )
    for row in rows:
        require_percent(row["family"], "final_mean", [row["final_mean"]])
        if not row["ms"] > 0:
            raise ValueError(f"{row['family']}: ms is {row['ms']:g}; give times above 0")
    return common_value(rows, "clock_hz"), families


def _draw_axes(axes: Axes, rows: Sequence[Mapping[str, Any]], clock_hz: float) -> None:
    times = [row["ms"] for row in rows]
    axes.set_xscale("log")
    axes.set_xlim(min(times) / _MARGIN, max(times) * _MARGIN)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel(f"ms per image at {clock_hz / 1e6:g} MHz")
    axes.set_ylim(bottom=0)
    axes.set_ylabel("peak SRAM, KB")
    axes.grid()


def _draw_spans(axes: Axes, rows: Sequence[Mapping[str, Any]]) -> None:
    """A line for each variant above the axes, one below the other, with its name."""
    variants = list(dict.fromkeys(row["variant"] for row in rows))
    height = _SPAN_INCHES / _HEIGHT_INCHES
    for place, variant in enumerate(reversed(variants)):
        times = [row["ms"] for row in rows if row["variant"] == variant]
        middle = math.sqrt(min(times) * max(times))
        level = 1 + height * (place + 0.5)
        axes.plot(
            [min(times), max(times)],
            [level, level],
            transform=axes.get_xaxis_transform(),
            color="#555555",
            linewidth=0.8,
            marker="|",
            markersize=4,
            clip_on=False,
        )
        axes.annotate(
            variant,
            (middle, level),
            xycoords=axes.get_xaxis_transform(),
            ha="center",
            va="center",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )


def _legend(markers: Mapping[str, str]) -> list[Line2D]:
    families = [
        Line2D([], [], label=family, marker=marker, markerfacecolor=SHADES[2], **_POINT)
        for family, marker in markers.items()
    ]
    front = Line2D([], [], label="Pareto front", marker="o", **_HALO)
    for handle in (*families, front):
        handle.set_linestyle("none")
    return [*families, front]
