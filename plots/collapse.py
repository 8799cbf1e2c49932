"""The collapse figure: where training ends well and where it collapses, over its settings."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from priot.plots.checks import require_length, require_percent, require_some
from priot.plots.style import (
    ACCENT,
    COLUMN_INCHES,
    PAGE_INCHES,
    SHADES,
    legend_below,
    panel_titles,
    paper_style,
    save,
)

_SCALE = LinearSegmentedColormap.from_list("accuracy", SHADES, N=40)
_DARK_BELOW = 45  # percent: on such cells the number is white
_HATCH = "/////"
_HATCH_COLOUR = "#c4c4c4"
_CELL_INCHES = 0.19  # height
_LINE_INCHES = 0.13  # a line of a title
_GAP_INCHES = 0.13  # between a row of panels and the next one's titles
_FRAME_INCHES = 0.35  # axis label below the last row
_SIDE_INCHES = 0.9  # width, of labels and colour scale
_SHORT = 3  # letters of a column's label that fit below it
_BAR_HEIGHT = 0.2  # of a cell's, for the share of collapsed runs


def draw_collapse(
    maps: Sequence[Mapping[str, Any]], path: Path, columns_of_panels: int, column_axis: str
) -> None:
    """Draw final accuracy as heat maps over learning-rate bits and more, with collapses marked.

    All maps share one scale from 0 to 100 %, dark to light, and each cell bears its accuracy,
    rounded. A bar along the bottom of a cell marks collapsed runs: as long as the cell is wide if
    all collapsed, and without a bar if none did. Hatched cells were not run. Maps fill the page
    row by row, each with its first row of cells at the bottom, as on an axis.

    Args:
        maps: one for each panel, with the keys

            * ``title``: what stands over it, lettered "(a)" and on if there are several panels;
              a long one is broken into lines;
            * ``rows``: learning-rate bits;
            * ``columns``: what stands below each column, upright where all are short;
            * ``accuracy``: a list for each row with a value for each column: mean final accuracy
              in percent, or None where nothing was run;
            * ``collapsed_share``: likewise, the percentage of the runs that collapsed, or None.

            Other keys are left alone.
        path: where to write it; the suffix (``.pdf``, ``.png``, ``.svg``) sets the format.
        columns_of_panels: how many panels stand side by side. One takes a column's width, several
            take the page's; four are legible with five columns each, seven with four.
        column_axis: what columns are: "angle, degrees".

    Raises:
        ValueError: there is no map; one has no rows or columns, or not a value for each cell; a
            value is not a percentage; ``columns_of_panels`` is below 1; or the suffix is unknown.
        KeyError: a map lacks a key.
        OSError: the file cannot be written.
    """
    _check(maps, columns_of_panels)
    width = COLUMN_INCHES if columns_of_panels == 1 else PAGE_INCHES
    across = min(columns_of_panels, len(maps))
    titles = panel_titles(maps, (width - _SIDE_INCHES) / across)
    starts = range(0, len(maps), across)
    cells = [max(len(panel["rows"]) for panel in maps[i : i + across]) for i in starts]
    lines = [1 + max(title.count("\n") for title in titles[i : i + across]) for i in starts]
    height = _CELL_INCHES * sum(cells) + _LINE_INCHES * sum(lines) + _FRAME_INCHES
    with paper_style():
        figure = Figure(figsize=(width, height + _GAP_INCHES * len(cells)), layout="constrained")
        grid = figure.subplots(len(cells), across, squeeze=False, height_ratios=cells)
        panels: list[Axes] = list(grid.flat)
        for axes, panel, title in zip(panels, maps, titles, strict=False):
            _draw_map(axes, panel)
            axes.set_title(title, loc="left", linespacing=1)
        for place, axes in enumerate(panels):
            _label(axes, maps, place, across, column_axis)
        _draw_scale(figure, panels)
        legend_below(figure, _marks(maps), handlelength=1.2)
        save(figure, path)


def _check(maps: Sequence[Mapping[str, Any]], columns_of_panels: int) -> None:
    require_some(maps, "maps")
    if columns_of_panels < 1:
        raise ValueError(f"{columns_of_panels} panels side by side; give at least 1")
    for panel in maps:
        title, rows, columns = panel["title"], panel["rows"], panel["columns"]
        require_some(rows, f"rows in the map {title!r}")
        require_some(columns, f"columns in the map {title!r}")
        require_length(title, panel, ("accuracy", "collapsed_share"), len(rows))
        for key in ("accuracy", "collapsed_share"):
            for row, values in zip(rows, panel[key], strict=True):
                require_length(f"{title}, row {row}", {key: values}, (key,), len(columns))
                require_percent(f"{title}, row {row}", key, [v for v in values if v is not None])


def _draw_map(axes: Axes, panel: Mapping[str, Any]) -> None:
    # Cells that are not drawn let the hatching through.
    axes.patch.set(hatch=_HATCH, edgecolor=_HATCH_COLOUR, linewidth=0)
    for row, (values, shares) in enumerate(
        zip(panel["accuracy"], panel["collapsed_share"], strict=True)
    ):
        for column, (value, share) in enumerate(zip(values, shares, strict=True)):
            if value is not None:
                _draw_cell(axes, column, row, value, share or 0)
    axes.set_xlim(0, len(panel["columns"]))
    axes.set_ylim(0, len(panel["rows"]))
    axes.spines[["top", "right"]].set_visible(True)


def _draw_cell(axes: Axes, column: int, row: int, value: float, share: float) -> None:
    colour = _SCALE(value / 100)
    axes.add_patch(Rectangle((column, row), 1, 1, facecolor=colour, edgecolor="white"))
    if share:
        axes.add_patch(
            Rectangle(
                (column, row),
                share / 100,
                _BAR_HEIGHT,
                facecolor=ACCENT,
                edgecolor="white",
                linewidth=0.6,
            )
        )
    text = axes.text(
        column + 0.5,
        row + 0.5 + _BAR_HEIGHT / 2,
        f"{value:.0f}",
        ha="center",
        va="center_baseline",
        fontsize=7,
        color="white" if value < _DARK_BELOW else "black",
    )
    text.set_in_layout(False)  # hundreds of them would slow the layout, and all lie within axes


def _label(
    axes: Axes, maps: Sequence[Mapping[str, Any]], place: int, across: int, column_axis: str
) -> None:
    """Tick labels, unless the panel to the left or below says the same; no axes without a map."""
    if place >= len(maps):
        axes.set_axis_off()
        return
    rows, columns = maps[place]["rows"], maps[place]["columns"]
    left = maps[place - 1]["rows"] if place % across else []
    below = maps[place + across]["columns"] if place + across < len(maps) else []
    own_rows, own_columns = list(rows) != list(left), list(columns) != list(below)
    axes.set_xticks([i + 0.5 for i in range(len(columns))], columns)
    axes.tick_params(axis="x", rotation=90 if max(map(len, columns)) > _SHORT else 0)
    axes.set_yticks([i + 0.5 for i in range(len(rows))], [f"{bits:g}" for bits in rows])
    axes.tick_params(
        length=0,
        pad=2,
        labelleft=own_rows,
        labelbottom=own_columns,
    )
    if own_rows:
        axes.set_ylabel("learning-rate bits")
    if own_columns:
        axes.set_xlabel(column_axis, labelpad=2)


def _draw_scale(figure: Figure, panels: Sequence[Axes]) -> None:
    bar = figure.colorbar(
        ScalarMappable(Normalize(0, 100), _SCALE), ax=panels, aspect=40, pad=0.015
    )
    bar.set_label("final accuracy, %")
    bar.outline.set_linewidth(0.5)
    bar.ax.tick_params(length=2)


def _marks(maps: Sequence[Mapping[str, Any]]) -> list[Patch]:
    """What the legend explains: only what is drawn."""
    cells = [
        (value, share)
        for panel in maps
        for values, shares in zip(panel["accuracy"], panel["collapsed_share"], strict=True)
        for value, share in zip(values, shares, strict=True)
    ]
    marks = []
    if any(value is not None and share for value, share in cells):
        marks.append(Patch(color=ACCENT, label="share of runs that collapsed (full width: all)"))
    if any(value is None for value, _ in cells):
        marks.append(
            Patch(facecolor="white", edgecolor=_HATCH_COLOUR, hatch=_HATCH, label="not run")
        )
    return marks
