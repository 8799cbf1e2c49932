"""priot.plots.overflow: logits through an epoch, drawn from made-up snapshots."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from figure_checks import assert_legend_is_clear
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch

from priot.plots.overflow import draw_overflow

DRAW = draw_overflow


def snapshot(images: int, at_limits: int = 0) -> dict[str, Any]:
    """Of 100 logits, ``at_limits`` are -127, one is 127 and the rest lie at 0."""
    histogram = [0] * 255
    histogram[0], histogram[254], histogram[127] = at_limits, 1, 99 - at_limits
    return {
        "images": images,
        "histogram": histogram,
        "saturated_share": at_limits + 1,
        "accuracy": 90 - at_limits / 2,
    }


def panel(title: str = "NITI", *snapshots: dict[str, Any]) -> dict[str, Any]:
    return {"title": title, "snapshots": list(snapshots) or COLLAPSE}


COLLAPSE = [snapshot(0), snapshot(512, 24), snapshot(1024, 99)]
PANELS = [panel(), panel("PRIOT", snapshot(0), snapshot(1024))]


def test_nothing_overlaps_the_legend(drawn: Callable[..., Figure]) -> None:
    figure = drawn(PANELS[:1])
    assert_legend_is_clear(figure)


def test_one_panel_takes_a_column_and_two_the_page(drawn: Callable[..., Figure]) -> None:
    assert drawn(PANELS[:1]).get_figwidth() == 3.5
    assert drawn(PANELS).get_figwidth() == 7.16
    assert drawn(PANELS * 2).get_figheight() > 1.5 * drawn(PANELS).get_figheight()


def ridges(axes: Axes) -> list[tuple[list[float], list[float], float]]:
    """For each snapshot the bars' heights, in images, their edges, and the images it stands at."""
    steps = [patch.get_data() for patch in axes.patches if isinstance(patch, StepPatch)]
    return [
        (
            [part.baseline - value for part in parts for value in part.values],
            [*parts[0].edges, *parts[1].edges[1:], parts[2].edges[1]],
            parts[0].baseline,
        )
        for parts in zip(steps[::3], steps[1::3], steps[2::3], strict=True)
    ]


def test_bars_are_the_square_root_of_the_share(drawn: Callable[..., Figure]) -> None:
    drawn_ridges = ridges(drawn(PANELS[:1]).axes[0])
    assert [images for _, _, images in drawn_ridges] == [0, 512, 1024]
    full = 0.92 * 512  # height of all logits in one bar: 512 images are one row
    for (heights, _, _), (left, middle, right) in zip(
        drawn_ridges, [(0, 0.99, 0.01), (0.24, 0.75, 0.01), (0.99, 0, 0.01)], strict=True
    ):
        shares = [(height / full) ** 2 for height in heights]
        assert len(shares) == 25
        assert (shares[0], shares[12], shares[24]) == pytest.approx((left, middle, right))
        assert sum(shares) == pytest.approx(1)


@pytest.mark.parametrize("logit", [-127, -126, -116, -115, 0, 126, 127])
def test_every_logit_is_in_the_bar_that_covers_it(drawn: Callable[..., Figure], logit: int) -> None:
    one = snapshot(0) | {"histogram": [int(value == logit) for value in range(-127, 128)]}
    heights, edges, _ = ridges(drawn([panel("", one, snapshot(9))]).axes[0])[0]
    (filled,) = (place for place, height in enumerate(heights) if height)
    assert edges[filled] < logit < edges[filled + 1]
    assert edges[filled + 1] - edges[filled] == (9 if abs(logit) == 127 else 11)


def test_lines_are_the_data_on_the_axis_of_the_ridges(drawn: Callable[..., Figure]) -> None:
    left, beside = drawn(PANELS[:1]).axes
    saturated, accuracy = beside.lines
    assert list(saturated.get_xdata()) == [1, 25, 100]
    assert list(accuracy.get_xdata()) == [90, 78, 40.5]
    for line in beside.lines:
        assert list(line.get_ydata()) == [0, 512, 1024]
    assert saturated.get_linestyle() != accuracy.get_linestyle()
    assert left.get_ylim() == beside.get_ylim()
    assert left.get_ylim()[0] > left.get_ylim()[1]  # the epoch runs downwards


def test_words_come_from_the_data(tmp_path: Path) -> None:
    draw_overflow(PANELS, tmp_path / "figure.svg")
    svg = (tmp_path / "figure.svg").read_text(encoding="utf-8")
    for text in ("(a) NITI", "(b) PRIOT", "1,024", "images trained on", "accuracy"):
        assert f"<!-- {text} -->" in svg


@pytest.mark.parametrize(
    ("panels", "message"),
    [
        ([], "no panels"),
        ([panel("NITI", snapshot(0))], "NITI: 1 snapshots; give at least"),
        ([panel("NITI", snapshot(9), snapshot(0))], "do not rise; sort"),
        (
            [panel("NITI", snapshot(0), snapshot(9) | {"histogram": [1] * 256})],
            "NITI, after 9 images: histogram has 256 values where 255 are due",
        ),
        ([panel("NITI", snapshot(0), snapshot(9) | {"histogram": [0] * 255})], "is empty"),
        ([panel("NITI", snapshot(0), snapshot(9) | {"accuracy": -1})], "accuracy is in percent"),
    ],
)
def test_wrong_data_are_refused(tmp_path: Path, panels: list[Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        draw_overflow(panels, tmp_path / "figure.png")
