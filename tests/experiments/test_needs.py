"""priot plan: what a network would need is what the device accepts, and what a run then takes."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from experiment_models import SMALL, compared_on, random_images

from priot.experiments.cli import main
from priot.experiments.device.host import Device
from priot.experiments.device.needs import Need, needs_by_width, needs_of, widest_of
from priot.experiments.device.placement import Placement
from priot.experiments.device.purpose import Purpose
from priot.experiments.device.simulator import simulated_pico
from priot.experiments.device.variants import ON_ONE_CORE, Variant
from priot.experiments.errors import UserError
from priot.experiments.pretraining.networks import TINY_CNN, VGG11_WIDTHS, network_of, vgg11
from priot.kernels.methods import method
from priot.kernels.model import initial_model, with_scores
from priot.kernels.network import Network
from priot.kernels.trainer import Scale

ALL_IN_FLASH = Placement.parse("weights=flash,code=flash,edges=bitmap")


def accepted(need: Need) -> bool:
    """Whether a device takes the network, in the firmware that the need is about.

    Nothing but its size can make it refuse.
    """
    layout = need.layout
    settings = (layout.variant, layout.placement, layout.purpose)
    model = with_scores(initial_model(layout.network, 0), layout.method, 0)
    scales = {index: Scale(0, 0, 0) for index in layout.network.weighted}
    pico = simulated_pico(None, *settings)
    try:
        Device(pico, model, layout.method, None if layout.method.dynamic else scales, *settings)
    except UserError:
        return False
    return True


@pytest.mark.parametrize("variant", ON_ONE_CORE)
@pytest.mark.parametrize(
    ("name", "text", "purpose"),
    [
        ("niti-dynamic", "default", Purpose.TRAINING),
        ("priot-s", "weights=flash,code=flash,edges=bitmap", Purpose.TRAINING),
        ("priot", "weights=flash,scores=mask", Purpose.PREDICTION),
    ],
)
def test_a_run_takes_no_more_than_was_planned(
    name: str, text: str, purpose: Purpose, variant: Variant
) -> None:
    placement = Placement.parse(text)
    (need,) = needs_of(SMALL, [method(name)], [placement], [variant], 0, purpose)
    comparison = compared_on(SMALL, method(name), variant, placement, purpose)
    (image,) = random_images(SMALL, 1)
    comparison.predict(image) if purpose is Purpose.PREDICTION else comparison.step(image, 0)
    used = comparison.device.target.memory_use()
    assert comparison.device.layout.size == need.layout.size
    assert used.total <= need.sram <= used.total + 8192 + 64, "unused stack and the pattern"
    assert need.fits


@pytest.mark.parametrize(("fraction", "variant"), [(0.1, Variant.PLAIN), (0.2, Variant.FAST)])
def test_the_widest_is_really_the_widest(fraction: float, variant: Variant) -> None:
    settings = method("priot-s", scored_fraction=fraction)

    def needs(network: Network) -> list[Need]:
        return needs_of(network, [settings], [ALL_IN_FLASH], [variant], 0)

    by_width = needs_by_width(vgg11, VGG11_WIDTHS, needs)
    (widest,) = widest_of(by_width)
    assert list(by_width) == list(range(1, len(by_width) + 1))
    (first_too_wide,) = by_width[len(by_width)]
    assert widest.layout.network == vgg11(len(by_width) - 1)
    assert accepted(widest)
    assert not accepted(first_too_wide)
    sizes = [need.sram for (need,) in by_width.values()]
    assert sizes == sorted(sizes), "no wider one can fit again"
    (wider,) = needs(vgg11(len(by_width) + 1))
    assert wider.sram > first_too_wide.sram


def test_what_flash_has_no_room_for_does_not_fit() -> None:
    priot_s = method("priot-s", scored_fraction=0.001)
    placements = [Placement.parse("weights=flash")]
    vgg = needs_of(vgg11(31), [priot_s], placements, [Variant.PLAIN], 0)[0]
    assert vgg.flash > vgg.record.flash_capacity_bytes
    assert not vgg.fits


def test_scores_double_the_weights_and_flash_takes_these_back() -> None:
    network = vgg11(16)
    placements = [Placement.parse(text) for text in ("default", "weights=flash")]
    static, priot, in_flash = needs_of(
        network, [method("niti-static"), method("priot")], placements, [Variant.FAST], 0
    )
    assert static.sram > network.weight_count == 577_712
    assert priot.sram > 2 * network.weight_count
    assert priot.sram - in_flash.sram == in_flash.flash == network.weight_count
    assert not static.fits
    assert not in_flash.fits


def test_only_the_number_of_scored_edges_matters() -> None:
    """Whatever the weights are, the plan of random edges is the same."""
    training = method("priot-s")
    model = initial_model(TINY_CNN, 5)
    for weights in model.weights.values():
        weights[:] = np.roll(weights.reshape(-1), 3).reshape(weights.shape)
    (need,) = needs_of(TINY_CNN, [training], [ALL_IN_FLASH], [Variant.FAST], 3)
    other = with_scores(model, training, 3)
    scales = {index: Scale(0, 0, 0) for index in TINY_CNN.weighted}
    pico = simulated_pico(None, Variant.FAST, ALL_IN_FLASH)
    device = Device(pico, other, training, scales, Variant.FAST, ALL_IN_FLASH)
    assert device.layout.plan == need.layout.plan


# --- the command


def test_command_tells_every_method_and_placement(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "plan.csv"
    assert main(["plan", "--csv", str(path)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("Training with tiny-cnn, 52,040 weights: bytes of SRAM, of 270,336")
    with path.open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * (2 * 2 + 4 * 4 + 2 * 4 + 3 * 8)
    for row in rows:
        cells = (row["label"], row["placement"], row["variant"], f"{int(row['sram_bytes']):,}")
        assert re.search(r" .*".join(map(re.escape, cells)), printed), cells


def test_widths_are_told_up_to_the_first_that_does_not_fit(
    capsys: pytest.CaptureFixture[str], record_of
) -> None:
    options = ("plan", "--network", "vgg11", "--widths", "--method", "priot-s", "--variant", "fast")
    records = record_of(*options, "--placement", "default", "--scored-fraction", 0.2)
    *fitting, last = records
    assert [record["network"] for record in records] == [
        f"vgg11-{width + 1}" for width in range(len(records))
    ]
    assert all(record["fits"] for record in fitting)
    assert not last["fits"]
    printed = capsys.readouterr().out
    assert re.search(rf"PRIOT-S 20 % random +default +fast +{fitting[-1]['network']} ", printed)
    assert f"({last['sram_bytes']:,})" in printed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--widths",), "--widths: tiny-cnn has one width; name the network vgg11"),
        (("--widths", "--network", "vgg11", "--buffers"), "--buffers is for one network"),
        (("--network", "vgg11-65"), "network vgg11-65: widths of vgg11 are 1..64"),
        (("--network", "vgg11-0"), "network vgg11-0: widths of vgg11 are 1..64"),
        (("--network", "vgg12"), "vgg12: cannot be read"),
        (("--scored-fraction", "0.5"), "no method is named"),
        (("--method", "sgd"), "sgd"),
        (("--method", "niti-static", "--placement", "weights=flash"), "none of these methods"),
        (("--seed", "-1"), "--seed -1: a seed is 0 or more, at most"),
    ],
)
def test_bad_option_is_told_in_one_line(
    options: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", *options]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


# --- random weights in a backbone's place


def test_costs_of_a_network_by_name(capsys: pytest.CaptureFixture[str], record_of) -> None:
    options = ("costs", "--images", 1, "--method", "priot-s", "--variant", "fast")
    (record,) = record_of(*options, "--network", "tiny-cnn", "--seed", 2)
    assert (record["network"], record["trained_backbone"]) == ("tiny-cnn", False)
    assert record["label"] == "PRIOT-S 10 % random"
    assert capsys.readouterr().out.startswith("Training step of tiny-cnn with random weights on 1 ")
    (trained,) = record_of(*options, "--seed", 2)
    assert trained["trained_backbone"]
    assert trained["planned_arena_bytes"] == record["planned_arena_bytes"]
    assert trained["backbone_sha256"] != record["backbone_sha256"]


def test_a_network_and_a_backbone_are_one_too_many(
    small_backbone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["costs", "--network", "tiny-cnn", "--backbone", str(small_backbone)]) == 2
    assert "give one" in capsys.readouterr().err


def test_images_of_another_shape_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["costs", "--network", "vgg11-1", "--images", "1"]) == 2
    assert "takes images of shape (3, 32, 32)" in capsys.readouterr().err


def test_networks_have_their_names() -> None:
    assert network_of("tiny-cnn") is TINY_CNN
    assert network_of("vgg11") == vgg11(64) == network_of("vgg11-64")
    assert network_of("vgg11-3").name == "vgg11-3"
