"""How figures look and are written: for an IEEE paper, readable in grey, byte-stable."""

import math
import os
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from string import ascii_lowercase
from typing import Any

from matplotlib import style
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from priot.plots.formats import FORMATS, METADATA

COLUMN_INCHES = 3.5
"""Width of one column of an IEEE Transactions page."""

PAGE_INCHES = 7.16
"""Width of both columns of an IEEE Transactions page."""

SHADES = ("#1f3d5c", "#5f8fb8", "#b3cde0", "#e8eff5")
"""Fills from dark to light: their order survives a print in grey."""

ACCENT = "#b3402e"
"""For the one line that must not be missed."""

_TONES = (SHADES[0], SHADES[1], "#a3782b", "#000000")  # each for three lines, and again
_DASHES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1, 1.2)))
_MARKERS = "os^Dv<>phX"  # the second time, those that were filled are hollow

LINES: tuple[dict[str, Any], ...] = tuple(
    {
        "color": tone,
        "linestyle": _DASHES[position % len(_DASHES)],
        "marker": marker,
        "markerfacecolor": "white" if (position + again) % 2 else tone,
        "markersize": 3.5,
        "markeredgewidth": 0.7,
        "linewidth": 0.8,
    }
    for position in range(2 * len(_MARKERS))
    for again, place in [divmod(position, len(_MARKERS))]
    for marker, tone in [(_MARKERS[place], _TONES[position // len(_DASHES) % len(_TONES)])]
)
"""How the first, second, ... line of a figure looks: no two alike, in grey either."""

_STRESS: dict[str, Any] = {
    "color": ACCENT,
    "linestyle": "-",
    "linewidth": 1.5,
    "markerfacecolor": ACCENT,
    "zorder": 3,
}

_RC: dict[str, Any] = {
    "font.family": "STIXGeneral",  # the Times-like face that comes with Matplotlib
    "mathtext.fontset": "stix",
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "#d9d9d9",
    "grid.linewidth": 0.4,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "patch.linewidth": 0.5,
    "savefig.dpi": 300,
    "pdf.fonttype": 42,  # embed TrueType outlines, as publishers ask
    "svg.hashsalt": "priot",  # element names no longer drawn at random
}

_LETTERS_PER_INCH = 18  # of the text's face and size, on average


@contextmanager
def paper_style() -> Iterator[None]:
    """Within it the paper's settings hold, whatever the user's own Matplotlib settings are."""
    with style.context(["default", _RC]):
        yield


def line_styles(series: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """A style of ``LINES`` for each ``label``, by the order in which the labels first come.

    A label with a true ``emphasis`` in any of the series is drawn in the accent colour, solid and
    bold; it keeps its marker.

    Raises:
        ValueError: there are more labels than styles.
    """
    labels = list(dict.fromkeys(one["label"] for one in series))
    if len(labels) > len(LINES):
        raise ValueError(
            f"{len(labels)} lines in one figure, but {len(LINES)} at most can be told apart; "
            "draw fewer in each"
        )
    stressed = {one["label"] for one in series if one.get("emphasis")}
    return {
        label: line | (_STRESS if label in stressed else {})
        for label, line in zip(labels, LINES, strict=False)
    }


def panel_titles(panels: Sequence[Mapping[str, Any]], inches: float) -> list[str]:
    """The panels' titles, lettered if there are several, broken to about ``inches`` of width."""
    titles = [panel["title"] for panel in panels]
    if len(titles) > 1:
        titles = [f"({ascii_lowercase[i]}) {title}" for i, title in enumerate(titles)]
    return [textwrap.fill(title, round(_LETTERS_PER_INCH * inches)) for title in titles]


def legend_below(figure: Figure, handles: Sequence[Artist], **options: Any) -> None:
    """One legend under all axes, in as few rows as the width allows; the figure grows by it."""
    if not handles:
        return
    for rows in range(1, len(handles) + 1):
        legend = figure.legend(
            handles=handles,
            loc="outside lower center",
            ncols=math.ceil(len(handles) / rows),
            columnspacing=1.5,
            **options,
        )
        extent = legend.get_window_extent()
        if extent.width <= figure.bbox.width or rows == len(handles):
            break
        legend.remove()
    figure.set_figheight(figure.get_figheight() + extent.height / figure.dpi)


def save(figure: Figure, path: Path) -> None:
    """Write a figure in the format of ``path``'s suffix; call it within ``paper_style()``.

    The same figure gives the same bytes. It is written under a temporary name in the same folder
    and renamed, so that ``path`` never holds half a figure.

    Raises:
        ValueError: the suffix is none of ``.pdf``, ``.png`` and ``.svg``.
        OSError: the folder is missing or cannot be written to.
    """
    if path.suffix not in FORMATS:
        raise ValueError(f"{path}: a figure's name must end in one of {', '.join(FORMATS)}")
    part = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        figure.savefig(part, metadata=METADATA[path.suffix])
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
