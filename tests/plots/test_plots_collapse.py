"""priot.plots.collapse: heat maps of final accuracy, drawn from made-up sweeps."""

import itertools
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from figure_checks import assert_legend_is_clear
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from priot.plots.collapse import draw_collapse

DRAW = partial(draw_collapse, column_axis="angle, degrees")


def heat_map(title: str = "NITI static", **further: Any) -> dict[str, Any]:
    return {
        "title": title,
        "rows": [3, 5],
        "columns": ["15", "30", "45"],
        "accuracy": [[93.6, 88.0, 10.2], [None, 50.0, 0.0]],
        "collapsed_share": [[0, 10, 100], [None, 50, 100]],
        **further,
    }


MAPS = [heat_map(), heat_map("PRIOT", collapsed_share=[[0, 0, 0], [0, 0, 0]])]


def cells(axes: Axes, height: float = 1) -> list[Rectangle]:
    patches = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    return [patch for patch in patches if patch.get_height() == height]


def brightness(colour: Any) -> float:
    red, green, blue = bytes.fromhex(to_hex(colour)[1:])
    return 0.299 * red + 0.587 * green + 0.114 * blue


def test_nothing_overlaps_the_legend(drawn: Callable[..., Figure]) -> None:
    figure = drawn(MAPS, 1)
    assert_legend_is_clear(figure)


def test_width_follows_the_panels_side_by_side(drawn: Callable[..., Figure]) -> None:
    assert drawn(MAPS, 1).get_figwidth() == 3.5
    assert drawn(MAPS, 2).get_figwidth() == 7.16
    assert drawn(MAPS, 1).get_figheight() > drawn(MAPS, 2).get_figheight()


def test_each_cell_bears_its_accuracy(drawn: Callable[..., Figure]) -> None:
    axes = drawn(MAPS, 2).axes[0]
    numbers = {(text.get_position()[0], text.get_position()[1] // 1): text for text in axes.texts}
    assert {place: text.get_text() for place, text in numbers.items()} == {
        (0.5, 0): "94",
        (1.5, 0): "88",
        (2.5, 0): "10",
        (1.5, 1): "50",
        (2.5, 1): "0",
    }
    for cell, text in zip(cells(axes), axes.texts, strict=True):
        assert abs(brightness(cell.get_facecolor()) - brightness(text.get_color())) > 100


def test_shades_rise_with_accuracy_in_grey(drawn: Callable[..., Figure]) -> None:
    rising = [[0, 20, 40, 60, 80, 100]]
    sweep = heat_map(rows=[1], columns=list("012345"), accuracy=rising, collapsed_share=[[0] * 6])
    shades = [brightness(cell.get_facecolor()) for cell in cells(drawn([sweep], 1).axes[0])]
    assert all(b - a > 15 for a, b in itertools.pairwise(shades))


def test_bars_are_the_share_of_collapsed_runs(drawn: Callable[..., Figure]) -> None:
    left, right = drawn(MAPS, 2).axes[:2]
    bars = {bar.get_xy(): bar.get_width() for bar in cells(left, 0.2)}
    assert bars == {(1, 0): 0.1, (2, 0): 1, (1, 1): 0.5, (2, 1): 1}
    assert not cells(right, 0.2)


def words(maps: list[dict[str, Any]], folder: Path) -> str:
    DRAW(maps, folder / "figure.svg", 2)
    return (folder / "figure.svg").read_text(encoding="utf-8")


def test_words_come_from_the_data(tmp_path: Path) -> None:
    svg = words(MAPS, tmp_path)
    for text in ("(a) NITI static", "(b) PRIOT", "angle, degrees", "final accuracy, %", "not run"):
        assert f"<!-- {text} -->" in svg
    assert svg.count("<!-- learning-rate bits -->") == 1  # both panels have the same rows
    assert "collapsed" in svg


def test_the_legend_explains_only_what_is_drawn(tmp_path: Path) -> None:
    whole = heat_map(accuracy=[[90] * 3] * 2, collapsed_share=[[0] * 3] * 2)
    svg = words([whole], tmp_path)
    assert "not run" not in svg
    assert "collapsed" not in svg


def test_panels_that_differ_in_rows_bear_their_own(tmp_path: Path) -> None:
    svg = words([heat_map(), heat_map(rows=[4, 6])], tmp_path)
    assert svg.count("<!-- learning-rate bits -->") == 2


def test_long_labels_of_columns_stand_upright(drawn: Callable[..., Figure]) -> None:
    for columns, degrees in ((["15", "30", "45"], 0), (["mode", "largest", "90"], 90)):
        axes = drawn([heat_map(columns=columns)], 1).axes[0]
        assert {label.get_rotation() for label in axes.get_xticklabels()} == {degrees}
        assert [label.get_text() for label in axes.get_xticklabels()] == columns


def is_title(artist: Artist) -> bool:
    return isinstance(artist, Text) and "PRIOT" in artist.get_text()


def test_titles_do_not_run_into_each_other(drawn: Callable[..., Figure]) -> None:
    figure = drawn([heat_map("PRIOT: most frequent, rotated images")] * 4, 4)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.findobj(is_title)]
    assert len(boxes) == 4
    assert all(a.x1 < b.x0 for a, b in itertools.pairwise(boxes))


def test_places_without_a_map_are_empty(drawn: Callable[..., Figure]) -> None:
    figure = drawn([*MAPS, heat_map()], 2)
    assert [axes.axison for axes in figure.axes[:4]] == [True, True, True, False]


@pytest.mark.parametrize(
    ("maps", "columns", "message"),
    [
        ([], 2, "no maps"),
        (MAPS, 0, "give at least 1"),
        ([heat_map(rows=[])], 1, "no rows in the map 'NITI static'"),
        ([heat_map(columns=[])], 1, "no columns in the map 'NITI static'"),
        ([heat_map(rows=[3, 4, 5])], 1, "accuracy has 2 values where 3 are due"),
        (
            [heat_map(collapsed_share=[[0, 0, 0], [0, 0]])],
            1,
            "NITI static, row 5: collapsed_share has 2 values where 3 are due",
        ),
        ([heat_map(accuracy=[[93, 88, 10], [50, 50, 101]])], 1, "row 5: accuracy is in percent"),
    ],
)
def test_wrong_data_are_refused(
    tmp_path: Path, maps: list[Any], columns: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        DRAW(maps, tmp_path / "figure.png", columns)
