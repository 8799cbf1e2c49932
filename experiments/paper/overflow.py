"""Figure 2: the logits of NITI static through the epoch in which its accuracy drops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from priot.experiments.classifier import SATURATED
from priot.experiments.defaults import ANGLE
from priot.experiments.paper.artefact import Artefact
from priot.experiments.paper.contenders import NITI_STATIC, PRIOT
from priot.experiments.paper.history import told_of
from priot.experiments.paper.laboratory import Laboratory, made_with_all
from priot.experiments.paper.panels import runs_of_panel
from priot.experiments.records.runs import TrainingRun
from priot.experiments.training.configuration import Configuration
from priot.experiments.training.inputs import Inputs
from priot.experiments.training.train import TrainingSession
from priot.plots.overflow import draw_overflow

SNAPSHOTS = 8  # steps through the drop after which the logits are looked at, beside its start


def overflow(laboratory: Laboratory) -> Artefact:
    """On each backbone find NITI static's largest drop, and follow it and PRIOT through it.

    Where accuracy is not measured after every epoch, those between two measurements are one drop.

    Raises:
        UserError: as ``run_sweep`` does.
    """
    scope = laboratory.scope
    panels = [panel for panel in scope.panels if panel.follows_logits]
    rows: list[dict[str, Any]] = []
    runs, told = [], []
    for panel in panels:
        on_backbone = laboratory.on(panel.backbone)
        candidates = runs_of_panel(on_backbone, panel, NITI_STATIC)
        runs.append((on_backbone, candidates))
        number, before, epoch = _largest_drop(on_backbone.run(candidates))
        passed = f"epoch {epoch}" if epoch == before + 1 else f"epochs {before + 1} to {epoch}"
        told.append(f"{passed} of seed {candidates[number].seed}")
        where = f", {panel.name}" if len(panels) > 1 else ""
        followed = {
            f"{NITI_STATIC.label}{where}": candidates[number],
            f"{PRIOT.label}{where}": runs_of_panel(on_backbone, panel, PRIOT)[number],
        }
        rows += [
            {**laboratory.subject, "panel": title, "epoch": epoch, **snapshot}
            for title, configuration in followed.items()
            for snapshot in _snapshots(configuration, on_backbone.inputs, before, epoch)
        ]
    return Artefact(
        "overflow",
        f"Logits of the test images through {' and '.join(told)} at {ANGLE:g} degrees "
        f"({laboratory.label}), in which NITI static's accuracy drops most. {told_of(panels)} "
        f"Saturated logits are those of magnitude {SATURATED}.",
        rows,
        made_with_all(runs),
        lambda path: _draw(rows, path),
        scope.network,
    )


def _largest_drop(records: Sequence[TrainingRun]) -> tuple[int, int, int]:
    """The number of a run, and the measured epochs between which its accuracy falls most."""
    drops = [np.diff(record.accuracy_by_epoch) for record in records]
    number = min(range(len(drops)), key=lambda n: float(drops[n].min()))
    measured = records[number].measured_epochs
    place = int(drops[number].argmin())
    return number, measured[place], measured[place + 1]


def _snapshots(
    configuration: Configuration, inputs: Inputs, before: int, last: int
) -> list[dict[str, Any]]:
    """The test images' logits after epoch ``before`` and at even steps to the end of ``last``."""
    session = TrainingSession(configuration, inputs)
    for earlier in range(1, before + 1):
        session.train(session.order_of(earlier), earlier)
    steps = [
        (epoch, image) for epoch in range(before + 1, last + 1) for image in session.order_of(epoch)
    ]
    snapshots = [_snapshot(session, 0)]
    done = 0
    for part in np.array_split(np.array(steps), SNAPSHOTS):
        for epoch in np.unique(part[:, 0]):
            session.train(part[part[:, 0] == epoch, 1], int(epoch))
        done += len(part)
        snapshots.append(_snapshot(session, done))
    return snapshots


def _snapshot(session: TrainingSession, images: int) -> dict[str, Any]:
    logits = session.test_logits()
    right = np.count_nonzero(logits.argmax(axis=1) == session.task.test_labels)
    histogram = np.bincount(logits.reshape(-1).astype(np.int64) + SATURATED, minlength=255)
    return {
        "images": images,
        "accuracy": round(100 * right / len(logits), 3),
        "saturated": int(histogram[0] + histogram[-1]),
        "saturated_share": round(100 * (histogram[0] + histogram[-1]) / logits.size, 3),
        "histogram": " ".join(map(str, histogram)),
    }


def _draw(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    panels = []
    for title in dict.fromkeys(row["panel"] for row in rows):
        snapshots = [
            dict(row) | {"histogram": [int(count) for count in row["histogram"].split()]}
            for row in rows
            if row["panel"] == title
        ]
        panels.append({"title": title, "snapshots": snapshots})
    draw_overflow(panels, path)
