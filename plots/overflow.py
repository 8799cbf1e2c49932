"""The overflow figure: how logits spread, and saturate, within one epoch of training."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

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

_LIMIT = 127  # logits are clipped to it, above and below
_BIN = 11  # values in a bar between the limits: 253 values are 23 bars
_END_BAR = 9  # width of the bars at the limits, drawn just beyond them
_ROOM = 4  # from those bars to the edge
_RIDGE = 0.92  # height that all logits in one bar would have, of the distance between snapshots
_PANELS_PER_ROW = 2
_ROW_INCHES = 0.3  # from one snapshot to the next
_FRAME_INCHES = 0.55  # height of title and axis label
_LABEL_INCHES = 0.5  # width of the label and ticks
_WIDTHS = (1.35, 1)  # of the ridges to the lines beside them
_SATURATED: dict[str, Any] = {
    "color": ACCENT,
    "linestyle": (0, (4, 1.5)),
    "marker": "s",
    "markerfacecolor": "white",
    "label": "share of saturated logits",
}
_ACCURACY: dict[str, Any] = {
    "color": SHADES[0],
    "linestyle": "-",
    "marker": "o",
    "label": "accuracy",
}
_LINE: dict[str, Any] = {"linewidth": 0.9, "markersize": 3.5, "markeredgewidth": 0.7}


def draw_overflow(panels: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw the distribution of logits through an epoch, with saturation and accuracy beside it.

    For each panel: left, a histogram of the logits for each snapshot, at the height of the images
    trained on so far (downwards), in bars of 11 values between the limits and one bar beyond each
    limit for the logits at exactly -127 or 127; heights are square roots of the share of all
    logits, on one scale, so that both a spread and a saturated distribution can be seen. Right,
    on the same downward axis, the share of saturated logits and the accuracy.

    Args:
        panels: two of them stand side by side on a page's width, more below them; one takes a
            column's width. Each with the keys

            * ``title``: what stands over it, lettered "(a)" and on if there are several panels;
            * ``snapshots``: from the epoch's start to its end, five to nine of them for a legible
              figure, each with ``images`` (trained on so far in the epoch), ``histogram`` (255
              counts, of the logits -127 to 127), ``saturated_share`` (percent of the logits that
              are -127 or 127) and ``accuracy`` (percent).

            Other keys are left alone.
        path: where to write it; the suffix (``.pdf``, ``.png``, ``.svg``) sets the format.

    Raises:
        ValueError: there is no panel; one has fewer than two snapshots, or their images do not
            rise; a histogram has not 255 counts, or none above 0; a share or an accuracy is no
            percentage; or the suffix is unknown.
        KeyError: a panel or a snapshot lacks a key.
        OSError: the file cannot be written.
    """
    _check(panels)
    width = COLUMN_INCHES if len(panels) == 1 else PAGE_INCHES
    across = min(_PANELS_PER_ROW, len(panels))
    down = math.ceil(len(panels) / across)
    titles = panel_titles(panels, width / across - _LABEL_INCHES)
    most = max(len(panel["snapshots"]) for panel in panels)
    height = _FRAME_INCHES + _ROW_INCHES * (most + 0.25)
    with paper_style():
        figure = Figure(figsize=(width, height * down), layout="constrained")
        grid = figure.add_gridspec(down, 2 * across, width_ratios=_WIDTHS * across)
        for place, (panel, title) in enumerate(zip(panels, titles, strict=True)):
            row, column = divmod(place, across)
            ridges = figure.add_subplot(grid[row, 2 * column])
            lines = figure.add_subplot(grid[row, 2 * column + 1], sharey=ridges)
            _draw_ridges(ridges, panel["snapshots"])
            _draw_lines(lines, panel["snapshots"])
            ridges.set_title(title, loc="left")
        legend_below(figure, _legend())
        save(figure, path)


def _check(panels: Sequence[Mapping[str, Any]]) -> None:
    require_some(panels, "panels")
    for panel in panels:
        title, snapshots = panel["title"], panel["snapshots"]
        if len(snapshots) < 2:
            raise ValueError(
                f"{title}: {len(snapshots)} snapshots; give at least the epoch's start and end"
            )
        images = [snapshot["images"] for snapshot in snapshots]
        if images != sorted(set(images)):
            raise ValueError(f"{title}: the snapshots' images do not rise; sort the snapshots")
        for snapshot in snapshots:
            owner = f"{title}, after {snapshot['images']} images"
            require_length(owner, snapshot, ("histogram",), 2 * _LIMIT + 1)
            require_percent(owner, "saturated_share", [snapshot["saturated_share"]])
            require_percent(owner, "accuracy", [snapshot["accuracy"]])
            if sum(snapshot["histogram"]) <= 0:
                raise ValueError(f"{owner}: the histogram is empty; count at least one logit")


def _spacing(snapshots: Sequence[Mapping[str, Any]]) -> float:
    """Images from one snapshot to the next, on average."""
    return float(snapshots[-1]["images"] - snapshots[0]["images"]) / (len(snapshots) - 1)


def _shares(histogram: Sequence[float]) -> list[float]:
    """Share of all logits: at -127, in each bar between, and at 127."""
    inner = histogram[1:-1]
    bars = [sum(inner[first : first + _BIN]) for first in range(0, len(inner), _BIN)]
    return [count / sum(histogram) for count in (histogram[0], *bars, histogram[-1])]


def _draw_ridges(axes: Axes, snapshots: Sequence[Mapping[str, Any]]) -> None:
    spacing = _spacing(snapshots)
    inside = _LIMIT - 0.5  # where the bars end that the values within the limits share
    outside = inside + _END_BAR
    for snapshot in snapshots:
        images = snapshot["images"]
        # Heights count upwards, which on this axis is towards fewer images.
        tops = [
            images - _RIDGE * spacing * math.sqrt(share) for share in _shares(snapshot["histogram"])
        ]
        axes.axhline(images, color="black", linewidth=0.4)
        for heights, edges, fill in (
            (tops[:1], [-outside, -inside], ACCENT),
            (tops[1:-1], [i * _BIN - inside for i in range(len(tops) - 1)], SHADES[2]),
            (tops[-1:], [inside, outside], ACCENT),
        ):
            axes.stairs(
                heights,
                edges,
                baseline=images,
                fill=True,
                facecolor=fill,
                edgecolor="black",
                linewidth=0.4,
            )
    axes.set_xlim(-outside - _ROOM, outside + _ROOM)
    middle = (inside + outside) / 2
    axes.set_xticks([-middle, 0, middle], [f"\N{MINUS SIGN}{_LIMIT}", "0", f"{_LIMIT}"])
    axes.set_xlabel("logit (height: square root of share)")
    first, last = snapshots[0]["images"], snapshots[-1]["images"]
    axes.set_ylim(last + 0.25 * spacing, first - spacing)
    images = [snapshot["images"] for snapshot in snapshots]
    axes.set_yticks(images, [f"{count:,}" for count in images])
    axes.set_ylabel("images trained on")


def _draw_lines(axes: Axes, snapshots: Sequence[Mapping[str, Any]]) -> None:
    images = [snapshot["images"] for snapshot in snapshots]
    for key, style in (("saturated_share", _SATURATED), ("accuracy", _ACCURACY)):
        axes.plot([s[key] for s in snapshots], images, clip_on=False, **_LINE | style)
    axes.set_xlim(0, 100)
    axes.set_xticks([0, 50, 100])
    axes.set_xlabel("percent")
    axes.tick_params(axis="y", labelleft=False, length=0)
    axes.grid()


def _legend() -> list[Artist]:
    sign = "\N{PLUS-MINUS SIGN}"
    fills = {
        f"logits within {sign}{_LIMIT - 1}": SHADES[2],
        f"logits saturated at {sign}{_LIMIT}": ACCENT,
    }
    return [
        *(Patch(facecolor=f, edgecolor="black", label=name) for name, f in fills.items()),
        *(Line2D([], [], **_LINE | style) for style in (_SATURATED, _ACCURACY)),
    ]
