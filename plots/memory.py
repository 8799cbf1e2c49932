"""The memory figure: the map of flash and SRAM, and the stack's depth over time."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from priot.plots.style import ACCENT, PAGE_INCHES, SHADES, paper_style, save

_KIB = 1024
_KINDS = {  # what a stretch of memory is, and how it is filled
    "code": ("code, constants", SHADES[0]),
    "data": ("data", SHADES[1]),
    "used": ("heap and stack, reached", SHADES[2]),
    "room": ("kept free", SHADES[3]),
}
_BAR_HEIGHT = 0.5
_NAME_WIDTH = 0.055  # of the axis: a narrower stretch bears no name
_MAP_INCHES = 1.8
_STACK_INCHES = 1.6
_FLASH_ROOM = 1.25  # length of the flash axis over what is used
_STACK_ROOM = 1.15  # height of the stack axis over the deepest point
_LIMIT_IN_SIGHT = 4  # the stack's limit is drawn unless it is that many times deeper


def draw_memory(report: Mapping[str, Any], path: Path) -> None:
    """Draw where a program's memory went, from its memory report alone.

    On top a bar for flash and one for SRAM, by address, with sections, heap and stacks; below, if
    the run was traced, the depth of each core's stack over time, its deepest point marked. KB are
    1024 bytes; the flash axis ends where the program does, the SRAM axis shows all there is.

    Args:
        report: with the keys of ``priot.sim.MemoryReport.to_json()``: ``flash`` and ``sram`` (each
            with ``address``, ``capacity``, ``used`` and ``sections``), ``stacks``, ``heap``,
            ``cycles`` and ``clock_hz``. Other keys are left alone.
        path: where to write it; the suffix (``.pdf``, ``.png``, ``.svg``) sets the format.

    Raises:
        ValueError: the suffix is unknown.
        KeyError: the report lacks a key.
        OSError: the file cannot be written.
    """
    traced = [stack for stack in report["stacks"] if stack["over_time"]]
    heights = [_MAP_INCHES, *[_STACK_INCHES] * len(traced)]
    with paper_style():
        figure = Figure(figsize=(PAGE_INCHES, sum(heights)), layout="constrained")
        parts = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)
        flash_axes, sram_axes = parts[0, 0].subplots(2, 1)
        _draw_region(flash_axes, "flash", report["flash"], [])
        _draw_region(sram_axes, "SRAM", report["sram"], _heap_and_stacks(report))
        parts[0, 0].legend(
            handles=[Patch(facecolor=f, edgecolor="black", label=n) for n, f in _KINDS.values()],
            loc="outside upper center",
            ncols=len(_KINDS),
            handlelength=1.2,
        )
        for core, stack in enumerate(traced):
            name = f"stack of core {core}" if len(traced) > 1 else "stack"
            _draw_stack(parts[1 + core, 0].subplots(), report, stack, name)
        save(figure, path)


_Stretch = tuple[str, str, int, int]  # name, kind, address, size


def _heap_and_stacks(report: Mapping[str, Any]) -> list[_Stretch]:
    stretches: list[_Stretch] = []
    if heap := report["heap"]:
        stretches = [
            ("", "room", heap["address"], heap["room"]),
            ("heap", "used", heap["address"], heap["high_water"]),
        ]
    for stack in report["stacks"]:
        used = stack["high_water"]
        stretches += [
            ("", "room", stack["limit"], stack["top"] - stack["limit"]),
            ("stack", "used", stack["top"] - used, used),
        ]
    return stretches


def _draw_region(
    axes: Axes, name: str, region: Mapping[str, Any], further: Sequence[_Stretch]
) -> None:
    sections = [(s["name"], s["kind"], s["address"], s["size"]) for s in region["sections"]]
    sections.sort(key=lambda stretch: stretch[1] != "room")  # use is drawn over room
    extent = region["capacity"]
    if name == "flash":
        end = max((address + size for _, _, address, size in sections), default=0)
        extent = min(extent, max(_FLASH_ROOM * (end - region["address"]), _KIB))
    # Room first, then what lies in it.
    stretches = sorted([*sections, *further], key=lambda stretch: stretch[1] != "room")
    for label, kind, address, size in stretches:
        start = (address - region["address"]) / _KIB
        width = size / _KIB
        axes.barh(
            0, width, _BAR_HEIGHT, start, color=_KINDS[kind][1], edgecolor="black", linewidth=0.4
        )
        if kind != "room" and size > _NAME_WIDTH * extent:
            axes.annotate(
                label,
                (start + width / 2, 0),
                ha="center",
                va="center_baseline",
                color="white" if kind in ("code", "data") else "black",
            )
    axes.set_xlim(0, extent / _KIB)
    axes.set_ylim(-0.3, 0.3)
    used = f"{region['used'] / _KIB:,.1f} KB"
    axes.set_yticks([0], [f"{name}\n{used}"])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(f"KB from {region['address']:#010x}", labelpad=1)


def _draw_stack(axes: Axes, report: Mapping[str, Any], stack: Mapping[str, Any], name: str) -> None:
    points: Sequence[Sequence[int]] = stack["over_time"]
    per_ms = report["clock_hz"] / 1000
    times = [cycle / per_ms for cycle, _ in points]
    depths = [stack["top"] - sp for _, sp in points]
    axes.fill_between(times, depths, step="post", color=SHADES[2], linewidth=0)
    axes.step(times, depths, where="post", color=SHADES[0], linewidth=0.7)
    room = stack["top"] - stack["limit"]
    deepest = max(depths)
    top = _STACK_ROOM * deepest
    if room < _LIMIT_IN_SIGHT * deepest:
        top = max(top, _STACK_ROOM * room)
        axes.axhline(room, color=ACCENT, linewidth=1, linestyle=(0, (4, 2)))
        axes.annotate(
            f"limit {room:,} bytes",
            (1, room),
            xycoords=axes.get_yaxis_transform(),
            xytext=(-2, -2),
            textcoords="offset points",
            ha="right",
            va="top",
            color=ACCENT,
        )
    at = times[depths.index(deepest)]
    right = at > times[-1] / 2
    chain = stack["chain"] or []
    axes.annotate(
        f"{deepest:,} bytes" + (f" in {chain[-1]}" if chain else ""),
        (at, deepest),
        xytext=(-4 if right else 4, 2),
        textcoords="offset points",
        ha="right" if right else "left",
        va="bottom",
    )
    axes.plot([at], [deepest], ".", color=ACCENT, markersize=5)
    axes.set_xlim(0, max(times[-1], times[0] + 1e-6))
    axes.set_ylim(0, max(top, 1))
    axes.grid(axis="y")
    axes.set_xlabel(f"ms at {report['clock_hz'] / 1e6:g} MHz")
    axes.set_ylabel(f"{name}, bytes")
