"""What tests of all figures share: a module names its function DRAW and its data EXAMPLE."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure


@pytest.fixture
def drawn(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., Figure]:
    """Draws with the module's DRAW and returns the figure as it would have been written."""
    function = request.module.DRAW

    def draw(data: Any, *arguments: Any) -> Figure:
        kept: list[Figure] = []

        def keep(figure: Figure, path: Path, **_: Any) -> None:
            kept.append(figure)
            path.touch()

        with monkeypatch.context() as patch:
            patch.setattr(Figure, "savefig", keep)
            function(data, tmp_path / "figure.png", *arguments)
        return kept[0]

    return draw
