"""Runs that belong together, carried out with all others and given back together."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TypeVar

Name = TypeVar("Name", bound=Hashable)
Run = TypeVar("Run")
Result = TypeVar("Result")


def flat(groups: Mapping[Name, Sequence[Run]]) -> list[Run]:
    """The runs of all groups in their order."""
    return [run for group in groups.values() for run in group]


def in_groups(
    groups: Mapping[Name, Sequence[Run]], carry_out: Callable[[list[Run]], Sequence[Result]]
) -> dict[Name, list[Result]]:
    """Of each group the results of its runs; ``carry_out`` gets the runs of all at once."""
    results = iter(carry_out(flat(groups)))
    return {name: [next(results) for _ in group] for name, group in groups.items()}
