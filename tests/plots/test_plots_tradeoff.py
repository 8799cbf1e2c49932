"""priot.plots.tradeoff: peak SRAM against time, drawn from made-up rows."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from figure_checks import assert_legend_is_clear
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from priot.plots.style import ACCENT
from priot.plots.tradeoff import draw_tradeoff

DRAW = draw_tradeoff


def row(family: str, variant: str, ms: float, kib: float, accuracy: float, **more: Any) -> Any:
    return {
        "family": family,
        "variant": variant,
        "ms": ms,
        "clock_hz": 133_000_000,
        "peak_sram_bytes": 1024 * kib,
        "final_mean": accuracy,
        "pareto": False,
    } | more


ROWS = [
    row("NITI static", "plain", 133, 76, 96.7),
    row("NITI static", "fast", 11, 85, 96.7, pareto=True),
    row("PRIOT", "fast", 16, 73, 95.9),
    row("PRIOT-S", "fast", 17, 37.5, 95.3, pareto=True),
    row("PRIOT-S", "plain", 106, 26.5, 88.4, pareto=True),
]


def points(figure: Figure, edge: str = "#555555") -> dict[tuple[float, float], Line2D]:
    """What is drawn of one point with such an edge, by where it is."""
    return {
        (float(line.get_xdata()[0]), float(line.get_ydata()[0])): line
        for line in figure.axes[0].lines
        if len(line.get_xdata()) == 1 and line.get_markeredgecolor() == edge
    }


def test_every_row_is_a_point_in_ms_and_kb(drawn: Callable[..., Figure]) -> None:
    assert set(points(drawn(ROWS))) == {(133, 76), (11, 85), (16, 73), (17, 37.5), (106, 26.5)}


def test_front_has_halos_that_hide_no_point(drawn: Callable[..., Figure]) -> None:
    figure = drawn(ROWS)
    inner, halos = points(figure), points(figure, ACCENT)
    assert set(halos) == {(11, 85), (17, 37.5), (106, 26.5)}
    for place, halo in halos.items():
        assert halo.get_zorder() < min(line.get_zorder() for line in inner.values())
        assert halo.get_markersize() > inner[place].get_markersize() + 2, "white is left between"
        assert halo.get_marker() == inner[place].get_marker()


def test_more_accurate_is_darker_and_methods_differ_by_marker(
    drawn: Callable[..., Figure],
) -> None:
    lines = points(drawn(ROWS))
    best, worst = (to_rgba(lines[at].get_markerfacecolor()) for at in ((11, 85), (106, 26.5)))
    assert sum(best[:3]) < sum(worst[:3])
    assert lines[17, 37.5].get_marker() == lines[106, 26.5].get_marker()
    assert len({line.get_marker() for line in lines.values()}) == 3


def test_spans_tell_where_each_variant_lies(drawn: Callable[..., Figure]) -> None:
    axes = drawn(ROWS).axes[0]
    spans = [list(line.get_xdata()) for line in axes.lines if len(line.get_xdata()) == 2]
    assert sorted(spans) == [[11, 17], [106, 133]]
    assert {text.get_text() for text in axes.texts} == {"plain", "fast"}


def test_words_and_width(tmp_path: Path, drawn: Callable[..., Figure]) -> None:
    assert drawn(ROWS).get_figwidth() == 3.5
    draw_tradeoff(ROWS, tmp_path / "figure.svg")
    svg = (tmp_path / "figure.svg").read_text(encoding="utf-8")
    for text in ("ms per image at 133 MHz", "peak SRAM, KB", "final accuracy, %", "Pareto front"):
        assert f"<!-- {text} -->" in svg


def test_nothing_overlaps_the_legend(drawn: Callable[..., Figure]) -> None:
    assert_legend_is_clear(drawn(ROWS))


def test_a_single_row_is_drawn(drawn: Callable[..., Figure]) -> None:
    drawn(ROWS[:1])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "no rows to draw"),
        ([*ROWS, row("PRIOT", "fast", 0, 1, 50)], "PRIOT: ms is 0; give times above 0"),
        ([row("PRIOT", "fast", 1, 1, 101)], "PRIOT: final_mean is in percent"),
        ([*ROWS, row("PRIOT", "fast", 1, 1, 50, clock_hz=1)], "differ in clock_hz"),
        ([row(f"method {n}", "fast", 1, 1, 50) for n in range(8)], "8 methods in one figure"),
    ],
)
def test_wrong_rows_are_refused(tmp_path: Path, rows: list[Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        draw_tradeoff(rows, tmp_path / "figure.png")
