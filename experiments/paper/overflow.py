"""Figure 2: the logits of static-scale NITI through the epoch in which its accuracy drops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.paper.accuracy import runs_of
from experiments.paper.artefact import Artefact
from experiments.paper.contenders import NITI_STATIC, PRIOT
from experiments.paper.laboratory import Laboratory
from experiments.paper.protocol import ANGLE, OVERFLOWING
from experiments.training.configuration import Configuration
from experiments.training.inputs import Inputs
from experiments.training.train import SATURATED, Session, accuracy_by_epoch, measured_epochs
from plots.overflow import draw_overflow

SNAPSHOTS = 8  # steps through the drop after which the logits are looked at, beside its start


def overflow(laboratory: Laboratory) -> Artefact:
    """Find the run and epoch of the largest drop, and follow it and PRIOT through that epoch.

    Where accuracy is not measured after every epoch, those between two measurements are one drop.

    Raises:
        UserError: as ``run_sweep`` does.
    """
    candidates = runs_of(laboratory, "paper", NITI_STATIC, ANGLE, OVERFLOWING)
    records = laboratory.run(candidates)
    drops = [np.diff(accuracy_by_epoch(record)) for record in records]
    seed = min(range(len(drops)), key=lambda n: float(drops[n].min()))
    measured = measured_epochs(records[seed])
    place = int(drops[seed].argmin())
    before, epoch = measured[place], measured[place + 1]
    passed = f"epoch {epoch}" if epoch == before + 1 else f"epochs {before + 1} to {epoch}"
    followed = {
        "Static NITI": candidates[seed],
        "PRIOT": runs_of(laboratory, "paper", PRIOT, ANGLE, OVERFLOWING)[seed],
    }
    rows = [
        {**laboratory.subject, "panel": title, "epoch": epoch, **snapshot}
        for title, configuration in followed.items()
        for snapshot in _snapshots(configuration, laboratory.inputs, before, epoch)
    ]
    return Artefact(
        "overflow",
        f"Logits of the test images through {passed} at {ANGLE:g} degrees, seed "
        f"{candidates[seed].seed} ({laboratory.label}), with the logits' static scale "
        f"{-OVERFLOWING} bits smaller than calibration says; saturated logits are those of "
        f"magnitude {SATURATED}.",
        rows,
        laboratory.record(candidates),
        lambda path: _draw(rows, path),
        laboratory.scope.network,
    )


def _snapshots(
    configuration: Configuration, inputs: Inputs, before: int, last: int
) -> list[dict[str, Any]]:
    """The test images' logits after epoch ``before`` and at even steps to the end of ``last``."""
    session = Session(configuration, inputs)
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


def _snapshot(session: Session, images: int) -> dict[str, Any]:
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
