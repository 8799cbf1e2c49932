"""The memory map of a training step: which buffer lies where, operation by operation."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from priot.plots.checks import require_some
from priot.plots.style import PAGE_INCHES, SHADES, legend_below, panel_titles, paper_style, save

_KIB = 1024
_GREY = "#8c8c8c"
_KINDS = {  # what a stretch of memory holds, and how it is filled
    "program": ("code, static data, stack", _GREY),
    "permanent": ("weights, scores", SHADES[0]),
    "activations": ("activations", SHADES[1]),
    "errors": ("errors", SHADES[2]),
    "scratch": ("scratch", SHADES[3]),
}
_DARK = (SHADES[0], SHADES[1], _GREY)  # fills that names are white on
_PANEL_INCHES = (3.0, 1.3)
_FRAME_INCHES = 1.7  # titles and the operations' names
_AXES_INCHES = 0.9 * PAGE_INCHES  # width of the axes
_LINE_INCHES = 0.13  # of a name: a rectangle without room for it bears none
_LETTER_INCHES = 0.058  # on average

_Place = tuple[float, float, float, float]  # left, bottom, width, height


def draw_memory_map(layout: Mapping[str, Any], path: Path) -> None:
    """Draw address against operation, from the memory map alone, a rectangle for each buffer.

    On top the part of the arena that buffers share, one after the other; below all of SRAM. A
    buffer that is needed, then not, then again, has several rectangles. KB are 1024 bytes.

    Args:
        layout: with the keys ``sram_address``, ``sram_capacity_bytes``, ``arena_address``,
            ``sections`` (each with ``name``, ``address``, ``size`` and ``kind``), ``stack``
            (``address`` and ``top``), ``operations`` (each with ``name``) and ``buffers`` (each
            with ``name``, ``kind``, ``offset``, ``bytes`` and ``operations``, ascending numbers
            from 0). Other keys are left alone.
        path: where to write it; the suffix (``.pdf``, ``.png``, ``.svg``) sets the format.

    Raises:
        ValueError: the suffix is unknown, or there are no operations or no buffers.
        KeyError: the map lacks a key.
        OSError: the file cannot be written.
    """
    require_some(layout["operations"], "operations")
    require_some(layout["buffers"], "buffers")
    passing = [buffer for buffer in layout["buffers"] if buffer["kind"] != "permanent"]
    shown = passing or layout["buffers"]
    first = min(buffer["offset"] for buffer in shown)
    last = max(buffer["offset"] + buffer["bytes"] for buffer in shown)
    base, names = layout["sram_address"], [one["name"] for one in layout["operations"]]
    with paper_style():
        height = sum(_PANEL_INCHES) + _FRAME_INCHES
        figure = Figure(figsize=(PAGE_INCHES, height), layout="constrained")
        shared, whole = figure.subplots(2, 1, sharex=True, height_ratios=_PANEL_INCHES)
        shared.set_ylim(*((layout["arena_address"] - base + end) / _KIB for end in (first, last)))
        whole.set_ylim(0, layout["sram_capacity_bytes"] / _KIB)
        shared.set_xlim(0, len(names))
        for axes, inches in zip((shared, whole), _PANEL_INCHES, strict=True):
            for kind, name, place in _stretches(layout):
                _draw(axes, inches, _KINDS[kind][1], name, place)
            axes.set_ylabel(f"KB from {base:#010x}")
        titles = panel_titles([{"title": "What shares memory"}, {"title": "All of SRAM"}], 6)
        for axes, title in zip((shared, whole), titles, strict=True):
            axes.set_title(title, loc="left")
            axes.tick_params(axis="x", length=0)
        whole.set_xticks([number + 0.5 for number in range(len(names))], names, rotation=90)
        legend_below(
            figure,
            [Patch(facecolor=f, edgecolor="black", label=name) for name, f in _KINDS.values()],
            handlelength=1.2,
        )
        save(figure, path)


def _stretches(layout: Mapping[str, Any]) -> Iterator[tuple[str, str, _Place]]:
    """Kind, name and place of every rectangle, in operations and KB."""
    base, count, stack = layout["sram_address"], len(layout["operations"]), layout["stack"]
    for section in layout["sections"]:
        if section["kind"] != "room":
            start = (section["address"] - base) / _KIB
            yield "program", section["name"], (0, start, count, section["size"] / _KIB)
    start, end = ((stack[edge] - base) / _KIB for edge in ("address", "top"))
    yield "program", "stack", (0, start, count, end - start)
    for buffer in layout["buffers"]:
        start = (layout["arena_address"] - base + buffer["offset"]) / _KIB
        for first, last in _runs(buffer["operations"]):
            place = (first, start, last + 1 - first, buffer["bytes"] / _KIB)
            yield buffer["kind"], buffer["name"], place


def _runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and last of each stretch without a gap."""
    starts = [number for number in numbers if number - 1 not in numbers]
    ends = [number for number in numbers if number + 1 not in numbers]
    return zip(starts, ends, strict=True)


def _draw(axes: Axes, inches: float, fill: str, name: str, place: _Place) -> None:
    """A rectangle, with its name where there is room for it; the axes are ``inches`` high."""
    left, bottom, width, height = place
    low, high = axes.get_ylim()
    seen = min(bottom + height, high) - max(bottom, low)
    if seen <= 0:
        return
    axes.add_patch(
        Rectangle((left, bottom), width, height, facecolor=fill, edgecolor="black", linewidth=0.4)
    )
    letters = int(width / axes.get_xlim()[1] * _AXES_INCHES / _LETTER_INCHES)
    lines = textwrap.wrap(name, max(letters, 1), break_long_words=False)
    tall = len(lines) * _LINE_INCHES < seen / (high - low) * inches
    if tall and max(map(len, lines)) <= letters:
        axes.annotate(
            "\n".join(lines),
            (left + width / 2, max(bottom, low) + seen / 2),
            ha="center",
            va="center",
            color="white" if fill in _DARK else "black",
        )
