"""The record of priot explain: where the cycles and bytes of one configuration's steps went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from priot.experiments.records.costs import TimedSteps
from priot.experiments.records.kinds import Scalar, record


@dataclass(frozen=True)
class Cycles:
    """Of a step, and their share of it."""

    cycles: float
    share: float


@record("explanation", 1)
@dataclass(frozen=True, kw_only=True)
class Explanation:
    """The first steps of a run on the simulated Pico; docs/explain.md tells the fields."""

    configuration: Mapping[str, Scalar]
    backbone_sha256: str
    data_sha256: str
    data: str
    steps: int
    cycles_per_step: float
    operations: tuple[Mapping[str, Scalar], ...]
    return_to_host: Cycles
    costs: TimedSteps
    memory_map: Mapping[str, Any]
    profile_cycles: int
    lines: tuple[Mapping[str, Any], ...]
    waits: int
    energy: Mapping[str, Any]
    environment: Mapping[str, str] = field(default_factory=dict)
