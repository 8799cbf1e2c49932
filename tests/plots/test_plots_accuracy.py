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
    return {"label": label, "mean": [95.0, 90.0, 71.0], "std": [9.0, 2.0, 3.0], **further}


def panel(*everything: dict[str, Any], title: str = "Paper's comparison") -> dict[str, Any]:
    return {"title": title, "angles": ANGLES, "series": everything or (series(), series("NITI"))}


PANELS = [panel(), panel(series("NITI"), title="Best settings")]
TWENTY = panel(*(series(f"PRIOT-S {n} %, random") for n in range(20)))


def lines_of(axes: Axes) -> list[Line2D]:
    """Without points and the caps of error bars."""
    return [line for line in axes.lines if line.get_linestyle() != "None"]


def test_nothing_overlaps_the_legend(drawn: Callable[..., Figure]) -> None:
    figure = drawn([TWENTY])
    assert_legend_is_clear(figure)


def test_one_panel_takes_a_column_and_several_the_page(drawn: Callable[..., Figure]) -> None:
    assert drawn(PANELS[:1]).get_figwidth() == 3.5
    assert drawn(PANELS).get_figwidth() == 7.16


def test_points_and_bars_are_the_data(drawn: Callable[..., Figure]) -> None:
    (axes,) = drawn([panel(series())]).axes
    line, _, (bars,) = axes.containers[0]
    assert list(line.get_xdata()) == ANGLES  # a single series is not shifted
    assert list(line.get_ydata()) == [95, 90, 71]
    ends = [[y for _, y in segment] for segment in bars.get_segments()]
    assert ends == [[86, 100], [88, 92], [68, 74]]  # none above 100 %
    assert axes.get_ylim() == (50, 95)  # the means and the lower ends


def test_no_line_hides_a_point(drawn: Callable[..., Figure]) -> None:
    (axes,) = drawn([panel(series(), series("PRIOT-S", emphasis=True))]).axes
    points = [container[0] for container in axes.containers]
    lines = lines_of(axes)
    assert [list(line.get_ydata()) for line in lines] == [[95, 90, 71]] * 2
    assert max(line.zorder for line in lines) < min(point.zorder for point in points)


def test_means_at_the_ends_are_drawn_whole(drawn: Callable[..., Figure]) -> None:
    (axes,) = drawn([panel(series(mean=[100.0, 50.0, 0.0]))]).axes
    assert axes.get_ylim() == (0, 99.9)
    assert not axes.containers[0][0].get_clip_on()


def test_labels_of_the_whole_scale_do_not_run_into_each_other(
    drawn: Callable[..., Figure],
) -> None:
    figure = drawn([panel(series(mean=[100.0, 50.0, 0.0]))])
    figure.draw_without_rendering()
    axes = figure.axes[0]
    labels = [label for label in axes.get_yticklabels() if label.get_text()]
    assert len(labels) == 14
    feet = [axes.transData.transform(label.get_position())[1] for label in labels]
    digit = 0.7 * labels[0].get_fontsize() * figure.dpi / 72  # in pixels, as high as digits are
    assert all(above - below > digit for below, above in pairwise(feet))


def test_twenty_series_stand_side_by_side(drawn: Callable[..., Figure]) -> None:
    (axes,) = drawn([TWENTY]).axes
    lines = [container[0] for container in axes.containers]
    places = sorted(x for line in lines for x in line.get_xdata())
    assert len(set(places)) == len(places) == 60
    for angle, group in zip(ANGLES, (places[:20], places[20:40], places[40:]), strict=True):
        assert sum(group) / 20 == pytest.approx(angle)
        assert group[-1] - group[0] < 15 * 0.75  # a gap is left to the next angle's


def test_twenty_lines_differ_without_colour(drawn: Callable[..., Figure]) -> None:
    (axes,) = drawn([TWENTY]).axes
    marks = [container[0] for container in axes.containers]
    looks = {(mark.get_marker(), mark.get_markerfacecolor() == "white") for mark in marks}
    assert len(looks) == 20


def test_a_label_has_its_line_and_offset_in_every_panel(drawn: Callable[..., Figure]) -> None:
    left, right = (axes.containers for axes in drawn(PANELS).axes)
    assert left[1][0].get_marker() == right[0][0].get_marker()
    assert list(left[1][0].get_xdata()) == list(right[0][0].get_xdata())


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
    drawn([{"title": "", "angles": [30], "series": [series(mean=[90], std=[1])]}])


@pytest.mark.parametrize(
    ("panels", "message"),
    [
        ([], "no panels"),
        ([panel() | {"angles": []}], "no angles in the panel"),
        ([panel() | {"angles": [30, 15, 60]}], "do not rise; sort them"),
        ([panel() | {"series": []}], "no series in the panel"),
        ([panel(series(std=[1.0]))], "PRIOT: std has 1 values where 3 are due"),
        ([panel(series(mean=[95.0, 90.0, 101.0]))], "PRIOT: mean is in percent"),
        ([panel(series(std=[1.0, -1.0, 1.0]))], "PRIOT: std is below 0"),
        ([TWENTY, panel(series("another"))], "draw fewer"),
    ],
)
def test_wrong_data_are_refused(tmp_path: Path, panels: list[Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        draw_accuracy(panels, tmp_path / "figure.png")
