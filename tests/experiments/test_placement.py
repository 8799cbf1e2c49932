"""priot.experiments.device.placement: the device computes the reference's bits in all of them."""

import re
from pathlib import Path

import numpy as np
import pytest
from experiment_models import SMALL, compared, compared_on, labels_for, random_images
from experiment_strategies import cases
from hypothesis import given, settings
from hypothesis import strategies as st

from priot import firmware_elf
from priot.experiments.cli import main
from priot.experiments.device.host import DeviceError
from priot.experiments.device.layout import lay_out
from priot.experiments.device.placement import DEFAULT, Placement
from priot.experiments.device.variants import ON_ONE_CORE, Variant
from priot.experiments.errors import UserError
from priot.experiments.pretraining.networks import TINY_CNN
from priot.kernels.methods import method
from priot.kernels.model import initial_model, with_scores
from priot.kernels.network import Network
from priot.kernels.operations import Dense

PLACED = [
    ("priot", "weights=flash"),
    ("priot-s", "weights=flash"),
    ("niti-dynamic", "code=flash"),
    ("priot", "weights=flash,code=flash"),
    ("priot-ternary", "weights=flash,code=flash"),
    ("priot-s", "edges=bitmap"),
    ("priot-s", "weights=flash,code=flash,edges=bitmap"),
    ("niti-dynamic", "weights=flash"),
    ("niti-static", "weights=flash,code=flash"),
]


FEW_LAYERS = ("dense", "last")
FLASH = "weights=flash"


@pytest.mark.parametrize("variant", ON_ONE_CORE)
@pytest.mark.parametrize(("name", "text"), PLACED)
@given(data=st.data())
@settings(max_examples=25)
def test_device_equals_the_reference_on_random_networks(
    name: str, text: str, variant: Variant, data: st.DataObject
) -> None:
    case, placement = data.draw(cases(name, FEW_LAYERS)), Placement.parse(text)
    comparison = compared(case.model, case.method, case.scales, variant, placement)
    for image, label in zip(case.images, case.labels, strict=True):
        comparison.step(image, label)
    for image in case.images:
        assert comparison.device.predict(image) == comparison.reference.predict(image)
    assert comparison.device.model.state_hash() == comparison.reference.model.state_hash()
    assert comparison.device.target.memory_use().arena <= comparison.device.layout.size


@pytest.mark.parametrize("variant", ON_ONE_CORE)
def test_weights_in_flash_free_their_bytes_of_sram_and_cost_stalls(variant: Variant) -> None:
    sizes, cycles, stalls = [], [], []
    for text in ("default", "weights=flash"):
        comparison = compared_on(SMALL, method("priot"), variant, Placement.parse(text))
        pico = comparison.device.target
        start = pico.cycles
        for image, label in zip(random_images(SMALL, 3), labels_for(SMALL, 3), strict=True):
            comparison.step(image, int(label))
        sizes.append(comparison.device.layout.plan)
        cycles.append(pico.cycles - start)
        stalls.append(pico.xip.stall_cycles)
        model = comparison.reference.model
    weights = sum(-(-tensor.size // 8) * 8 for tensor in model.weights.values())
    assert sizes[0].size - sizes[1].size == weights
    assert stalls[0] == 0 < stalls[1]
    assert cycles[1] - cycles[0] == stalls[1], "flash costs its stalls and nothing else"


@pytest.mark.parametrize(("layers", "frozen"), [("dense", (0, 3)), ("last", (0, 3, 5))])
def test_only_weights_that_are_not_trained_lie_in_flash(
    layers: str, frozen: tuple[int, ...]
) -> None:
    training, placement = method("niti-static", trained_layers=layers), Placement.parse(FLASH)
    comparison = compared_on(SMALL, training, placement=placement)
    layout = comparison.device.layout
    usual = compared_on(SMALL, training).device.layout
    weights = comparison.reference.model.weights
    assert {index for index in SMALL.weighted if layout.in_flash("weights", index)} == set(frozen)
    assert sum(buffer.size for buffer in layout.flash.buffers) == sum(
        weights[index].size for index in frozen
    )
    assert usual.size - layout.size == sum(-(-weights[index].size // 8) * 8 for index in frozen)
    for image, label in zip(random_images(SMALL, 3), labels_for(SMALL, 3), strict=True):
        comparison.step(image, int(label))
    assert comparison.device.target.xip.stall_cycles > 0


def test_nothing_lies_in_flash_where_every_layer_is_dense() -> None:
    network = Network("dense", (1, 3, 3), (Dense(4), Dense(3)))
    training = method("niti-static", trained_layers="dense")
    comparison = compared_on(network, training, placement=Placement.parse(FLASH))
    assert comparison.device.layout.flash.size == 0
    comparison.step(random_images(network, 1)[0], 1)


def test_weights_really_are_read_from_flash() -> None:
    """Where a weight in flash is changed behind the firmware's back, its sums change."""
    comparison = compared_on(SMALL, method("priot"), placement=Placement.parse("weights=flash"))
    pico, device = comparison.device.target, comparison.device
    start = pico.symbol("__flash_arena_start__").address
    stored = device.tensor("weights", 0, np.int8, 27)
    np.testing.assert_array_equal(pico.read(start, np.int8, 27), stored)
    image = random_images(SMALL, 1)[0]
    before = device.logits_of(image[None])
    pico.write(start, np.where(stored > 0, -127, 127).astype(np.int8))
    assert (device.logits_of(image[None]) != before).any()


@pytest.mark.parametrize("variant", ON_ONE_CORE)
def test_code_in_flash_leaves_sram_to_the_image(variant: Variant) -> None:
    uses, cycles, stalls = [], [], []
    for text in ("default", "code=flash"):
        comparison = compared_on(SMALL, method("niti-static"), variant, Placement.parse(text))
        pico = comparison.device.target
        start, before = pico.cycles, pico.xip.stall_cycles
        for image, label in zip(random_images(SMALL, 3), labels_for(SMALL, 3), strict=True):
            comparison.step(image, int(label))
        uses.append(pico.memory_use())
        cycles.append(pico.cycles - start)
        stalls.append(pico.xip.stall_cycles - before)
    assert uses[0].code > uses[1].code == 0
    assert uses[0].arena == uses[1].arena
    assert stalls[0] == 0 < stalls[1]
    assert cycles[1] - cycles[0] == stalls[1], "flash costs its stalls and nothing else"


@pytest.mark.parametrize(
    ("fraction", "smaller"), [(0.02, "index"), (0.05, "index"), (0.1, "bitmap"), (0.5, "bitmap")]
)
def test_bitmap_is_smaller_from_one_scored_edge_in_sixteen_on(
    fraction: float, smaller: str
) -> None:
    training = method("priot-s", scored_fraction=fraction)
    model = with_scores(initial_model(TINY_CNN, 0), training, 0)
    sizes = {
        text: lay_out(model, training, placement=Placement.parse(f"edges={text}")).size
        for text in ("index", "bitmap")
    }
    assert min(sizes, key=lambda text: sizes[text]) == smaller


# --- priot costs


def test_costs_of_several_placements_stand_side_by_side(
    small_backbone: Path, record_of, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = ["default", "weights=flash", "weights=flash,code=flash"]
    options = [option for text in texts for option in ("--placement", text)]
    common = ("costs", "--images", 1, "--backbone", small_backbone, "--variant", "fast")
    records = record_of(*common, *options, "--full")
    placed = [(record["label"], record["placement"]) for record in records]
    few = ("dense layers", "last layer")
    scored = ("PRIOT", "PRIOT ternary", "PRIOT-S 20 % random", "PRIOT-S 10 % random")
    assert placed == [
        ("NITI dynamic", "default"),
        *((f"NITI dynamic, {layers}", text) for layers in few for text in texts),
        ("NITI static", "default"),
        *((f"NITI static, {layers}", text) for layers in few for text in texts),
        *((label, text) for label in scored for text in texts),
    ]
    by_placement = {
        text: [record for record in records if record["placement"] == text] for text in texts
    }
    trains_all = ("NITI dynamic", "NITI static")
    frozen = [record for record in by_placement["default"] if record["label"] not in trains_all]
    (baseline,) = (record for record in records if record["label"] == "NITI static")
    for usual, weights, both in zip(
        frozen, *(by_placement[text] for text in texts[1:]), strict=True
    ):
        sram = [record["peak_sram_bytes"] for record in (usual, weights, both)]
        assert sram[0] > sram[1] > sram[2]
        assert sram[2] < baseline["peak_sram_bytes"] or usual["settings"]["dynamic"]
        assert usual["flash_bytes"] == 0 == usual["flash"]["code"] == weights["flash"]["code"]
        assert usual["xip_per_image"]["miss_rate"] is None
        assert 0 < weights["flash_bytes"] == weights["flash"]["weights"] < both["flash_bytes"]
        hashes = {record["final_state_sha256"] for record in (usual, weights, both)}
        assert len(hashes) == 1
        means = [record["cycles_per_image"]["mean"] for record in (usual, weights, both)]
        for record, mean in ((weights, means[1]), (both, means[2])):
            xip = record["xip_per_image"]
            assert xip["stall_cycles"] == 50 * xip["misses"] > 0
            assert record["xip_model"] == {"miss_cycles": 50, "replacement": "random", "seed": 0}
            assert 0 < xip["miss_rate"] < 1
            assert mean == pytest.approx(means[0] + xip["stall_cycles"], abs=200), "and the halts"
        assert usual["ratio_to_plain"] is None
    printed = capsys.readouterr().out
    assert re.search(r"PRIOT +weights=flash,code=flash +fast ", printed)
    assert "Flash: bytes taken" in printed
    assert record_of(*common) == by_placement["default"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("weights=rom",), "placement 'weights=rom': weights=rom is none of sram, flash"),
        (("default", "default"), "--placement default is given twice"),
        (("weights=flash", "code=sram,weights=flash"), "--placement weights=flash is given twice"),
    ],
)
def test_bad_placements_are_told_in_one_line(
    options: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["costs", *(word for text in options for word in ("--placement", text))]
    assert main(command) == 2
    assert capsys.readouterr().err == f"priot: {message}\n"


def test_a_build_of_ones_own_says_itself_where_its_code_lies(
    small_backbone: Path, record_of, capsys: pytest.CaptureFixture[str]
) -> None:
    elf = firmware_elf.TRAINERS_IN_FLASH["fast"]
    common = ("costs", "--images", 1, "--backbone", small_backbone)
    given = record_of(*common, "--elf", elf, "--placement", "weights=flash")
    ours = record_of(*common, "--variant", "fast", "--placement", "weights=flash,code=flash")
    assert given == ours
    command = [*map(str, common), "--elf", str(elf), "--placement", "code=flash"]
    assert main(command) == 2
    assert "leave out code=flash" in capsys.readouterr().err


# --- refusals


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("niti-static", "weights=flash", "NITI static trains its weights, and flash is only read"),
        ("niti-dynamic", "weights=flash", "NITI dynamic trains its weights"),
        ("niti-static", "edges=bitmap", "NITI static has no list of scored edges"),
        ("priot", "edges=bitmap", "PRIOT has no list of scored edges"),
        ("priot-ternary", "edges=bitmap", "PRIOT ternary has no list of scored edges"),
    ],
)
def test_what_a_method_cannot_do_is_refused(name: str, text: str, reason: str) -> None:
    training = method(name)
    model = with_scores(initial_model(SMALL, 0), training, 0)
    with pytest.raises(UserError, match=f"^{reason}"):
        lay_out(model, training, placement=Placement.parse(text))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("stack=flash", "'stack' cannot be placed; possible are weights, code, edges, scores"),
        ("weights=rom", "weights=rom is none of sram, flash"),
        ("edges=flash", "edges=flash is none of index, bitmap"),
        ("code", "code= is none of sram, flash"),
        ("", "'' cannot be placed"),
        ("code=sram,code=flash", "code is placed twice"),
    ],
)
def test_unknown_placement_is_refused(text: str, reason: str) -> None:
    with pytest.raises(UserError, match=f"^placement {text!r}: {reason}"):
        Placement.parse(text)


def test_firmware_refuses_to_train_weights_in_flash() -> None:
    comparison = compared_on(SMALL, method("niti-static"))
    device = comparison.device
    base = device.target.symbol("__arena_start__").address
    device.target.write(base + 12, (16).to_bytes(4, "little"))
    with pytest.raises(DeviceError, match="the method is not supported"):
        device.step(random_images(SMALL, 1)[0], 0)


def test_weights_that_flash_has_no_room_for_are_refused() -> None:
    training = method("priot")
    model = with_scores(initial_model(SMALL, 0), training, 0)
    layout = lay_out(model, training, placement=Placement.parse("weights=flash"))
    layout.check_flash_fits(layout.flash.size)
    with pytest.raises(UserError, match=r"^small does not fit with PRIOT: weights .* but flash"):
        layout.check_flash_fits(layout.flash.size - 1)


# --- how a placement is written


@pytest.mark.parametrize("text", ["default", "weights=flash", "weights=flash,code=flash"])
def test_placement_is_written_as_it_is_read(text: str) -> None:
    assert str(Placement.parse(text)) == text


def test_default_placement_needs_what_it_always_did() -> None:
    """Bytes of the image for the tiny CNN, by method and variant."""
    expected = {
        ("niti-dynamic", "plain"): 91_344,
        ("niti-static", "plain"): 69_456,
        ("priot", "plain"): 122_584,
        ("priot-s", "plain"): 86_600,
        ("niti-dynamic", "fast"): 92_640,
        ("niti-static", "fast"): 72_784,
        ("priot", "fast"): 125_976,
        ("priot-s", "fast"): 89_992,
    }
    found = {}
    for name, variant in expected:
        training = method(name)
        model = with_scores(initial_model(TINY_CNN, 0), training, 0)
        found[name, variant] = lay_out(model, training, Variant(variant), DEFAULT).size
    assert found == expected
