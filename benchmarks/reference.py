"""How fast the reference trains, and PyTorch the same network in float32, on one core."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.util import find_spec
from statistics import median
from typing import Any

import numpy as np

from experiments.datasets.mnist import mnist_sample
from experiments.datasets.transfer import Transfer, transfer_task
from experiments.device.costs import compared_methods
from experiments.pretraining.backbone import load_backbone
from experiments.training.train import starting_point
from kernels.methods import Method
from kernels.trainer import Trainer

ROUNDS = 7
IMAGES = 1024


def rows() -> list[dict[str, Any]]:
    """One row per method; the ratio to PyTorch where the extra ``torch`` is installed.

    A round trains the first epoch of a transfer run, image by image, in each of the two, one after
    the other; figures are medians of rounds.
    """
    task = transfer_task(mnist_sample(), angle=30.0, images=IMAGES, test_images=0, seed=0)
    return [_row(settings, task) for settings in compared_methods()]


def _row(settings: Method, task: Transfer) -> dict[str, Any]:
    backbone = load_backbone(None)
    order = np.arange(IMAGES)
    model, scales = starting_point(backbone, settings, task, seed=0)

    def reference() -> None:
        Trainer(model.copy(), settings, scales).train(task.images, task.labels, order)

    others: dict[str, Callable[[], None]] = {}
    if find_spec("torch") is not None:
        from benchmarks.pytorch import float_training

        others["pytorch"] = float_training(backbone.model, task)
    seconds: dict[str, list[float]] = {"reference": [], **{name: [] for name in others}}
    for _ in range(ROUNDS + 1):  # the first is a warm-up
        for name, run in {"reference": reference, **others}.items():
            seconds[name].append(_seconds(run))
    speeds = {name: IMAGES / median(times[1:]) for name, times in seconds.items()}
    row = {
        "benchmark": "reference training step",
        "method": settings.label,
        "images_per_second": speeds["reference"],
    }
    if "pytorch" in speeds:
        pairs = zip(seconds["pytorch"][1:], seconds["reference"][1:], strict=True)
        row["pytorch_images_per_second"] = speeds["pytorch"]
        row["ratio_to_pytorch"] = median(torch / ours for torch, ours in pairs)
    return row


def _seconds(run: Callable[[], None]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start
