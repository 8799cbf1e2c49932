"""What all tests share."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# A slow or busy machine fails no test.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

_PRIOT = Path(__file__).parents[1] / "priot"


@pytest.fixture(scope="session", autouse=True)
def _nothing_under_two_names() -> Iterator[None]:
    """What a folder holds is loaded below ``priot`` alone (tests/packaging)."""
    yield
    second = sorted(sys.modules.keys() & {link.name for link in _PRIOT.iterdir()})
    assert not second, f"loaded without priot.: {', '.join(second)}"
