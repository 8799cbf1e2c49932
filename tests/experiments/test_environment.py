"""priot.experiments.environment: what a record says about how it was made."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError

import pytest

from priot.experiments.environment import environment


@pytest.fixture(autouse=True)
def _asked_anew() -> Iterator[None]:
    environment.cache_clear()
    yield
    environment.cache_clear()


@pytest.mark.parametrize("installed", [True, False])
def test_pytorch_is_named_where_its_products_may_have_been_used(
    monkeypatch: pytest.MonkeyPatch, installed: bool
) -> None:
    def version(package: str) -> str:
        if package == "torch" and not installed:
            raise PackageNotFoundError
        return f"{package}'s version"

    monkeypatch.setattr("priot.experiments.environment.version", version)
    found = environment()
    assert found["numpy"] == "numpy's version"
    assert found.get("torch") == ("torch's version" if installed else None)
