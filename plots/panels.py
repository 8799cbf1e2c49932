"""Panels side by side that share an axis of accuracy and one legend."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from priot.plots.error_scale import set_error_scale
from priot.plots.style import (
    COLUMN_INCHES,
    PAGE_INCHES,
    legend_below,
    line_styles,
    panel_titles,
    paper_style,
    save,
)

_AXES_INCHES = 3.0  # height, with title and axis label
_LABEL_INCHES = 0.45  # width, of the accuracy's ticks and label

Panel = Mapping[str, Any]
Series = Mapping[str, Any]
Styles = Mapping[str, dict[str, Any]]


def draw_accuracy_panels(
    panels: Sequence[Panel],
    draw_panel: Callable[[Axes, Panel, Styles], None],
    ends: Callable[[Series], Sequence[float]],
    path: Path,
) -> None:
    """Draw ``panels``, one as wide as a column, several together as wide as the page.

    Args:
        panels: each with ``title`` and ``series``; a series' ``label`` has one line in all panels.
        draw_panel: draws one panel's series with the line of each label.
        ends: accuracies in percent, of a series, that the common axis must hold.
        path: where to write it; the suffix sets the format.

    Raises:
        ValueError: there are more labels than lines that can be told apart, or the suffix is
            unknown.
        OSError: the file cannot be written.
    """
    everything = [series for panel in panels for series in panel["series"]]
    styles = line_styles(everything)
    width = COLUMN_INCHES if len(panels) == 1 else PAGE_INCHES
    with paper_style():
        figure = Figure(figsize=(width, _AXES_INCHES), layout="constrained")
        grid = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        titles = panel_titles(panels, (width - _LABEL_INCHES) / len(panels))
        for axes, panel, title in zip(grid, panels, titles, strict=True):
            draw_panel(axes, panel, styles)
            axes.set_title(title, loc="left")
        grid[0].set_ylabel("accuracy, % (log of error)")
        set_error_scale(grid[0], [end for series in everything for end in ends(series)])
        legend_below(figure, [Line2D([], [], label=k, **style) for k, style in styles.items()])
        save(figure, path)
