"""The record of make torture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from priot.experiments.records.kinds import record


@dataclass(frozen=True, kw_only=True)
class TorturePart:
    """What was done of one part of the robustness suite."""

    part: str
    pieces: int
    done: int
    ends: Mapping[str, int]
    """How its cases ended, and how many did so."""
    seconds: float
    slowest_seconds: float
    """The longest that one case took."""


@record("torture", 1)
@dataclass(frozen=True, kw_only=True)
class Torture:
    """What the robustness suite tried, and what it found wrong."""

    size: str
    seed: int
    full_disk: str
    """How a full disk was had, or why it was not."""
    parts: tuple[TorturePart, ...]
    faults: tuple[str, ...]
    environment: Mapping[str, str]
