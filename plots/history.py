"""The history figure: accuracy epoch by epoch, with its spread over the seeds."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from plots.checks import require_length, require_percent, require_some
from plots.style import (
    COLUMN_INCHES,
    PAGE_INCHES,
    legend_below,
    line_styles,
    panel_titles,
    paper_style,
    percent_limits,
    save,
)

_AXES_INCHES = 2.4  # height, with title and axis label
_LABEL_INCHES = 0.45  # width, of the accuracy's ticks and label
_BAND_ALPHA = 0.16
_MARKS = 6  # on each line, or one more: more would hide the line


def draw_history(panels: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw accuracy by epoch: a line for each series' mean, a light band for its spread.

    Panels stand side by side on one accuracy axis, with one legend below. A label has the same
    line in all of them. One panel takes a column's width, several take the page's. Bands are cut
    at 0 and 100 %.

    Args:
        panels: one for each axes, with the keys

            * ``title``: what stands over it, lettered "(a)" and on if there are several panels;
            * ``series``: what is drawn in it, each with ``label``, with ``mean``, ``low`` and
              ``high`` (lists in percent, one value for each epoch, the first being epoch 0,
              before training) and, if wanted, ``emphasis``: true draws that label bold and in the
              accent colour, in every panel.

            Other keys are left alone.
        path: where to write it; the suffix (``.pdf``, ``.png``, ``.svg``) sets the format.

    Raises:
        ValueError: there is no panel, or no series in a panel; a series' lists differ in length
            or are empty, or a mean is no percentage; there are more labels than lines that can be
            told apart; or the suffix is unknown.
        KeyError: a panel or a series lacks a key.
        OSError: the file cannot be written.
    """
    _check(panels)
    everything = [series for panel in panels for series in panel["series"]]
    styles = line_styles(everything)
    width = COLUMN_INCHES if len(panels) == 1 else PAGE_INCHES
    with paper_style():
        figure = Figure(figsize=(width, _AXES_INCHES), layout="constrained")
        grid = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        titles = panel_titles(panels, (width - _LABEL_INCHES) / len(panels))
        for axes, panel, title in zip(grid, panels, titles, strict=True):
            _draw_panel(axes, panel["series"], styles)
            axes.set_title(title, loc="left")
        grid[0].set_ylabel("accuracy, %")
        ends = [value for series in everything for side in _band(series) for value in side]
        grid[0].set_ylim(*percent_limits(ends))
        legend_below(figure, [Line2D([], [], label=k, **style) for k, style in styles.items()])
        save(figure, path)


def _check(panels: Sequence[Mapping[str, Any]]) -> None:
    require_some(panels, "panels")
    for panel in panels:
        require_some(panel["series"], f"series in the panel {panel['title']!r}")
        for series in panel["series"]:
            require_some(series["mean"], f"epochs of {series['label']!r}")
            require_length(series["label"], series, ("low", "high"), len(series["mean"]))
            require_percent(series["label"], "mean", series["mean"])


def _band(series: Mapping[str, Any]) -> tuple[list[float], list[float]]:
    """The spread's lower and upper edge, about the mean and within what an accuracy can be."""
    means = series["mean"]
    return (
        [max(0, min(*pair)) for pair in zip(means, series["low"], strict=True)],
        [min(100, max(*pair)) for pair in zip(means, series["high"], strict=True)],
    )


def _draw_panel(
    axes: Axes, everything: Sequence[Mapping[str, Any]], styles: Mapping[str, dict[str, Any]]
) -> None:
    order = list(styles)
    for series in everything:
        style = styles[series["label"]]
        epochs = range(len(series["mean"]))
        axes.fill_between(
            epochs,
            *_band(series),
            color=style["color"],
            alpha=_BAND_ALPHA,
            linewidth=0,
        )
        gap = max(1, len(epochs) // _MARKS)
        first = order.index(series["label"]) * gap // len(order)  # marks of two lines stand apart
        axes.plot(epochs, series["mean"], markevery=(first, gap), clip_on=False, **style)
    axes.set_xlim(0, max(1, *(len(series["mean"]) - 1 for series in everything)))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    axes.set_xlabel("epoch")
    axes.grid(axis="y")
