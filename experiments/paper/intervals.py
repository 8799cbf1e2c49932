"""Confidence intervals of means: Student's t at 95 %."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from statistics import stdev

_T = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
    *(2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)
"""Two-sided 95 % quantiles for 1, 2, ... degrees of freedom (any table of Student's t)."""


def half_width(values: Sequence[float]) -> float:
    """Half of the 95 % interval of the mean of 2 to 31 independent values."""
    return _T[len(values) - 2] * stdev(values) / sqrt(len(values))
