"""The accuracy figure: how well each training method does at each angle of rotation."""

from collections.abc import Mapping, Sequence
from itertools import chain, pairwise
from pathlib import Path
from statistics import fmean
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from priot.plots.checks import require_length, require_percent, require_some
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

_LEAST_INCHES, _ROW_INCHES = 3.0, 2.1  # of height, without the legend
_LEAST_ANGLES = 3  # of a line: two angles say nothing about what lies between them
_SPREAD = 0.7  # of the distance between two angles without a line: what their series take up
_POINTS_ZORDER = 4  # over all lines, the bold one too

Series = Mapping[str, Any]


def draw_accuracy(panels: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw accuracy against angle, a row of axes for each panel, a column for each family.

    Every axes has the series of its family, and those without one, to compare with. Marks are
    means over runs. From three angles on they stand at their angle, joined by lines, with bars from
    the worst run to the best; with one or two every run is a small point, series stand beside each
    other, and nothing is joined. All share one accuracy axis, the scale of
    ``priot.plots.error_scale``, which holds all runs; those above 99.9 % are drawn at 99.9 %. One
    axes takes a column's width, several take the page's.

    Args:
        panels: one for each row, with the keys

            * ``title``: what stands over it, lettered "(a)" and on if there are several panels;
            * ``angles``: in degrees, rising;
            * ``series``: what is drawn in it, each with ``label``, ``values`` (for each angle the
              accuracies of its runs, in percent) and, if wanted, ``family``, the column that it
              stands in, ``short``, its name there, and ``emphasis``: true draws it bold and in the
              accent colour.

            Other keys are left alone.
        path: where to write it; the suffix (``.pdf``, ``.png``, ``.svg``) sets the format.

    Raises:
        ValueError: there is no panel, or no angle or series in a panel; angles do not rise; a
            series has not some runs for each angle, or one that is no percentage; there are more
            series in an axes than lines that can be told apart; or the suffix is unknown.
        KeyError: a panel or a series lacks a key.
        OSError: the file cannot be written.
    """
    _check(panels)
    everything = [series for panel in panels for series in panel["series"]]
    families: list[Any] = list(dict.fromkeys(filter(None, map(_family, everything)))) or [None]
    shared = [series for series in everything if _family(series) is None]
    styles = [
        line_styles([*shared, *(one for one in everything if family and _family(one) == family)])
        for family in families
    ]
    joined = any(len(panel["angles"]) >= _LEAST_ANGLES for panel in panels)
    with paper_style():
        one = len(panels) == len(families) == 1
        figure = Figure(
            figsize=(
                COLUMN_INCHES if one else PAGE_INCHES,
                max(_LEAST_INCHES, _ROW_INCHES * len(panels)),
            ),
            layout="constrained",
        )
        grid = figure.subplots(len(panels), len(families), sharex="row", sharey=True, squeeze=False)
        for row, panel, title in zip(grid, panels, panel_titles(panels, PAGE_INCHES), strict=True):
            for axes, family, of_family in zip(row, families, styles, strict=True):
                _draw_axes(axes, panel, family, of_family)
            row[0].set_ylabel(f"{title}\naccuracy, % (log of error)".lstrip())
        for at, family in enumerate(families):
            grid[0, at].set_title(family, loc="left")
            grid[-1, at].set_xlabel("angle, degrees")
            _name_family(grid[-1, at], family, everything, styles[at], joined)
        set_error_scale(grid[0, 0], [run for one in everything for run in chain(*one["values"])])
        handles = [_handle(*of_label, joined) for of_label in line_styles(shared).items()]
        legend_below(figure, handles)
        save(figure, path)


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
            require_length(label, series, ("values",), len(angles))
            for runs in series["values"]:
                require_some(runs, f"runs of {label}")
                require_percent(label, "values", runs)


def _family(series: Series) -> Any:
    return series.get("family")


def _draw_axes(
    axes: Axes, panel: Mapping[str, Any], family: Any, styles: Mapping[str, dict[str, Any]]
) -> None:
    """A panel's series that are of a family, or of none."""
    angles = panel["angles"]
    mine = [one for one in panel["series"] if _family(one) in (None, family)]
    mine.sort(key=lambda one: list(styles).index(one["label"]))
    if len(angles) < _LEAST_ANGLES:
        _draw_runs(axes, mine, styles)
        axes.set_xticks(range(len(angles)), [f"{angle:g}" for angle in angles])
        axes.set_xlim(-0.5, len(angles) - 0.5)
    else:
        _draw_lines(axes, angles, mine, styles)
        gap = min(after - before for before, after in pairwise(angles))
        axes.set_xticks(angles)
        axes.set_xlim(angles[0] - gap / 3, angles[-1] + gap / 3)
    axes.grid(axis="y")


def _draw_lines(
    axes: Axes,
    angles: Sequence[float],
    everything: Sequence[Series],
    styles: Mapping[str, dict[str, Any]],
) -> None:
    """Means joined by lines; bars reach from the worst run to the best."""
    for series in everything:
        style = styles[series["label"]]
        means = [fmean(runs) for runs in series["values"]]
        bars = [
            [mean - min(runs) for mean, runs in zip(means, series["values"], strict=True)],
            [max(runs) - mean for mean, runs in zip(means, series["values"], strict=True)],
        ]
        axes.plot(angles, means, **style | {"marker": ""})
        points, *_ = axes.errorbar(
            angles,
            means,
            bars,
            elinewidth=0.7,
            capsize=1.2,
            capthick=0.7,
            **style | {"linestyle": "none", "zorder": _POINTS_ZORDER},
        )
        points.set_clip_on(False)  # whole markers at the axis's ends


def _draw_runs(
    axes: Axes, everything: Sequence[Series], styles: Mapping[str, dict[str, Any]]
) -> None:
    """Every run a small point, beside its mean; series stand beside each other."""
    for number, series in enumerate(everything):
        style = styles[series["label"]] | {"linestyle": "none", "clip_on": False}
        shift = _SPREAD * ((number + 0.5) / len(everything) - 0.5)
        places = [at + shift for at in range(len(series["values"]))]
        for place, runs in zip(places, series["values"], strict=True):
            single = {"marker": "o", "markersize": 1.6, "markerfacecolor": "none"}
            axes.plot([place] * len(runs), runs, **style | single | {"markeredgewidth": 0.5})
        means = [fmean(runs) for runs in series["values"]]
        axes.plot(places, means, **style | {"zorder": _POINTS_ZORDER})


def _name_family(
    axes: Axes,
    family: Any,
    everything: Sequence[Series],
    styles: Mapping[str, dict[str, Any]],
    joined: bool,
) -> None:
    """Name the series of a family below its column."""
    names = {
        one["label"]: one.get("short", one["label"])
        for one in everything
        if family is not None and _family(one) == family
    }
    handles = [_handle(name, styles[label], joined) for label, name in names.items()]
    if handles:
        axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(-0.05, -0.34))


def _handle(label: str, style: Mapping[str, Any], joined: bool) -> Line2D:
    unjoined: dict[str, Any] = {} if joined else {"linestyle": "none"}
    return Line2D([], [], label=label, **{**style, **unjoined})
