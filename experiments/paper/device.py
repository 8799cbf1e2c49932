"""Complete runs on the device, in the emulator, whose records equal the reference's."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from priot.experiments.defaults import ANGLE
from priot.experiments.device.comparison import MismatchError
from priot.experiments.device.learner import PicoLearner
from priot.experiments.paper.artefact import Artefact
from priot.experiments.paper.laboratory import Laboratory
from priot.experiments.sweeps.store import RunStore


def device(laboratory: Laboratory) -> Artefact:
    """Train each method from start to end in the emulator and compare with the reference.

    Raises:
        MismatchError: when a record differs in anything.
        UserError: as ``run_sweep`` does.
    """
    scope = laboratory.scope
    settings = scope.settings(
        angle=ANGLE,
        images=scope.device_images,
        test_images=scope.device_test_images,
        epochs=scope.device_epochs,
        **laboratory.settings.common(),
    )
    configurations = [contender.configuration(**settings) for contender in laboratory.contenders()]
    emulated = replace(
        laboratory,
        store=RunStore(laboratory.store.path.with_name(f"{scope.dataset}-device.jsonl")),
        inputs=replace(laboratory.inputs, firmware=PicoLearner()),
    )
    rows: list[dict[str, Any]] = []
    records = zip(laboratory.run(configurations), emulated.run(configurations), strict=True)
    for reference, found in records:
        if reference != found:
            parts = [
                part.name
                for part in fields(reference)
                if getattr(reference, part.name) != getattr(found, part.name)
            ]
            raise MismatchError(
                f"{reference.label}: device and reference differ in {', '.join(parts)}"
            )
        history = found.accuracy_by_epoch
        rows += [
            {"label": found.label, "epoch": epoch, "test_accuracy": round(accuracy, 3)}
            for epoch, accuracy in enumerate(history)
        ]
    return Artefact(
        "device",
        f"Complete training runs on the emulated Pico at {ANGLE:g} degrees ({laboratory.label}): "
        f"{scope.device_images:,} images, {scope.device_epochs} epochs; accuracy on "
        f"{scope.device_test_images:,} images by epoch, and every number of the record, equal the "
        "reference's.",
        rows,
        emulated.made_with(configurations),
    )
