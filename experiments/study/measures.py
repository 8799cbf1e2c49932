"""What a backbone is like before any transfer: margins, scales, errors, by angle."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from priot.experiments.datasets.transfer import Transfer, transfer_task
from priot.experiments.study.laboratory import StudyLaboratory
from priot.kernels.methods import method
from priot.kernels.model import Model
from priot.kernels.trainer import Trainer

UPRIGHT = 0.0
SEED = 0


def measures(laboratory: StudyLaboratory, backbones: Sequence[str]) -> Iterator[dict[str, Any]]:
    """One row for each backbone and angle, upright first: of the images that training draws from.

    Scales follow each image, as in NITI dynamic.
    """
    study = laboratory.study
    for angle in (UPRIGHT, *study.angles):
        task = transfer_task(laboratory.source, angle, study.images, 0, SEED)
        for name in backbones:
            model = laboratory.inputs_of(name).backbone.model
            yield {"backbone": name, "angle": angle} | _measure(model, task)


def _measure(model: Model, task: Transfer) -> dict[str, Any]:
    trainer = Trainer(model.copy(), method("niti-dynamic"), scales=None)
    last = model.network.weighted[-1]
    right, margins, exponents, without_error = [], [], [], []
    shifts: dict[int, list[int]] = {index: [] for index in model.network.weighted}
    gradients: list[int] = []
    for image, label in zip(task.images, task.labels, strict=True):
        logits = trainer.forward(image).astype(np.int64)
        exponents.append(trainer.logit_exponent)
        ordered = np.sort(logits)
        right.append(int(logits.argmax()) == label)
        margins.append(float(ordered[-1] - ordered[-2]) * 2.0**trainer.logit_exponent)
        trainer.backward(int(label))
        without_error.append(not trainer.errors[-1].any())
        used = trainer.used
        for index, of_layer in shifts.items():
            of_layer.append(used[index].forward)
        if not without_error[-1]:
            gradients.append(used[last].gradient_bits)
    return {
        "images": len(right),
        "right_share": round(100 * float(np.mean(right)), 2),
        "without_error_share": round(100 * float(np.mean(without_error)), 2),
        "margin_median": round(float(np.median(margins)), 3),
        "margin_p90": round(float(np.quantile(margins, 0.9)), 3),
        "logit_exponent_most_frequent": _mode(exponents),
        "logit_exponent_largest": max(exponents),
        "forward_shifts": {
            model.network.name_of(index): {
                "most_frequent": _mode(of_layer),
                "above_share": round(100 * float(np.mean(np.array(of_layer) > _mode(of_layer))), 2),
                "largest": max(of_layer),
            }
            for index, of_layer in shifts.items()
        },
        "last_gradient_bits": {
            str(bits): count for bits, count in sorted(Counter(gradients).items())
        },
    }


def _mode(values: Sequence[int]) -> int:
    counts = Counter(values)
    return max(counts, key=lambda value: (counts[value], value))
