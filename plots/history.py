"""The history figure: accuracy epoch by epoch, of every run and in the mean."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from priot.plots.checks import require_length, require_percent, require_some
from priot.plots.panels import draw_accuracy_panels

_RUN_ALPHA, _RUN_WIDTH = 0.35, 0.4
_MARKS = 6  # on each line, or one more: more would hide the line


def draw_history(panels: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw accuracy by epoch: a line for each series' mean, a thin one for each of its runs.

    A mean of runs of which some collapse is no run: the thin lines show what happens.

    Panels stand side by side on one accuracy axis, the scale of ``priot.plots.error_scale``, with
    one legend below. A label has the same line in all of them. One panel takes a column's width,
    several take the page's. What is above 99.9 % is drawn at it.

    Args:
        panels: one for each axes, with the keys

            * ``title``: what stands over it, lettered "(a)" and on if there are several panels;
            * ``epochs``: after which accuracy was measured, rising from 0, before training;
            * ``series``: what is drawn in it, each with ``label``, ``runs`` (of each run a list in
              percent, one value for each epoch) and, if wanted, ``emphasis``: true draws that
              label bold and in the accent colour, in every panel.

            Other keys are left alone.
        path: where to write it; the suffix (``.pdf``, ``.png``, ``.svg``) sets the format.

    Raises:
        ValueError: there is no panel, or no epoch or series in a panel; epochs do not rise from 0;
            a series has no runs, or one without a value for each epoch or with one that is no
            percentage; there are more labels than lines that can be told apart; or the suffix is
            unknown.
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
            require_some(series["runs"], f"runs of {series['label']}")
            for run in series["runs"]:
                require_length(series["label"], {"a run": run}, ("a run",), len(epochs))
                require_percent(series["label"], "a run", run)


def _ends(series: Mapping[str, Any]) -> list[float]:
    return [accuracy for run in series["runs"] for accuracy in run]


def _draw_panel(axes: Axes, panel: Mapping[str, Any], styles: Mapping[str, dict[str, Any]]) -> None:
    order, epochs = list(styles), panel["epochs"]
    for series in panel["series"]:
        style = styles[series["label"]]
        thin = {"marker": "", "linewidth": _RUN_WIDTH, "alpha": _RUN_ALPHA, "zorder": 1}
        axes.plot(epochs, list(zip(*series["runs"], strict=True)), **style | thin)
        gap = max(1, len(epochs) // _MARKS)
        first = order.index(series["label"]) * gap // len(order)  # marks of two lines stand apart
        means = [fmean(values) for values in zip(*series["runs"], strict=True)]
        axes.plot(epochs, means, markevery=(first, gap), clip_on=False, **style)
    axes.set_xlim(0, max(1, epochs[-1]))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    axes.set_xlabel("epoch")
    axes.grid(axis="y")
