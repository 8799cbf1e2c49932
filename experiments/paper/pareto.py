"""Which of several choices are worth a thought: the Pareto front."""

from __future__ import annotations

from collections.abc import Sequence


def on_front(costs: Sequence[tuple[float, ...]]) -> list[bool]:
    """Whether no other member is at least as good in everything and better in something.

    Args:
        costs: of each choice, all of one length; less is better.
    """
    return [not any(_beats(other, cost) for other in costs) for cost in costs]


def _beats(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one != other and all(mine <= its for mine, its in zip(one, other, strict=True))
