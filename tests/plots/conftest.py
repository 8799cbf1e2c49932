"""What tests of all figures share: a module names its function DRAW and its data EXAMPLE."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure


@pytest.fixture
def drawn(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Figure]:
    """Draws with the module's DRAW and returns the figure as it would have been written."""
    function = request.module.DRAW

    def draw(data: Any, *arguments: Any) -> Figure:
        kept: list[Figure] = []
        with monkeypatch.context() as patch:
            patch.setattr(f"{function.__module__}.save", lambda figure, _: kept.append(figure))
            function(data, Path("figure.png"), *arguments)
        return kept[0]

    return draw
