"""The predictor: the reference's logits, from scores or from a packed mask, in less memory."""

from pathlib import Path

import numpy as np
import pytest
from experiment_models import (
    SMALL,
    address_of,
    compared,
    compared_on,
    flip,
    labels_for,
    random_images,
)
from experiment_strategies import cases
from hypothesis import given, settings
from hypothesis import strategies as st

from priot.experiments.cli import main
from priot.experiments.device.comparison import MismatchError
from priot.experiments.device.host import DeviceError
from priot.experiments.device.layout import lay_out
from priot.experiments.device.placement import Placement
from priot.experiments.device.purpose import Purpose
from priot.experiments.device.variants import ON_ONE_CORE, Variant
from priot.experiments.errors import UserError
from priot.experiments.pretraining.networks import TINY_CNN
from priot.kernels.methods import method
from priot.kernels.model import initial_model, with_scores

PREDICTED = [
    ("niti-dynamic", "default"),
    ("niti-static", "code=flash"),
    ("niti-static", "weights=flash"),
    ("priot", "weights=flash"),
    ("priot-s", "edges=bitmap"),
    ("priot-ternary", "default"),
    ("priot-ternary", "weights=flash,code=flash"),
    ("priot", "scores=mask"),
    ("priot", "weights=flash,code=flash,scores=mask"),
    ("priot-s", "weights=flash,scores=mask"),
]


@pytest.mark.parametrize("variant", ON_ONE_CORE)
@pytest.mark.parametrize(("name", "text"), PREDICTED)
@given(data=st.data())
@settings(max_examples=12)
def test_device_equals_the_reference_on_random_networks(
    name: str, text: str, variant: Variant, data: st.DataObject
) -> None:
    layers = ("dense", "last")  # all of them would leave nothing to flash
    case, placement = data.draw(cases(name, layers)), Placement.parse(text)
    settings = (case.model, case.method, case.scales, variant, placement)
    comparison = compared(*settings, Purpose.PREDICTION)
    for image in case.images:
        comparison.predict(image)
        assert comparison.device.predict(image) == comparison.reference.predict(image)
    logits = comparison.device.logits_of(case.images)
    np.testing.assert_array_equal(logits, comparison.reference.logits_of(case.images))
    assert comparison.device.target.memory_use().arena <= comparison.device.layout.size


def test_what_training_left_is_what_the_mask_says() -> None:
    """Edges that training pruned or brought back are predicted with as they are then."""
    training = compared_on(SMALL, method("priot"), Variant.FAST)
    before = {index: scores.copy() for index, scores in training.reference.model.scores.items()}
    for image, label in zip(random_images(SMALL, 9), labels_for(SMALL, 9), strict=True):
        training.step(image, int(label))
    trained, threshold = training.device.model, training.reference.method.threshold
    assert any(
        ((trained.scores[index] >= threshold) != (scores >= threshold)).any()
        for index, scores in before.items()
    )
    scales = training.reference.used
    masked = compared(
        *(trained, training.reference.method, scales, Variant.FAST),
        *(Placement.parse("scores=mask"), Purpose.PREDICTION),
    )
    for image in random_images(SMALL, 3, seed=1):
        masked.predict(image)


def test_a_bit_of_the_mask_decides_about_its_edge() -> None:
    placement = Placement.parse("scores=mask")
    comparison = compared_on(SMALL, method("priot"), Variant.PLAIN, placement, Purpose.PREDICTION)
    flip(comparison.device, address_of(comparison.device, "scores", 0), 0xFF)
    (image,) = random_images(SMALL, 1)
    with pytest.raises(MismatchError, match=r"forward of conv2d 1: outputs of conv2d 1"):
        comparison.predict(image)


@pytest.mark.parametrize("variant", ON_ONE_CORE)
def test_a_mask_takes_an_eighth_of_the_scores_and_a_few_rows(variant: Variant) -> None:
    training = method("priot")
    model = with_scores(initial_model(TINY_CNN, 0), training, 0)
    scores, mask = (
        lay_out(model, training, variant, Placement.parse(text), Purpose.PREDICTION)
        for text in ("weights=flash", "weights=flash,scores=mask")
    )
    sizes = {
        layout.placement.scores: sum(
            buffer.size for buffer in layout.plan.buffers if buffer.name.startswith("scores ")
        )
        for layout in (scores, mask)
    }
    assert sizes["int8"] == 52_040
    # Rows of conv2d 1 have 9 bits in 2 bytes, the others whole bytes.
    assert sizes["mask"] == 8 * 2 + 16 * 9 + 64 * 98 + 10 * 8
    assert mask.size < scores.size / 3
    assert scores.size < lay_out(model, training, variant, Placement.parse("weights=flash")).size


def test_the_predictor_does_not_train() -> None:
    comparison = compared_on(SMALL, method("priot"), purpose=Purpose.PREDICTION)
    with pytest.raises(DeviceError, match="unknown command"):
        comparison.device.step(random_images(SMALL, 1)[0], 0)


@pytest.mark.parametrize(
    ("name", "text", "purpose", "reason"),
    [
        ("priot", "scores=mask", Purpose.TRAINING, "a packed mask cannot be trained"),
        ("niti-static", "scores=mask", Purpose.PREDICTION, "NITI static has no scores"),
        (
            "priot-ternary",
            "scores=mask",
            Purpose.PREDICTION,
            "PRIOT ternary counts an edge 0, 1 or 2",
        ),
        ("priot-s", "scores=mask,edges=bitmap", Purpose.PREDICTION, "leave out edges=bitmap"),
    ],
)
def test_impossible_masks_are_refused(name: str, text: str, purpose: Purpose, reason: str) -> None:
    training = method(name)
    model = with_scores(initial_model(SMALL, 0), training, 0)
    with pytest.raises(UserError, match=reason):
        lay_out(model, training, Variant.PLAIN, Placement.parse(text), purpose)


# --- the command


def test_costs_of_predictions(
    small_backbone: Path, record_of, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ("costs", "--images", 2, "--backbone", small_backbone, "--variant", "fast")
    placements = ("--placement", "weights=flash", "--placement", "weights=flash,scores=mask")
    records = record_of(*common, "--predict", "--method", "priot", *placements)
    assert capsys.readouterr().out.startswith("Prediction on 2 rotated images")
    scores, mask = records
    assert mask["placement"] == "weights=flash,scores=mask"
    assert mask["sram"]["arena"] < scores["sram"]["arena"]
    assert scores["cycles_by_phase"] == {
        "forward": scores["cycles_per_image"]["mean"],
        "backward": 0,
        "update": 0,
    }
    (training,) = record_of(*common, "--method", "priot", "--placement", "weights=flash")
    assert scores["purpose"] == "prediction" != training["purpose"]
    assert scores["peak_sram_bytes"] < training["peak_sram_bytes"]
    assert scores["sram"]["code"] < training["sram"]["code"] / 2


def test_a_mask_for_training_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["costs", "--images", "1", "--placement", "scores=mask"]) == 2
    assert "none of these methods can have such a placement" in capsys.readouterr().err
