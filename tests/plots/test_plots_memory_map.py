"""priot.plots.memory_map: the memory map of a step, drawn from made-up maps."""

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from figure_checks import assert_legend_is_clear
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from priot.plots.memory_map import draw_memory_map

DRAW = draw_memory_map
SRAM, ARENA = 0x2000_0000, 0x2000_4000
KIB = 1024


def buffer(name: str, kind: str, offset: int, size: int, operations: list[int]) -> dict[str, Any]:
    return {"name": name, "kind": kind, "offset": offset, "bytes": size, "operations": operations}


LAYOUT: dict[str, Any] = {
    "sram_address": SRAM,
    "sram_capacity_bytes": 264 * KIB,
    "arena_address": ARENA,
    "sections": [
        {"name": ".text", "address": SRAM, "size": 0x4000, "kind": "code"},
        {"name": ".heap", "address": ARENA, "size": 0x10000, "kind": "room"},
    ],
    "stack": {"address": SRAM + 0x41E00, "top": SRAM + 0x42000},
    "operations": [{"name": f"operation {number}"} for number in range(8)],
    "buffers": [
        buffer("weights of all", "permanent", 0, 100 * KIB, list(range(8))),
        buffer("long outputs", "activations", 100 * KIB, 8 * KIB, list(range(8))),
        buffer("twice", "scratch", 108 * KIB, 8 * KIB, [0, 1, 5, 6, 7]),
        buffer("between", "errors", 108 * KIB, 8 * KIB, [2, 3, 4]),
        buffer("flat", "errors", 116 * KIB, 8, list(range(8))),
    ],
}

Drawn = Callable[..., Figure]


def rectangles(figure: Figure, panel: int) -> list[tuple[float, float, float, float]]:
    """First operation, KB from the start of SRAM, operations and KB of each."""
    patches = [patch for patch in figure.axes[panel].patches if isinstance(patch, Rectangle)]
    return [(p.get_x(), p.get_y(), p.get_width(), p.get_height()) for p in patches]


def test_every_buffer_lies_where_and_while_the_map_has_it(drawn: Drawn) -> None:
    figure = drawn(LAYOUT)
    whole = rectangles(figure, 1)
    assert whole == [
        (0, 0, 8, 16),  # .text; .heap is room
        (0, 263.5, 8, 0.5),  # the stack
        (0, 16, 8, 100),
        (0, 116, 8, 8),
        (0, 124, 2, 8),
        (5, 124, 3, 8),
        (2, 124, 3, 8),
        (0, 132, 8, 8 / KIB),
    ]
    assert figure.axes[1].get_ylim() == (0, 264)
    assert rectangles(figure, 0) == whole[3:]
    assert figure.axes[0].get_ylim() == (116, 132 + 8 / KIB)


def test_names_are_written_where_there_is_room(drawn: Drawn) -> None:
    figure = drawn(LAYOUT)
    names = [[text.get_text() for text in axes.texts] for axes in figure.axes]
    assert names[0] == ["long outputs", "twice", "twice", "between"]
    assert names[1] == ["weights of all"]
    labels = [label.get_text() for label in figure.axes[1].get_xticklabels()]
    assert labels == [operation["name"] for operation in LAYOUT["operations"]]
    assert_legend_is_clear(figure)


def test_a_map_without_anything_shared_is_drawn(drawn: Drawn) -> None:
    figure = drawn(LAYOUT | {"buffers": LAYOUT["buffers"][:1]})
    assert rectangles(figure, 0) == [(0, 16, 8, 100)]


@pytest.mark.parametrize("suffix", ["pdf", "png", "svg"])
def test_the_same_map_gives_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    first, second = tmp_path / f"first.{suffix}", tmp_path / f"second.{suffix}"
    draw_memory_map(LAYOUT, first)
    draw_memory_map(copy.deepcopy(LAYOUT), second)
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("key", ["operations", "buffers"])
def test_an_empty_map_is_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match=f"no {key} to draw"):
        draw_memory_map(LAYOUT | {key: []}, tmp_path / "map.png")


def test_unknown_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=re.escape(".pdf, .png, .svg")):
        draw_memory_map(LAYOUT, tmp_path / "map.jpg")
