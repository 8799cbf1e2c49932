"""Records of priot tune: the settings that it found, and the search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from priot.experiments.records.kinds import Scalar, record

OfMethod = dict[str, Scalar]


@dataclass(frozen=True, kw_only=True)
class Found:
    """What was found, and on what."""

    common_learning_rate_bits: int
    """Of the comparison with one setting for all."""
    best: Mapping[str, Mapping[str, OfMethod]]
    """Settings by row of Table 1 ("priot-s-20-random") and angle in degrees."""
    backbone_sha256: str
    data_sha256: str


@record("settings", 1)
@dataclass(frozen=True, kw_only=True)
class TunedSettings(Found):
    """What priot tune --settings writes, and other commands read."""


@record("tuning", 1)
@dataclass(frozen=True, kw_only=True)
class Tuning(Found):
    """What priot tune --json writes: the settings, and how every candidate did."""

    accuracy_by_common_bits: Mapping[str, float]
    tried: Mapping[str, Mapping[str, Any]]
    """By row of Table 1: candidates, finalists, and how much of the space was left out."""
    runs: int
    computing_seconds: int
    data: str
    environment: Mapping[str, str] = field(default_factory=dict)
