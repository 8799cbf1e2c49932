"""priot.plots.accuracy: accuracy by angle, drawn from made-up tables."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from figure_checks import assert_legend_is_clear
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from priot.plots.accuracy import draw_accuracy

DRAW = draw_accuracy

ANGLES = [15, 30, 60]


def series(label: str = "PRIOT", **further: Any) -> dict[str, Any]:
    values = [[98.0, 92.0, 95.0], [88.0, 90.0, 92.0], [68.0, 70.0, 75.0]]
    return {"label": label, "values": values, **further}


def panel(*everything: dict[str, Any], title: str = "Paper's comparison") -> dict[str, Any]:
    return {"title": title, "angles": ANGLES, "series": everything or (series(), series("NITI"))}


PANELS = [panel(), panel(series("NITI"), title="Best settings")]
FAMILIES = panel(
    series("before"),
    series("PRIOT-S 10 %, random", family="random", short="10 %"),
    series("PRIOT-S 20 %, random", family="random", short="20 %"),
    series("PRIOT-S 10 %, gradient", family="gradient", short="10 %"),
)
TWENTY = panel(*(series(f"PRIOT-S {n} %, random") for n in range(20)))
TWO_ANGLES = {
    "title": "",
    "angles": [30, 45],
    "series": [
        {"label": "PRIOT", "values": [[50.0, 60.0], [40.0, 46.0]]},
        {"label": "NITI", "values": [[10.0, 60.0], [30.0, 30.0]]},
    ],
}


def lines_of(axes: Axes) -> list[Line2D]:
    """Without points and the caps of error bars."""
    return [line for line in axes.lines if line.get_linestyle() != "None"]


def marks_of(axes: Axes) -> list[Line2D]:
    """Without lines, single runs and the caps of error bars."""
    points = [line for line in axes.lines if line.get_linestyle() == "None" and line.zorder > 3]
    return [line for line in points if line.get_marker() != "_"]


def test_nothing_overlaps_the_legend(drawn: Callable[..., Figure]) -> None:
    figure = drawn([TWENTY])
    assert_legend_is_clear(figure)


def test_one_axes_takes_a_column_and_several_the_page(drawn: Callable[..., Figure]) -> None:
    assert drawn(PANELS[:1]).get_figwidth() == 3.5
    assert drawn(PANELS).get_figwidth() == 7.16
    assert drawn([FAMILIES]).get_figwidth() == 7.16


def test_points_and_bars_are_the_data(drawn: Callable[..., Figure]) -> None:
    (axes,) = drawn([panel(series(), series("NITI"))]).axes
    for container in axes.containers:
        line, _, (bars,) = container
        assert list(line.get_xdata()) == ANGLES  # at their angle, however many there are
        assert list(line.get_ydata()) == [95, 90, 71]
        ends = [[y for _, y in segment] for segment in bars.get_segments()]
        assert ends == [[92, 98], [88, 92], [68, 75]]
    assert axes.get_ylim() == (50, 98)  # all runs, none cut off


def test_no_line_hides_a_point(drawn: Callable[..., Figure]) -> None:
    (axes,) = drawn([panel(series(), series("PRIOT-S", emphasis=True))]).axes
    points = [container[0] for container in axes.containers]
    lines = lines_of(axes)
    assert [list(line.get_ydata()) for line in lines] == [[95, 90, 71]] * 2
    assert max(line.zorder for line in lines) < min(point.zorder for point in points)


def test_means_at_the_ends_are_drawn_whole(drawn: Callable[..., Figure]) -> None:
    (axes,) = drawn([panel(series(values=[[100.0], [50.0], [0.0]]))]).axes
    assert axes.get_ylim() == (0, 99.9)
    assert not axes.containers[0][0].get_clip_on()


def test_labels_of_the_whole_scale_do_not_run_into_each_other(
    drawn: Callable[..., Figure],
) -> None:
    figure = drawn([panel(series(values=[[100.0], [50.0], [0.0]]))])
    figure.draw_without_rendering()
    axes = figure.axes[0]
    labels = [label for label in axes.get_yticklabels() if label.get_text()]
    assert len(labels) == 14
    feet = [axes.transData.transform(label.get_position())[1] for label in labels]
    digit = 0.7 * labels[0].get_fontsize() * figure.dpi / 72  # in pixels, as high as digits are
    assert all(above - below > digit for below, above in pairwise(feet))


def test_a_family_has_a_column_and_all_else_is_in_each(drawn: Callable[..., Figure]) -> None:
    figure = drawn([FAMILIES, FAMILIES | {"title": "Best settings"}])
    assert [axes.get_title(loc="left") for axes in figure.axes[:2]] == ["random", "gradient"]
    assert [len(lines_of(axes)) for axes in figure.axes] == [3, 2, 3, 2]
    names = [axes.get_legend() for axes in figure.axes]
    assert names[0] is names[1] is None
    told = [[text.get_text() for text in legend.get_texts()] for legend in names[2:]]
    assert told == [["10 %", "20 %"], ["10 %"]]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["before"]


def test_a_series_has_the_same_line_in_every_axes(drawn: Callable[..., Figure]) -> None:
    first, second = drawn([FAMILIES]).axes
    assert [line.get_marker() for line in marks_of(first)][:2] == [
        line.get_marker() for line in marks_of(second)
    ]
    left, right = drawn(PANELS).axes
    assert marks_of(left)[1].get_marker() == marks_of(right)[0].get_marker()


def test_of_two_angles_every_run_is_a_point_and_nothing_is_joined(
    drawn: Callable[..., Figure],
) -> None:
    (axes,) = drawn([TWO_ANGLES]).axes
    assert not lines_of(axes)
    assert [list(line.get_ydata()) for line in marks_of(axes)] == [[55, 43], [35, 30]]
    runs = [line for line in axes.lines if line.zorder <= 3]
    assert [list(line.get_ydata()) for line in runs] == [[50, 60], [40, 46], [10, 60], [30, 30]]
    places = [x for line in marks_of(axes) for x in line.get_xdata()]
    assert len(set(places)) == 4  # beside each other
    assert [label.get_text() for label in axes.get_xticklabels()] == ["30", "45"]


def test_twenty_lines_differ_without_colour(drawn: Callable[..., Figure]) -> None:
    (axes,) = drawn([TWENTY]).axes
    marks = [container[0] for container in axes.containers]
    looks = {(mark.get_marker(), mark.get_markerfacecolor() == "white") for mark in marks}
    assert len(looks) == 20


def test_emphasis_is_bold_and_another_colour(drawn: Callable[..., Figure]) -> None:
    (axes,) = drawn([panel(series(), series("PRIOT-S", emphasis=True))]).axes
    plain, bold = lines_of(axes)
    assert bold.get_linewidth() > plain.get_linewidth()
    assert bold.get_color() != plain.get_color()


def test_words_come_from_the_data(tmp_path: Path) -> None:
    draw_accuracy(PANELS, tmp_path / "figure.svg")
    svg = (tmp_path / "figure.svg").read_text(encoding="utf-8")
    for text in ("(b) Best settings", "angle, degrees", "accuracy, % (log of error)", "NITI", "15"):
        assert f"<!-- {text} -->" in svg


def test_a_single_angle_is_drawn(drawn: Callable[..., Figure]) -> None:
    drawn([{"title": "", "angles": [30], "series": [series(values=[[90]])]}])


@pytest.mark.parametrize(
    ("panels", "message"),
    [
        ([], "no panels"),
        ([panel() | {"angles": []}], "no angles in the panel"),
        ([panel() | {"angles": [30, 15, 60]}], "do not rise; sort them"),
        ([panel() | {"series": []}], "no series in the panel"),
        ([panel(series(values=[[1.0]]))], "PRIOT: values has 1 values where 3 are due"),
        ([panel(series(values=[[95.0], [90.0], []]))], "no runs of PRIOT to draw"),
        ([panel(series(values=[[95.0], [90.0], [101.0]]))], "PRIOT: values is in percent"),
        ([TWENTY, panel(series("another"))], "draw fewer"),
    ],
)
def test_wrong_data_are_refused(tmp_path: Path, panels: list[Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        draw_accuracy(panels, tmp_path / "figure.png")
