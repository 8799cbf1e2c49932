"""The reference against ``numpy_training``, which knows docs/method.md alone, over whole runs."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy_training import Network, Outcome, Settings, train

from priot.experiments.datasets.mnist import mnist_sample
from priot.experiments.pretraining.backbone import DEFAULT, backbone_names, record_of, weights_of
from priot.experiments.records.writing import to_json
from priot.experiments.training.calibration import CALIBRATIONS
from priot.experiments.training.configuration import Configuration
from priot.experiments.training.inputs import Inputs, load_inputs
from priot.experiments.training.train import train as reference

RUN = {"images": 100, "epochs": 2, "test_images": 50}
"""Of every run, where it says nothing else: 200 steps."""
METHODS: list[dict[str, Any]] = [
    {"method": "niti-dynamic"},
    {"method": "niti-dynamic", "rounding": "nearest", "learning_rate_bits": 5, "angle": 60.0},
    {"method": "niti-dynamic", "trained_layers": "dense"},
    {"method": "niti-dynamic", "trained_layers": "last", "rounding": "nearest"},
    {"method": "niti-dynamic", "learning_rate_schedule": "4,2", "images": 70, "epochs": 3},
    {"method": "niti-static"},
    {"method": "niti-static", "rounding": "nearest", "seed": 3},
    {"method": "niti-static", "trained_layers": "dense", "learning_rate_bits": 1},
    {"method": "niti-static", "trained_layers": "last", "logit_headroom": 1},
    {"method": "niti-static", "logit_headroom": -2, "angle": 45.0},
    {"method": "niti-static", "learning_rate_bits": 0, "seed": 1},
    {"method": "priot"},
    {"method": "priot", "rounding": "nearest", "angle": 90.0},
    {"method": "priot", "threshold": -20, "score_spread": 60, "seed": 2},
    {"method": "priot", "learning_rate_schedule": "6,5,4", "images": 40, "epochs": 5},
    {"method": "priot", "calibration_images": 9, "learning_rate_bits": 7},
    {"method": "priot-ternary"},
    {"method": "priot-ternary", "threshold": -10, "double_threshold": 10, "rounding": "nearest"},
    {"method": "priot-ternary", "double_threshold": -63, "score_spread": 0, "angle": -20.0},
    {"method": "priot-s"},
    {"method": "priot-s", "scored_fraction": 0.005, "rounding": "nearest", "angle": 15.0},
    {"method": "priot-s", "selection": "magnitude", "seed": 4},
    {"method": "priot-s", "selection": "magnitude", "scored_fraction": 0.5},
    {"method": "priot-s", "selection": "gradient"},
    {"method": "priot-s", "selection": "gradient", "rounding": "nearest", "images": 130},
    # Edges are chosen by 64 rotated images, scales by 30 upright ones; 40 are trained on.
    {
        "method": "priot-s",
        "selection": "gradient",
        "images": 40,
        "epochs": 5,
        "angle": 60.0,
        "calibration": "upright-p90",
        "calibration_images": 30,
    },
]
CALIBRATED = cycle(["priot", "niti-static", "priot-s", "niti-static", "priot-ternary"])
VARIANTS: list[dict[str, Any]] = [
    *METHODS,
    *({"method": next(CALIBRATED), "calibration": rule} for rule in CALIBRATIONS),
    # Three upright images have no error: 64 more are needed, and all 67 count.
    {"method": "niti-static", "calibration": "upright-largest", "calibration_images": 3},
    # Logits without any shift: their exponent is small enough for the loss's series.
    {"method": "niti-static", "logit_headroom": -31, "trained_layers": "last"},
]
BACKBONES = [name for name in backbone_names() if not name.startswith("lenet")]
EACH = 4
"""Variants of every backbone but the default one, which meets all of them."""
STRIDE = 11
"""Between the variants of one backbone and the next: neighbours in the list are alike."""


def runs() -> list[Any]:
    """Backbones with variants, of which the other backbones take turns."""
    chosen = [(str(DEFAULT), variant) for variant in VARIANTS]
    others = [name for name in BACKBONES if name != str(DEFAULT)]
    for number, name in enumerate(name for name in others for _ in range(EACH)):
        chosen.append((name, VARIANTS[number * STRIDE % len(VARIANTS)]))
    return [
        pytest.param(name, variant, id="-".join([name, *map(str, variant.values())]))
        for name, variant in chosen
    ]


@cache
def inputs_of(name: str) -> Inputs:
    return load_inputs("mnist-sample", None, record_of(Path(name)))


@cache
def backbone_of(name: str) -> tuple[Network, dict[int, Any]]:
    """Layers and weights, read from their files."""
    path = record_of(Path(name))
    record = json.loads(path.read_text())
    exponents = {int(index): exponent for index, exponent in record["exponents"].items()}
    network = Network(record["network"]["layers"], exponents)
    with np.load(weights_of(path)) as archive:
        return network, {index: archive[f"weights_{index}"] for index in network.weighted}


def state_hash(network: Network, outcome: Outcome) -> str:
    """What a record calls final_state_sha256."""
    digest = hashlib.sha256()
    for index in network.weighted:
        digest.update(network.exponents[index].to_bytes(4, "little", signed=True))
        digest.update(outcome.weights[index].astype(np.int8).tobytes())
        if index in outcome.scores:
            without = np.where(outcome.scored[index], outcome.scores[index], 127)
            digest.update(without.astype(np.int8).tobytes())
    return digest.hexdigest()


def scales(network: Network, outcome: Outcome) -> dict[str, Any] | None:
    """As a record tells them."""
    if outcome.shifts is None:
        return None
    return {
        str(index): {
            "forward": outcome.shifts.forward[index],
            "backward": outcome.shifts.errors[index],
            "gradient_bits": outcome.shifts.gradients[index],
        }
        for index in network.weighted
    }


@pytest.mark.parametrize(("name", "variant"), runs())
def test_a_run_is_what_the_page_says(name: str, variant: dict[str, Any]) -> None:
    settings = RUN | variant
    source = mnist_sample()
    network, weights = backbone_of(name)
    outcome = train(Settings(**settings), network, weights, source.pixels, source.labels)
    record = to_json(reference(Configuration.from_json(settings), inputs_of(name)))
    assert record["scales"] == scales(network, outcome)
    assert record["right"] == outcome.right
    assert record["final_state_sha256"] == state_hash(network, outcome)
