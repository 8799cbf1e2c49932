"""The history figure: accuracy epoch by epoch, with its spread over the seeds."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from priot.plots.checks import require_length, require_percent, require_some
from priot.plots.panels import draw_accuracy_panels

_BAND_ALPHA = 0.16
_MARKS = 6  # on each line, or one more: more would hide the line


def draw_history(panels: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw accuracy by epoch: a line for each series' mean, a light band for its spread.

    Panels stand side by side on one accuracy axis, the scale of ``priot.plots.error_scale``, with
    one legend below. A label has the same line in all of them. One panel takes a column's width,
    several take the page's. Bands are cut at 0 and 99.9 %; means above 99.9 % are drawn at it.

    Args:
        panels: one for each axes, with the keys

            * ``title``: what stands over it, lettered "(a)" and on if there are several panels;
            * ``epochs``: after which accuracy was measured, rising from 0, before training;
            * ``series``: what is drawn in it, each with ``label``, with ``mean``, ``low`` and
              ``high`` (lists in percent, one value for each epoch) and, if wanted,
              ``emphasis``: true draws that label bold and in the accent colour, in every panel.

            Other keys are left alone.
        path: where to write it; the suffix (``.pdf``, ``.png``, ``.svg``) sets the format.

    Raises:
        ValueError: there is no panel, or no epoch or series in a panel; epochs do not rise from 0;
            a series has not one value for each epoch, or a mean that is no percentage; there are
            more labels than lines that can be told apart; or the suffix is unknown.
        KeyError: a panel or a series lacks a key.
        OSError: the file cannot be written.
    """
    _check(panels)
    draw_accuracy_panels(panels, _draw_panel, _ends, path)


def _check(panels: Sequence[Mapping[str, Any]]) -> None:
    require_some(panels, "panels")
    for panel in panels:
        epochs = panel["epochs"]
        require_some(epochs, f"epochs in the panel {panel['title']!r}")
        if epochs[0] != 0 or list(epochs) != sorted(set(epochs)):
            raise ValueError(f"the epochs of {panel['title']!r} do not rise from 0; sort them")
        require_some(panel["series"], f"series in the panel {panel['title']!r}")
        for series in panel["series"]:
            require_length(series["label"], series, ("mean", "low", "high"), len(epochs))
            require_percent(series["label"], "mean", series["mean"])


def _band(series: Mapping[str, Any]) -> tuple[list[float], list[float]]:
    """The spread's lower and upper edge, about the mean and within what an accuracy can be."""
    means = series["mean"]
    return (
        [max(0, min(*pair)) for pair in zip(means, series["low"], strict=True)],
        [min(100, max(*pair)) for pair in zip(means, series["high"], strict=True)],
    )


def _ends(series: Mapping[str, Any]) -> list[float]:
    return [value for edge in _band(series) for value in edge]


def _draw_panel(axes: Axes, panel: Mapping[str, Any], styles: Mapping[str, dict[str, Any]]) -> None:
    order, epochs = list(styles), panel["epochs"]
    for series in panel["series"]:
        style = styles[series["label"]]
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
    axes.set_xlim(0, max(1, epochs[-1]))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    axes.set_xlabel("epoch")
    axes.grid(axis="y")
