"""The layers of the project: who imports whom. An import goes downward, or has a reason here."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

WINGS = {
    "sim": {"numba_cache"},
    "kernels": {"numba_cache"},
    "plots": set(),
    "numba_cache": set(),
    "firmware_elf": set(),
    "experiments": {"sim", "kernels", "plots", "numba_cache", "firmware_elf"},
}
"""Each wing, and those that it may import."""

LAYERS: tuple[tuple[str, ...], ...] = (
    # What all of experiments/ stands on: errors, limits, files in and out, progress.
    (
        *("arrays", "classifier", "clock", "code", "compilation", "defaults", "environment"),
        *("errors", "files", "limits", "output", "progress", "ranges", "reading", "schedule"),
        "standard_streams",
    ),
    # What commands write as JSON.
    ("records",),
    ("datasets",),
    # A backbone as it is kept, and the networks that have names.
    ("pretraining.backbone", "pretraining.networks"),
    # Runs in the reference.
    ("training",),
    # The same runs, and steps, on the simulated Pico.
    ("device",),
    ("explain", "programs"),
    # Many runs of any kind, kept.
    ("sweeps",),
    ("floating",),
    # How backbones are made, in integers or in float32.
    ("pretraining",),
    ("paper",),
    ("study",),
    ("cli",),
)
"""Packages and modules of experiments/, the lowest first; of one layer, none imports another."""

REASONS: dict[tuple[str, str], str] = {}
"""Imports that go upward all the same, and why."""


def modules(wing: str) -> Iterator[tuple[str, Path]]:
    """Dotted names below the wing."""
    for path in sorted((ROOT / wing).rglob("*.py")):
        parts = path.relative_to(ROOT / wing).with_suffix("").parts
        yield ".".join(part for part in parts if part != "__init__"), path


def imported(path: Path) -> Iterator[tuple[str, str]]:
    """Wing and dotted name below it of every import of the project, wherever it stands."""
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            package, _, below = name.partition(".")
            if package == "priot" and below:
                wing, _, rest = below.partition(".")
                yield wing, rest


def place_of(name: str) -> tuple[int, str]:
    """Number of the layer and its entry, the most special that fits."""
    places = [
        (len(entry), number, entry)
        for number, layer in enumerate(LAYERS)
        for entry in layer
        if name == entry or name.startswith(f"{entry}.")
    ]
    assert places, f"experiments.{name} is in no layer: add it to LAYERS"
    _, number, entry = max(places)
    return number, entry


@pytest.mark.parametrize("wing", WINGS)
def test_a_wing_imports_only_those_below_it(wing: str) -> None:
    for name, path in modules(wing):
        found = {other for other, _ in imported(path)} - {wing, "__version__"}
        assert found <= WINGS[wing], (wing, name)


def upward() -> dict[tuple[str, str], list[str]]:
    """Imports within experiments/ that do not go to a lower layer, with the modules that do so."""
    found: dict[tuple[str, str], list[str]] = {}
    for name, path in modules("experiments"):
        if not name:
            continue
        number, entry = place_of(name)
        for wing, target in imported(path):
            if wing == "experiments" and target:
                below, other = place_of(target)
                if other != entry and below >= number and LAYERS[number] != LAYERS[0]:
                    found.setdefault((entry, other), []).append(f"{name} imports {target}")
    return found


def test_imports_of_experiments_go_downward() -> None:
    assert {pair: why for pair, why in upward().items() if pair not in REASONS} == {}


def test_every_reason_is_needed() -> None:
    assert REASONS.keys() <= upward().keys()


def test_what_all_stand_on_imports_nothing_above() -> None:
    for name in LAYERS[0]:
        for wing, target in imported(ROOT / "experiments" / f"{name}.py"):
            if wing == "experiments":
                assert place_of(target)[1] in LAYERS[0], (name, target)
