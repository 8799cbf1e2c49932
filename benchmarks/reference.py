"""How fast the reference trains, against NumPy and PyTorch, on one core."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from statistics import median
from typing import Any

import numpy as np

from benchmarks.errors import BenchmarkError
from benchmarks.numpy_trainer import NumpyTrainer
from benchmarks.timing import median_ratio, seconds
from benchmarks.training import Training, trainings
from priot.kernels.trainer import Trainer

IMAGES = 1024
RANDOM = "random labels"


def pytorch_missing() -> str | None:
    """What to do to have PyTorch, or None where it is installed."""
    return None if find_spec("torch") else "not installed; run: .venv/bin/pip install torch"


def rows(rounds: int) -> list[dict[str, Any]]:
    """One row per method; PyTorch where it is installed.

    A round trains the first epoch of a transfer run, image by image, in each of them, one after the
    other. NumPy has to end with the reference's bits; PyTorch computes in float32.
    """
    normal = trainings(IMAGES)
    return [
        *(_row(training.settings.label, training, rounds) for training in normal),
        *(_row(f"{t.settings.label}, {RANDOM}", _with_random_labels(t), rounds) for t in normal),
    ]


def _with_random_labels(training: Training) -> Training:
    """The same where next to no image is known, so that hardly any has an error of zero."""
    labels = np.random.default_rng(0).integers(0, 10, IMAGES, np.uint8)
    return replace(training, task=replace(training.task, labels=labels))


def _row(case: str, training: Training, rounds: int) -> dict[str, Any]:
    expected, found = _train(training, Trainer), _train(training, NumpyTrainer)
    if found != expected:
        raise BenchmarkError(f"{training.settings.label}: NumPy and the reference disagree")
    runs: dict[str, Callable[[], object]] = {
        "reference": lambda: _train(training, Trainer),
        "numpy": lambda: _train(training, NumpyTrainer),
    }
    if pytorch_missing() is None:
        from benchmarks.pytorch import float_training

        runs["pytorch"] = float_training(training.model, training.task)
        runs["pytorch"]()  # the first epoch is slower
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            times[name].append(seconds(run))
    row: dict[str, Any] = {"case": case, "percent_learnt_from": _percent_learnt_from(training)}
    for name in runs:
        row[f"{name}_images_per_second"] = IMAGES / median(times[name])
    for name in list(runs)[1:]:
        row[f"times_as_fast_as_{name}"] = median_ratio(times[name], times["reference"])
    return row


def _percent_learnt_from(training: Training) -> float:
    """Images of the epoch whose error is not zero: the others end with the forward pass."""
    trainer = Trainer(training.model.copy(), training.settings, training.scales)
    learnt = 0
    for image, label in zip(training.task.images, training.task.labels, strict=True):
        trainer.step(image, int(label))
        learnt += bool(np.any(trainer.errors[-1]))
    return 100 * learnt / IMAGES


def _train(training: Training, trainer: type[Trainer] | type[NumpyTrainer]) -> str:
    """One epoch from the start; returns the hash of what came out."""
    model = training.model.copy()
    task, order = training.task, np.arange(len(training.task.labels))
    trainer(model, training.settings, training.scales).train(task.images, task.labels, order)
    return model.state_hash()
