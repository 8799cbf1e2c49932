"""PRIOT-S with edges that calibration images choose by gradient, from command line to device."""

from pathlib import Path

import pytest

from priot.experiments.cli import main
from priot.experiments.datasets.mnist import mnist_sample
from priot.experiments.datasets.transfer import transfer_task
from priot.experiments.device.cost_runs import CostRuns
from priot.experiments.device.costs import Setup, planned_layout
from priot.experiments.device.needs import needs_of
from priot.experiments.device.placement import Placement
from priot.experiments.device.variants import ON_ONE_CORE, Variant
from priot.experiments.pretraining.backbone import load_backbone
from priot.experiments.training.start import starting_point
from priot.kernels.methods import SELECTIONS, method
from priot.kernels.model import with_scores
from priot.kernels.selection import gradient_magnitudes

PRIOT_S = ("--method", "priot-s", "--selection")
GRADIENT = (*PRIOT_S, "gradient")


@pytest.mark.parametrize("variant", Variant)
def test_device_and_reference_give_the_same_run(
    variant: Variant, small_backbone: Path, record_of
) -> None:
    run = ["--backbone", small_backbone, "--images", 8, "--test-images", 4, "--epochs", 2]
    reference = record_of("train", *GRADIENT, *run)
    pico = record_of("train", *GRADIENT, *run, "--backend", "pico", "--variant", variant)
    assert reference["label"] == pico["label"] == "PRIOT-S 10 % gradient"
    assert reference["configuration"]["selection"] == "gradient"
    for number in ("right", "saturated_logits", "scales", "final_state_sha256"):
        assert pico[number] == reference[number]
    other = record_of("train", *PRIOT_S, "magnitude", *run)
    assert other["final_state_sha256"] != reference["final_state_sha256"]


@pytest.mark.parametrize(("images", "used"), [(300, 128), (128, 128), (100, 100), (8, 64)])
def test_the_first_of_the_calibration_images_choose(
    images: int, used: int, small_backbone: Path
) -> None:
    backbone, chosen = load_backbone(small_backbone), method("priot-s", selection="gradient")
    task = transfer_task(mnist_sample(), 30.0, images, 0, 3)
    pool = transfer_task(mnist_sample(), 30.0, 300, 0, 3)
    model, _ = starting_point(backbone, chosen, task, 3)

    def chosen_by(count: int) -> list[bytes]:
        drawn = (pool.images[:count], pool.labels[:count])
        gradients = gradient_magnitudes(backbone.model, chosen.rounding, *drawn)
        by_them = with_scores(backbone.model, chosen, 3, gradients)
        return [scored.tobytes() for scored in by_them.scored.values()]

    found = [scored.tobytes() for scored in model.scored.values()]
    assert found == chosen_by(used)
    assert found != chosen_by(used - 30)


def test_images_that_tell_nothing_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    # With seed 6 the backbone is sure of the first 64 upright images.
    options = ["--angle", "0", "--seed", "6", "--epochs", "0", "--test-images", "5", "--images"]
    assert main(["train", *GRADIENT, *options, "8"]) == 2
    assert "priot: all 64 images have an error of zero" in capsys.readouterr().err
    assert main(["train", *GRADIENT, *options, "128"]) == 0


def test_costs_and_explanation_are_of_the_chosen_edges(small_backbone: Path, record_of) -> None:
    options = [*GRADIENT, "--backbone", small_backbone, "--images", 1]
    costs = record_of("costs", *options, "--placement", "edges=bitmap")
    assert [record["label"] for record in costs] == ["PRIOT-S 10 % gradient"] * 2
    page = record_of("explain", *options)
    assert page["costs"]["label"] == "PRIOT-S 10 % gradient"


@pytest.mark.parametrize("variant", ON_ONE_CORE)
@pytest.mark.parametrize("fraction", [0.05, 0.2])
def test_plan_is_that_of_any_choice_by_index_and_never_too_small_by_bitmap(
    fraction: float, variant: Variant
) -> None:
    backbone = load_backbone(None)
    task = transfer_task(mnist_sample(), 90.0, 128, 0, 0)
    methods = [method("priot-s", scored_fraction=fraction, selection=s) for s in SELECTIONS]
    network = backbone.model.network

    def sizes(placement: Placement) -> tuple[list[int], list[int]]:
        needs = needs_of(network, methods, [placement], [variant], 0)
        setups = [Setup(settings, placement, variant) for settings in methods]
        made = [planned_layout(backbone, setup, task, 0).size for setup in setups]
        return [need.layout.size for need in needs], made

    planned, made = sizes(Placement.parse("weights=flash"))
    assert len({*planned, *made}) == 1
    planned, made = sizes(Placement.parse("weights=flash,edges=bitmap"))
    assert planned[-1] >= max(made)


def test_key_of_a_measurement_tells_selections_apart() -> None:
    task = transfer_task(mnist_sample(), 30.0, 1, 0, 0)
    runs = CostRuns(load_backbone(None), task, 0)
    setups = [Setup(method("priot-s", selection=selection)) for selection in SELECTIONS]
    assert len({runs.key(setup) for setup in setups}) == len(SELECTIONS)


def test_plan_needs_no_images(record_of) -> None:
    (record, *_) = record_of("plan", *GRADIENT, "--placement", "default", "--variant", "fast")
    assert record["label"] == "PRIOT-S 10 % gradient"
