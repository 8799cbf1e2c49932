"""Seconds, and figures over rounds: what is compared runs in turn, and ratios are of one round."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import median


def seconds(run: Callable[[], object]) -> float:
    """What one call takes, by the wall clock."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def median_ratio(numerators: Sequence[float], denominators: Sequence[float]) -> float:
    """The median over rounds of the ratio within a round, which a busy machine spoils least."""
    return median(n / d for n, d in zip(numerators, denominators, strict=True))
