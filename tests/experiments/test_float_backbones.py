"""The tiny CNN's backbones that were trained in float32: what their records say of them is so."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from priot.experiments.classifier import right_answers
from priot.experiments.datasets.mnist import mnist_sample
from priot.experiments.datasets.rotation import as_input
from priot.experiments.floating.static_inference import static_classifier
from priot.experiments.pretraining.backbone import Backbone, load_backbone
from priot.experiments.pretraining.networks import TINY_CNN
from priot.kernels.methods import METHODS
from priot.kernels.trainer import Trainer

SEEDS = (0, 1, 2)
NAMES = [f"float32-{rule}-{seed}" for rule in ("minmax", "percentile") for seed in SEEDS]
MNIST_TRAINING = load_backbone(None).record["training_data"]
MNIST_TEST = load_backbone(None).record["test_data"]


def shipped(name: str) -> Backbone:
    folder = resources.files("priot.experiments") / "data" / "backbones"
    return load_backbone(Path(str(folder / f"{name}.json")))  # which compares the hash


@pytest.mark.parametrize("name", NAMES)
def test_the_record_tells_how_it_came_about(name: str) -> None:
    backbone = shipped(name)
    record = backbone.record
    assert backbone.model.network == TINY_CNN
    assert backbone.model.state_hash() == record["state_sha256"]
    assert (record["arithmetic"], record["seed"]) == ("float32", int(name[-1]))
    assert (record["training_data"], record["test_data"]) == (MNIST_TRAINING, MNIST_TEST)
    assert len(record["history"]) == 10
    assert record["history"][-1]["test_accuracy"] > 98.5
    assert record["environment"]["torch"]


def close(right: int, images: int, percent: float) -> bool:
    """Whether an accuracy on some images and ``percent`` of 10,000 others can be of one network.

    They may differ by four standard deviations of their difference.
    """
    share = percent / 100
    deviation = (share * (1 - share) * (1 / images + 1 / 10_000)) ** 0.5
    return abs(right / images - share) < 4 * deviation


@pytest.mark.parametrize("name", NAMES)
def test_the_accuracies_are_those_of_the_reference(name: str) -> None:
    """On the sample, which was not trained on."""
    backbone, sample = shipped(name), mnist_sample()
    images, found = as_input(sample.pixels), backbone.record["quantised"]
    assert set(found) == {"dynamic", "static, min-max", "static, percentile"}
    for scales, told in found.items():
        classifier = Trainer(backbone.model.copy(), METHODS["niti-dynamic"], scales=None)
        if scales != "dynamic":
            shifts = {int(index): shift for index, shift in told["shifts"].items()}
            classifier = static_classifier(backbone.model, shifts)
        right, _ = right_answers(classifier, images, sample.labels)
        assert close(right, len(sample), told["test_accuracy"])


@pytest.mark.parametrize("seed", SEEDS)
def test_both_rules_quantise_the_same_network(seed: int) -> None:
    whole, clipped = (shipped(f"float32-{rule}-{seed}") for rule in ("minmax", "percentile"))
    assert whole.record["float32_sha256"] == clipped.record["float32_sha256"]
    assert not any(_clipped(whole).values())
    assert any(_clipped(clipped).values())
    for index in TINY_CNN.weighted:
        coarse, fine = (b.model.exponents[index] for b in (whole, clipped))
        assert fine <= coarse
        values = clipped.model.weights[index]
        inside = np.abs(values) < 127
        error = whole.model.weights[index] * 2.0**coarse - values * 2.0**fine
        assert np.abs(error[inside]).max() <= 2.0 ** (coarse - 1) + 2.0 ** (fine - 1)
        assert np.count_nonzero(~inside) >= _clipped(clipped)[str(index)]


def _clipped(backbone: Backbone) -> dict[str, Any]:
    clipped: dict[str, Any] = backbone.record["quantisation"]["clipped"]
    return clipped
