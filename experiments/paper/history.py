"""Figure 3: accuracy by epoch, with the spread over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from experiments.paper.accuracy import runs_of
from experiments.paper.artefact import Artefact
from experiments.paper.contenders import PRIOT, SHOWN, Contender
from experiments.paper.laboratory import Laboratory
from experiments.paper.protocol import ANGLE, OVERFLOWING
from experiments.training.train import accuracy_by_epoch, measured_epochs
from plots.history import draw_history

PANELS = {
    "paper": "One setting for all",
    "overflowing": "The same, logits overflow",
    "tuned": "Each at its best",
}


def history(laboratory: Laboratory) -> Artefact:
    """Carry out what is missing of the runs at ANGLE and make the figure.

    Raises:
        UserError: as ``run_sweep`` does.
    """
    scope = laboratory.scope
    groups = {
        (panel, contender): _runs(laboratory, panel, contender)
        for panel in PANELS
        for contender in SHOWN
    }
    configurations = [configuration for group in groups.values() for configuration in group]
    found = iter(laboratory.run(configurations))
    rows = []
    for (panel, contender), group in groups.items():
        records = [next(found) for _ in group]
        histories = map(accuracy_by_epoch, records)
        for epoch, *values in zip(measured_epochs(records[0]), *histories, strict=True):
            rows.append(
                {
                    **laboratory.subject,
                    "panel": panel,
                    "label": contender.label,
                    "epoch": epoch,
                    "seeds": len(values),
                    "mean": round(fmean(values), 3),
                    "low": round(min(values), 3),
                    "high": round(max(values), 3),
                }
            )
    return Artefact(
        "history",
        f"Accuracy by epoch at {ANGLE:g} degrees ({laboratory.label}): mean of {len(scope.seeds)} "
        "seeds, and their range. In the middle, static scales of the logits are "
        f"{-OVERFLOWING} bits smaller than calibration says, so that logits overflow.",
        rows,
        laboratory.record(configurations),
        lambda path: _draw(rows, path),
        scope.network,
    )


def _runs(laboratory: Laboratory, panel: str, contender: Contender) -> list[Any]:
    if panel == "tuned":
        return runs_of(laboratory, "tuned", contender, ANGLE)
    headroom = OVERFLOWING if panel == "overflowing" and contender.static else 0
    return runs_of(laboratory, "paper", contender, ANGLE, headroom)


def _draw(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    panels = []
    for panel, title in PANELS.items():
        series = []
        for contender in SHOWN:
            mine = [r for r in rows if r["panel"] == panel and r["label"] == contender.label]
            values = {name: [row[name] for row in mine] for name in ("mean", "low", "high")}
            series.append({"label": contender.label, "emphasis": contender == PRIOT, **values})
        epochs = sorted({row["epoch"] for row in rows})
        panels.append({"title": title, "epochs": epochs, "series": series})
    draw_history(panels, path)
