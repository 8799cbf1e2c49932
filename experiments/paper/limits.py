"""What a way to train may take of SRAM and time at most."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from priot.experiments.errors import UserError


@dataclass(frozen=True)
class Limits:
    """What a row may take at most.

    Raises:
        UserError: for a limit that is not above 0.
    """

    sram_kb: float = math.inf
    """Peak SRAM in KB of 1024 bytes."""
    ms: float = math.inf
    """Milliseconds of one training step."""

    def __post_init__(self) -> None:
        for option, limit, unit in (("--sram-kb", self.sram_kb, "KB"), ("--ms", self.ms, "ms")):
            if not limit > 0:
                raise UserError(f"{option} {limit:g}: give {unit} above 0")

    def __bool__(self) -> bool:
        """Whether there is any."""
        return min(self.sram_kb, self.ms) < math.inf

    def __str__(self) -> str:
        told = [
            f"{limit:g} {unit}"
            for limit, unit in ((self.sram_kb, "KB of SRAM"), (self.ms, "ms"))
            if limit < math.inf
        ]
        return " and ".join(told)

    def enough_sram(self, row: Mapping[str, Any]) -> bool:
        """Whether the row fits the SRAM."""
        return bool(row["peak_sram_bytes"] <= 1024 * self.sram_kb)

    def enough_time(self, row: Mapping[str, Any]) -> bool:
        """Whether the row fits the time."""
        return bool(row["ms"] <= self.ms)
