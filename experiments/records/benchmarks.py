"""The record of make bench."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from priot.experiments.records.kinds import Scalar, record


@record("benchmarks", 1)
@dataclass(frozen=True, kw_only=True)
class Benchmarks:
    """How fast simulator, reference and firmware are, on one machine."""

    rows: tuple[Mapping[str, Scalar], ...]
    rounds: int
    skipped: Mapping[str, str]
    """What could not be compared with, and why."""
    processor: str
    cores: int | None
    environment: Mapping[str, str]
