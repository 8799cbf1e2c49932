"""priot widest: one step of the widest VGG11, and the plan that is committed."""

import csv
from pathlib import Path

import numpy as np

from priot.experiments.datasets.mnist import Images
from priot.experiments.device.needs import needs_by_width, needs_of, widest_of
from priot.experiments.device.placement import Placement
from priot.experiments.device.variants import ON_ONE_CORE, Variant
from priot.experiments.paper import widest
from priot.experiments.pretraining.networks import vgg11
from priot.kernels.methods import method

PLAN = Path(__file__).resolve().parents[2] / "results/vgg11_plan.csv"


def test_a_step_of_each_widest_network_equals_the_reference() -> None:
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (64, 3, 32, 32)).astype(np.uint8)
    source = Images(pixels, (np.arange(64) % 10).astype(np.uint8), "random images")
    sparse = [method("priot-s", scored_fraction=f) for f in widest.RUN_FRACTIONS]
    placements = [Placement.parse(text) for text in ("weights=flash", "edges=bitmap")]
    by_width = needs_by_width(
        vgg11, (1, 2), lambda network: needs_of(network, sparse, placements, ON_ONE_CORE, 0)
    )
    artefact = widest.steps(widest_of(by_width), source)
    rows = [(row["network"], row["label"], row["variant"]) for row in artefact.rows]
    labels = ("PRIOT-S 10 % random", "PRIOT-S 20 % random")
    assert rows == [("vgg11-2", label, variant) for label in labels for variant in ON_ONE_CORE]
    for record in artefact.made_with["methods"]:
        assert record["bit_exact"]
        assert not record["trained_backbone"]
        assert record["placement"] == "weights=flash", "the first of equally wide ones"
        assert record["data"]["origin"] == "random images"
    assert "random weights" in artefact.caption


def test_committed_plan_is_what_the_planner_says() -> None:
    with PLAN.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["network"] == "vgg11-9"]
    assert rows
    for row in rows:
        settings = method("priot-s", scored_fraction=float(row["scored_fraction"]))
        (need,) = needs_of(
            *(vgg11(9), [settings], [Placement.parse(row["placement"])]),
            *([Variant(row["variant"])], widest.SEED),
        )
        assert int(row["image_bytes"]) == need.layout.size
        assert int(row["weights"]) == vgg11(9).weight_count
