"""What holds for every figure of the accuracy story."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest
import test_plots_accuracy
import test_plots_collapse
import test_plots_history
import test_plots_overflow
import test_plots_tradeoff

FIGURES: dict[str, tuple[Callable[..., None], Any, tuple[Any, ...]]] = {
    "accuracy": (test_plots_accuracy.DRAW, test_plots_accuracy.PANELS, ()),
    "history": (test_plots_history.DRAW, test_plots_history.PANELS, ()),
    "overflow": (test_plots_overflow.DRAW, test_plots_overflow.PANELS, ()),
    "tradeoff": (test_plots_tradeoff.DRAW, test_plots_tradeoff.ROWS, ()),
    "collapse": (test_plots_collapse.DRAW, test_plots_collapse.MAPS, (2,)),
}


@pytest.mark.parametrize("suffix", ["pdf", "png", "svg"])
@pytest.mark.parametrize("name", FIGURES)
def test_the_same_data_give_the_same_bytes(tmp_path: Path, name: str, suffix: str) -> None:
    draw, data, arguments = FIGURES[name]
    first, second = tmp_path / f"first.{suffix}", tmp_path / f"second.{suffix}"
    draw(data, first, *arguments)
    with mpl.rc_context({"font.size": 20, "svg.hashsalt": "other", "lines.marker": "x"}):
        draw(copy.deepcopy(data), second, *arguments)
    assert first.read_bytes() == second.read_bytes()
    if suffix == "pdf":
        assert b"/FontFile2" in first.read_bytes()  # TrueType outlines
        assert b"/Type3" not in first.read_bytes()


@pytest.mark.parametrize("name", FIGURES)
def test_unknown_format_is_refused(tmp_path: Path, name: str) -> None:
    draw, data, arguments = FIGURES[name]
    with pytest.raises(ValueError, match=r"\.pdf, \.png, \.svg"):
        draw(data, tmp_path / "figure.jpg", *arguments)
