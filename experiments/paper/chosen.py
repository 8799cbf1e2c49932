"""The settings that ``priot tune`` found, kept in settings.json."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

from experiments.paper.contenders import Contender


@cache
def chosen_settings() -> dict[str, Any]:
    """What ``priot tune`` found: bits common to all, and the best by contender and angle."""
    file = resources.files("experiments") / "paper" / "settings.json"
    content: dict[str, Any] = json.loads(file.read_text())
    return content


def common_settings() -> dict[str, Any]:
    """The paper's comparison: one setting for all methods, everything else at its default."""
    return {"learning_rate_bits": chosen_settings()["common_learning_rate_bits"]}


def tuned_settings(contender: Contender, angle: float) -> dict[str, Any]:
    """The strictest comparison: each contender at its own best for the nearest angle searched."""
    best: dict[str, dict[str, Any]] = chosen_settings()["best"][contender.name]
    return best[min(best, key=lambda searched: abs(float(searched) - angle))]
