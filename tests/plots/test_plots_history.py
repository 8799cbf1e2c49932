"""priot.plots.history: accuracy by epoch, drawn from made-up runs."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from figure_checks import assert_legend_is_clear
from matplotlib.figure import Figure

from priot.plots.history import draw_history

DRAW = draw_history

WITHIN = [60.0, 80.0, 90.0, 92.0]


def series(label: str = "PRIOT", **further: Any) -> dict[str, Any]:
    return {
        "label": label,
        "mean": WITHIN,
        "low": [value - 3 for value in WITHIN],
        "high": [value + 3 for value in WITHIN],
        **further,
    }


def panel(
    *everything: dict[str, Any], title: str = "30 degrees", epochs: Sequence[int] = range(4)
) -> dict[str, Any]:
    shown = everything or (series(emphasis=True), series("NITI"))
    return {"title": title, "epochs": epochs, "series": shown}


PANELS = [panel(), panel(series("NITI"), title="45 degrees")]


def test_nothing_overlaps_the_legend(drawn: Callable[..., Figure]) -> None:
    figure = drawn([panel(*(series(f"PRIOT-S {n} %, random") for n in range(9)))])
    assert_legend_is_clear(figure)


def test_one_panel_takes_a_column_and_several_the_page(drawn: Callable[..., Figure]) -> None:
    assert drawn(PANELS[:1]).get_figwidth() == 3.5
    assert drawn(PANELS).get_figwidth() == 7.16


def test_lines_and_bands_are_the_data(drawn: Callable[..., Figure]) -> None:
    (axes,) = drawn(PANELS[:1]).axes
    for line in axes.lines:
        assert list(line.get_xdata()) == [0, 1, 2, 3]
        assert list(line.get_ydata()) == WITHIN
    corners = axes.collections[0].get_paths()[0].vertices
    assert {(1, 77), (1, 83), (3, 89), (3, 95)} <= {tuple(corner) for corner in corners}
    assert axes.get_ylim() == (50, 95)


def test_lines_bend_at_the_epochs_that_were_measured(drawn: Callable[..., Figure]) -> None:
    (axes,) = drawn([panel(epochs=[0, 5, 10, 12])]).axes
    assert list(axes.lines[0].get_xdata()) == [0, 5, 10, 12]
    assert axes.get_xlim() == (0, 12)


def test_a_label_has_the_same_line_in_every_panel(drawn: Callable[..., Figure]) -> None:
    left, right = drawn(PANELS).axes
    assert left.lines[1].get_marker() == right.lines[0].get_marker() == "s"
    assert left.lines[0].get_linewidth() > left.lines[1].get_linewidth()
    assert left.lines[0].get_color() != left.lines[1].get_color()


def test_nine_lines_differ_without_colour(drawn: Callable[..., Figure]) -> None:
    (axes,) = drawn([panel(*(series(str(n)) for n in range(9)))]).axes
    assert len({line.get_marker() for line in axes.lines}) == 9


def test_words_come_from_the_data(tmp_path: Path) -> None:
    draw_history(PANELS, tmp_path / "figure.svg")
    svg = (tmp_path / "figure.svg").read_text(encoding="utf-8")
    for text in ("(b) 45 degrees", "epoch", "accuracy, % (log of error)", "PRIOT", "NITI"):
        assert f"<!-- {text} -->" in svg
    assert svg.count("<!-- NITI -->") == 1


def test_bands_are_cut_at_the_ends_of_the_scale(drawn: Callable[..., Figure]) -> None:
    wide = series(low=[-5.0] * 4, high=[105.0] * 4)
    assert drawn([panel(wide)]).axes[0].get_ylim() == (0, 99.9)


def test_a_run_of_epoch_0_alone_is_drawn(drawn: Callable[..., Figure]) -> None:
    drawn([panel(series(mean=[70], low=[70], high=[70]), epochs=[0])])


@pytest.mark.parametrize(
    ("panels", "message"),
    [
        ([], "no panels"),
        ([panel() | {"series": []}], "no series in the panel '30 degrees'"),
        ([panel(epochs=[])], "no epochs in the panel '30 degrees'"),
        ([panel(epochs=[1, 2, 3, 4])], "the epochs of '30 degrees' do not rise from 0"),
        ([panel(epochs=[0, 2, 1, 3])], "the epochs of '30 degrees' do not rise from 0"),
        ([panel(series(mean=[60.0, 80.0, 90.0, 920.0]))], "PRIOT: mean is in percent"),
        ([panel(series(low=[1.0]))], "PRIOT: low has 1 values where 4 are due"),
        ([panel(*(series(str(n)) for n in range(21)))], "draw fewer"),
    ],
)
def test_wrong_data_are_refused(tmp_path: Path, panels: list[Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        draw_history(panels, tmp_path / "figure.png")
