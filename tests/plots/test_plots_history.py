"""priot.plots.history: accuracy by epoch, drawn from made-up runs."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from figure_checks import assert_legend_is_clear
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from priot.plots.history import draw_history

DRAW = draw_history

WITHIN = [60.0, 80.0, 90.0, 92.0]


def series(label: str = "PRIOT", **further: Any) -> dict[str, Any]:
    runs = [[value + apart for value in WITHIN] for apart in (-3, 0, 3)]
    return {"label": label, "runs": runs, **further}


def panel(
    *everything: dict[str, Any], title: str = "30 degrees", epochs: Sequence[int] = range(4)
) -> dict[str, Any]:
    shown = everything or (series(emphasis=True), series("NITI"))
    return {"title": title, "epochs": epochs, "series": shown}


PANELS = [panel(), panel(series("NITI"), title="45 degrees")]


def means_of(axes: Axes) -> list[Line2D]:
    """Without single runs."""
    return [line for line in axes.lines if line.get_marker()]


def test_nothing_overlaps_the_legend(drawn: Callable[..., Figure]) -> None:
    figure = drawn([panel(*(series(f"PRIOT-S {n} %, random") for n in range(9)))])
    assert_legend_is_clear(figure)


def test_one_panel_takes_a_column_and_several_the_page(drawn: Callable[..., Figure]) -> None:
    assert drawn(PANELS[:1]).get_figwidth() == 3.5
    assert drawn(PANELS).get_figwidth() == 7.16


def test_lines_are_the_data(drawn: Callable[..., Figure]) -> None:
    (axes,) = drawn(PANELS[:1]).axes
    for line in axes.lines:
        assert list(line.get_xdata()) == [0, 1, 2, 3]
    assert [list(line.get_ydata()) for line in means_of(axes)] == [WITHIN, WITHIN]
    runs = [line for line in axes.lines if line not in means_of(axes)]
    assert [list(line.get_ydata()) for line in runs] == 2 * series()["runs"]
    assert max(line.get_linewidth() for line in runs) < min(
        line.get_linewidth() for line in means_of(axes)
    )
    assert axes.get_ylim() == (50, 95)


def test_lines_bend_at_the_epochs_that_were_measured(drawn: Callable[..., Figure]) -> None:
    (axes,) = drawn([panel(epochs=[0, 5, 10, 12])]).axes
    assert list(axes.lines[0].get_xdata()) == [0, 5, 10, 12]
    assert axes.get_xlim() == (0, 12)


def test_a_label_has_the_same_line_in_every_panel(drawn: Callable[..., Figure]) -> None:
    left, right = (means_of(axes) for axes in drawn(PANELS).axes)
    assert left[1].get_marker() == right[0].get_marker() == "s"
    assert left[0].get_linewidth() > left[1].get_linewidth()
    assert left[0].get_color() != left[1].get_color()


def test_nine_lines_differ_without_colour(drawn: Callable[..., Figure]) -> None:
    (axes,) = drawn([panel(*(series(str(n)) for n in range(9)))]).axes
    assert len({line.get_marker() for line in means_of(axes)}) == 9


def test_words_come_from_the_data(tmp_path: Path) -> None:
    draw_history(PANELS, tmp_path / "figure.svg")
    svg = (tmp_path / "figure.svg").read_text(encoding="utf-8")
    for text in ("(b) 45 degrees", "epoch", "accuracy, % (log of error)", "PRIOT", "NITI"):
        assert f"<!-- {text} -->" in svg
    assert svg.count("<!-- NITI -->") == 1


def test_the_scale_holds_every_run(drawn: Callable[..., Figure]) -> None:
    wide = series(runs=[WITHIN, [0.0, 50.0, 100.0, 100.0]])
    assert drawn([panel(wide)]).axes[0].get_ylim() == (0, 99.9)


def test_a_run_of_epoch_0_alone_is_drawn(drawn: Callable[..., Figure]) -> None:
    drawn([panel(series(runs=[[70]]), epochs=[0])])


@pytest.mark.parametrize(
    ("panels", "message"),
    [
        ([], "no panels"),
        ([panel() | {"series": []}], "no series in the panel '30 degrees'"),
        ([panel(epochs=[])], "no epochs in the panel '30 degrees'"),
        ([panel(epochs=[1, 2, 3, 4])], "the epochs of '30 degrees' do not rise from 0"),
        ([panel(epochs=[0, 2, 1, 3])], "the epochs of '30 degrees' do not rise from 0"),
        ([panel(series(runs=[[60.0, 80.0, 90.0, 920.0]]))], "PRIOT: a run is in percent"),
        ([panel(series(runs=[WITHIN, [1.0]]))], "PRIOT: a run has 1 values where 4 are due"),
        ([panel(series(runs=[]))], "no runs of PRIOT to draw"),
        ([panel(*(series(str(n)) for n in range(21)))], "draw fewer"),
    ],
)
def test_wrong_data_are_refused(tmp_path: Path, panels: list[Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        draw_history(panels, tmp_path / "figure.png")
