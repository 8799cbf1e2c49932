"""experiments.paper.tuning: which settings the search looks at; runs are a made-up landscape."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from experiments.paper.contenders import PRIOT
from experiments.paper.effort import EFFORTS, Effort
from experiments.paper.tuning import neighbours, search
from experiments.training.configuration import Configuration

EFFORT = replace(EFFORTS["vgg11"], candidates=1)
Settings = dict[str, Any]


@pytest.fixture(autouse=True)
def _landscape(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small updates and small first scores are best, one step of either after the other."""

    def run_sweep(configurations: list[Configuration], *_: Any) -> list[dict[str, Any]]:
        def right(of: dict[str, Any]) -> int:
            return 100 - 5 * int(of["learning_rate_bits"]) - int(of.get("score_spread", 0))

        records = [configuration.to_json() for configuration in configurations]
        return [
            {"configuration": of | {"test_images": 100}, "right": [right(of)]} for of in records
        ]

    monkeypatch.setattr("experiments.paper.tuning.run_sweep", run_sweep)


def tried(effort: Effort) -> list[tuple[float, Settings]]:
    """PRIOT's candidates with their accuracy, the best first."""
    found = search(*(None,) * 3, effort)[PRIOT.name]["candidates"]  # type: ignore[arg-type]
    rows = [(row.pop("accuracy")["30"], row) for row in found]
    return sorted(rows, key=lambda row: -row[0])


@pytest.mark.parametrize("rounds", [0, 1, 2])
def test_a_round_looks_at_all_neighbours_of_the_best(rounds: int) -> None:
    before = tried(replace(EFFORT, rounds=rounds))
    behind = tried(replace(EFFORT, rounds=rounds + 1))
    settings = [one for _, one in behind]
    around = neighbours(EFFORT.spaces["priot"], before[0][1])
    assert all(one in settings for one in around)
    assert all(one in settings for _, one in before)
    assert len(settings) > len(before)
    assert rounds > 1 or behind[0][0] > before[0][0]
