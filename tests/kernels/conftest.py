"""Ways in which large networks are computed; no number may depend on them."""

from __future__ import annotations

import pytest
from kernel_strategies import PRODUCTS


@pytest.fixture(params=PRODUCTS)
def products(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """How matrices are multiplied."""
    monkeypatch.setattr("priot.kernels.matrices.engine.fastest_products", lambda: request.param)


@pytest.fixture(params=[None, 700], ids=["whole", "in pieces"])
def pieces(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the positions of a layer are worked on a few rows at a time."""
    if request.param is not None:
        monkeypatch.setattr("priot.kernels.matrices.shard.COLUMN_ELEMENTS", request.param)
