"""The accuracy figure: how well each training method does at each angle of rotation."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

from priot.plots.checks import require_length, require_percent, require_some
from priot.plots.panels import draw_accuracy_panels

_SPREAD = 0.7  # of the distance between the nearest angles: what the offsets take up
_POINTS_ZORDER = 4  # over all lines, the bold one too


def draw_accuracy(panels: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw accuracy against angle: each series' mean, with its standard deviation as error bar.

    Panels stand side by side on one accuracy axis, the scale of ``priot.plots.error_scale``, with
    one legend below. A label has the same line and the same small sideways offset in all of them,
    so that error bars stand beside each other. One panel takes a column's width, several take the
    page's. The axis holds all means and the bars' lower ends; an upper end beyond it is cut there
    and has no cap. Means above 99.9 % are drawn at 99.9 %.

    Args:
        panels: one for each axes, with the keys

            * ``title``: what stands over it, lettered "(a)" and on if there are several panels;
            * ``angles``: in degrees, rising;
            * ``series``: what is drawn in it, each with ``label``, ``mean`` and ``std`` (lists in
              percent, one value for each angle) and, if wanted, ``emphasis``: true draws that
              label bold and in the accent colour, in every panel.

            Other keys are left alone.
        path: where to write it; the suffix (``.pdf``, ``.png``, ``.svg``) sets the format.

    Raises:
        ValueError: there is no panel, or no angle or series in a panel; angles do not rise; a
            series has not one value for each angle, a mean that is no percentage or a deviation
            below 0; there are more labels than lines that can be told apart; or the suffix is
            unknown.
        KeyError: a panel or a series lacks a key.
        OSError: the file cannot be written.
    """
    _check(panels)
    draw_accuracy_panels(panels, _draw_panel, _ends, path)


def _check(panels: Sequence[Mapping[str, Any]]) -> None:
    require_some(panels, "panels")
    for panel in panels:
        angles = panel["angles"]
        require_some(angles, f"angles in the panel {panel['title']!r}")
        if list(angles) != sorted(set(angles)):
            raise ValueError(f"the angles of {panel['title']!r} do not rise; sort them")
        require_some(panel["series"], f"series in the panel {panel['title']!r}")
        for series in panel["series"]:
            label = series["label"]
            require_length(label, series, ("mean", "std"), len(angles))
            require_percent(label, "mean", series["mean"])
            if min(series["std"]) < 0:
                raise ValueError(f"{label}: std is below 0; give standard deviations")


def _draw_panel(axes: Axes, panel: Mapping[str, Any], styles: Mapping[str, dict[str, Any]]) -> None:
    angles = panel["angles"]
    gaps = [after - before for before, after in pairwise(angles)]
    gap = min(gaps, default=1)
    order = list(styles)
    for series in panel["series"]:
        shift = gap * _SPREAD * ((order.index(series["label"]) + 0.5) / len(order) - 0.5)
        places = [angle + shift for angle in angles]
        style = styles[series["label"]]
        axes.plot(places, series["mean"], **style | {"marker": ""})
        points, *_ = axes.errorbar(
            places,
            series["mean"],
            _bars(series),
            elinewidth=0.7,
            capsize=1.2,
            capthick=0.7,
            **style | {"linestyle": "none", "zorder": _POINTS_ZORDER},
        )
        points.set_clip_on(False)  # whole markers at the axis's ends
    axes.set_xticks(angles)
    axes.set_xlim(angles[0] - gap / 2, angles[-1] + gap / 2)
    axes.set_xlabel("angle, degrees")
    axes.grid(axis="y")


def _bars(series: Mapping[str, Any]) -> list[list[float]]:
    """Lengths of the error bars, down and up, within what an accuracy can be."""
    pairs = list(zip(series["mean"], series["std"], strict=True))
    return [
        [min(std, mean) for mean, std in pairs],
        [min(std, 100 - mean) for mean, std in pairs],
    ]


def _ends(series: Mapping[str, Any]) -> list[float]:
    """The means and the bars' lower ends: an upper end near 100 % would take all the height."""
    means = series["mean"]
    below, _ = _bars(series)
    return [*means, *(mean - bar for mean, bar in zip(means, below, strict=True))]
