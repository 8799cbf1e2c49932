"""What all tests share."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# A slow or busy machine fails no test.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

_ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session", autouse=True)
def _nothing_under_two_names() -> Iterator[None]:
    """What a folder holds is loaded below ``priot`` alone (tests/packaging)."""
    yield
    folders = {path.parent.name for path in _ROOT.glob("*/__init__.py")} - {"priot", "benchmarks"}
    second = sorted(folders & sys.modules.keys())
    assert not second, f"loaded without priot.: {', '.join(second)}"
