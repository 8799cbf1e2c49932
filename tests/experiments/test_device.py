"""The host and the firmware: it computes what the reference computes, on any small network."""

import numpy as np
import pytest
from experiment_models import SMALL, compared, compared_on, labels_for, prepared, random_images
from experiment_strategies import Case, cases, drawn_weights
from hypothesis import given, settings
from hypothesis import strategies as st

from priot.experiments.device import host as device_module
from priot.experiments.device.comparison import Comparison
from priot.experiments.device.host import Device, DeviceError, Phase
from priot.experiments.device.layout import lay_out
from priot.experiments.device.placement import Placement
from priot.experiments.device.purpose import Purpose
from priot.experiments.device.simulator import simulated_pico, variant_of
from priot.experiments.device.variants import ON_ONE_CORE, Variant
from priot.experiments.errors import UserError
from priot.experiments.pretraining.networks import TINY_CNN
from priot.kernels.methods import METHODS, Method, method
from priot.kernels.model import Model, initial_model, with_scores
from priot.kernels.network import Network
from priot.kernels.operations import Conv2d, Dense, MaxPool2d, ReLU
from priot.kernels.trainer import Scale, Trainer
from priot.sim import Stop, StopReason

NITI = [name for name in METHODS if not METHODS[name].trains_scores]
FEW_LAYERS = [method(name, trained_layers=layers) for name in NITI for layers in ("dense", "last")]


def check_memory(comparison: Comparison) -> None:
    """What the run touched of the arena is what the planner promised, or less."""
    used = comparison.device.target.memory_use().arena
    assert used <= comparison.device.layout.size


# --- random networks


def check_training(case: Case, variant: Variant) -> None:
    """Three steps and predictions are those of the reference."""
    comparison = compared(case.model, case.method, case.scales, variant)
    for image, label in zip(case.images, case.labels, strict=True):
        comparison.step(image, label)
    for image in case.images:
        assert comparison.device.predict(image) == comparison.reference.predict(image)
    assert comparison.device.model.state_hash() == comparison.reference.model.state_hash()
    check_memory(comparison)


@pytest.mark.parametrize("variant", ON_ONE_CORE)
@pytest.mark.parametrize("name", METHODS)
@given(data=st.data())
@settings(max_examples=60)
def test_device_equals_the_reference_on_random_networks(
    name: str, variant: Variant, data: st.DataObject
) -> None:
    check_training(data.draw(cases(name)), variant)


@pytest.mark.parametrize("name", METHODS)
@given(data=st.data())
@settings(max_examples=15)  # two cores take a second for what one does in a tenth
def test_both_cores_equal_the_reference_on_random_networks(name: str, data: st.DataObject) -> None:
    check_training(data.draw(cases(name)), Variant.DUAL)


# --- networks of every shape that is likely to go wrong

NETWORKS = [
    Network("dense only", (2, 3, 3), (Dense(2),)),
    Network("two dense", (1, 4, 4), (Dense(7), Dense(12))),
    Network("relus only", (1, 3, 3), (ReLU(), ReLU(), Dense(3))),
    Network("pool first", (2, 6, 9), (MaxPool2d(3), Conv2d(3), Dense(4))),
    Network("relu first", (1, 5, 5), (ReLU(), Conv2d(2), ReLU(), Dense(4))),
    Network("conv without relu", (1, 6, 6), (Conv2d(2), Conv2d(3, 1, 0), Dense(4))),
    Network("relu after pool", (1, 8, 8), (Conv2d(3), MaxPool2d(), ReLU(), Dense(4))),
    Network("relus around pool", (1, 8, 8), (Conv2d(3), ReLU(), MaxPool2d(), ReLU(), Dense(4))),
    Network(
        "two relus", (1, 5, 4), (Conv2d(3), ReLU(), ReLU(), Dense(6), ReLU(), ReLU(), Dense(3))
    ),
    Network("two pools", (1, 9, 8), (Conv2d(3), MaxPool2d(), MaxPool2d(), Dense(4))),
    Network("pool of one", (1, 4, 4), (Conv2d(2), MaxPool2d(1), Dense(4))),
    Network("wide kernel", (2, 5, 7), (Conv2d(3, 5, 0), ReLU(), Dense(5))),
    Network("more padding than image", (1, 1, 2), (Conv2d(2, 5, 4), Conv2d(2, 4, 3), Dense(3))),
    Network("odd sizes", (3, 7, 5), (Conv2d(5, 2, 1), ReLU(), MaxPool2d(), Conv2d(3), Dense(11))),
    Network("one pixel", (1, 1, 1), (Conv2d(1, 1, 0), ReLU(), Dense(2))),
]


@pytest.mark.parametrize("variant", Variant)
@pytest.mark.parametrize("training", [*map(method, METHODS), *FEW_LAYERS], ids=lambda m: m.label)
@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
def test_device_equals_the_reference(network: Network, training: Method, variant: Variant) -> None:
    comparison = compared_on(network, training, variant)
    for image, label in zip(random_images(network, 6, 1), labels_for(network, 6), strict=True):
        checkpoints = comparison.step(image, int(label))
        assert all(checkpoint.cycles > 0 for checkpoint in checkpoints)
    check_memory(comparison)


@pytest.mark.parametrize("variant", Variant)
@pytest.mark.parametrize("shape", [(1, 3, 3), (1, 5, 4), (2, 3, 2)])
def test_pool_whose_window_leaves_much_over(shape: tuple[int, int, int], variant: Variant) -> None:
    """Rows left over are cut: 2 x 2 windows on 3 rows see the first two only."""
    size = 3 if shape[1] == 5 else 2
    network = Network("left over", shape, (Conv2d(3), MaxPool2d(size), Dense(3)))
    comparison = compared_on(network, method("niti-dynamic"), variant)
    for image, label in zip(random_images(network, 6, 1), labels_for(network, 6), strict=True):
        comparison.step(image, int(label))


@pytest.mark.parametrize("variant", Variant)
@pytest.mark.parametrize("name", METHODS)
def test_dark_and_saturated_images_are_trained_alike(name: str, variant: Variant) -> None:
    comparison = compared_on(SMALL, method(name), variant)
    for pixel in (0, 127, -127, 0):
        comparison.step(np.full(SMALL.input_shape, pixel, np.int8), 1)


# --- what the fast variant does differently


def random_scales(network: Network, shift: int) -> dict[int, Scale]:
    return {index: Scale(shift, shift, shift) for index in network.weighted}


@pytest.mark.parametrize("signs", [(1, 1), (-1, -1), (1, -1), (-1, 1)], ids=str)
@pytest.mark.parametrize("name", ["niti-dynamic", "niti-static"])
def test_lanes_hold_sums_of_the_largest_weights_and_activations(
    name: str, signs: tuple[int, int]
) -> None:
    """Neighbouring filters share a word: neither may borrow from or carry into the other."""
    network = Network("extreme", (3, 6, 7), (Conv2d(5), ReLU(), Conv2d(4, 3, 0), Dense(3)))
    weights = {
        index: np.full(network.weight_shape_of(index), 127, np.int8) for index in network.weighted
    }
    for tensor in weights.values():
        tensor[::2] *= signs[0]
        tensor[1::2] *= signs[1]
    weights[0][4, 1] *= -1  # one filter with both signs
    training = method(name)
    model = Model(network, weights, dict.fromkeys(network.weighted, -7))
    scales = None if training.dynamic else random_scales(network, 12)
    comparison = compared(model, training, scales, Variant.FAST)
    bright = np.full(network.input_shape, 127, np.int8)
    for label in range(3):
        comparison.step(bright, label)


@pytest.mark.parametrize("padding", [0, 1, 2])
def test_a_single_bright_pixel_is_seen_wherever_it_is(padding: int) -> None:
    """What lies beyond the first and last pixel that is not zero is left out, and nothing else."""
    network = Network("sparse", (2, 4, 5), (Conv2d(3, 3, padding), Dense(3)))
    comparison = compared_on(network, method("niti-static"), Variant.FAST)
    for place in range(40):
        image = np.zeros(network.input_shape, np.int8)
        image.reshape(-1)[place] = 127
        comparison.step(image, place % 3)


@pytest.mark.parametrize("name", METHODS)
def test_errors_of_which_none_is_zero_are_all_used(name: str) -> None:
    """More errors than a list of all channels has room for: each is listed by itself."""
    layers = (Conv2d(2), Conv2d(5), Conv2d(4, 2, 1), Conv2d(3, 5, 2), Dense(9), Dense(4))
    network = Network("dense errors", (1, 6, 5), layers)
    generator = np.random.default_rng(0)
    weights = {
        index: drawn_weights(generator, network.weight_shape_of(index), "full")
        for index in network.weighted
    }
    training = method(name)
    start = Model(network, weights, dict.fromkeys(network.weighted, -7))
    model = with_scores(start, training, 0)
    scales = None if training.dynamic else random_scales(network, 6)
    comparison = compared(model, training, scales, Variant.FAST)
    densities = []
    for image, label in zip(random_images(network, 4), labels_for(network, 4), strict=True):
        comparison.step(image, int(label))
        densities.append(np.count_nonzero(comparison.reference.errors[1]) / (5 * 6 * 5))
    assert max(densities) > 0.9
    check_memory(comparison)


def test_both_variants_say_which_they_are() -> None:
    for variant in Variant:
        assert variant_of(simulated_pico(None, variant)) is variant


# --- the ways to run a step


@pytest.mark.parametrize("name", METHODS)
def test_halting_after_every_operation_changes_nothing(name: str) -> None:
    training = method(name)
    model, scales = prepared(SMALL, training)
    whole, halting = (Device(simulated_pico(None), model, training, scales) for _ in range(2))
    reference = Trainer(model.copy(), training, scales)
    for image, label in zip(random_images(SMALL, 5), labels_for(SMALL, 5), strict=True):
        predicted = reference.step(image, int(label))
        assert whole.step(image, int(label)) == predicted
        for _ in halting.step_by_operation(image, int(label)):
            pass
    hashes = {learner.model.state_hash() for learner in (whole, halting, reference)}
    assert len(hashes) == 1
    assert hashes != {model.state_hash()}, "training has changed the model"


def test_checkpoints_follow_the_order_of_the_step() -> None:
    training = method("niti-dynamic")
    comparison = compared_on(SMALL, training)
    found = [(c.phase, c.layer) for c in comparison.step(random_images(SMALL, 1)[0], 0)]
    count = len(SMALL.layers)
    expected = [(Phase.FORWARD, index) for index in range(count)]
    expected.append((Phase.BACKWARD, count))  # the loss
    for index in reversed(range(count)):
        expected.append((Phase.BACKWARD, index))
        if index in SMALL.weighted:
            expected.append((Phase.UPDATE, index))
    assert found == expected


@pytest.mark.parametrize(("layers", "first"), [("dense", 5), ("last", 7)])
def test_a_step_ends_with_the_first_layer_that_is_trained(layers: str, first: int) -> None:
    comparison = compared_on(SMALL, method("niti-static", trained_layers=layers))
    before = comparison.device.model
    found = [(c.phase, c.layer) for c in comparison.step(random_images(SMALL, 1)[0], 0)]
    back = found[len(SMALL.layers) :]
    expected = [(Phase.BACKWARD, len(SMALL.layers))]
    for index in reversed(range(first, len(SMALL.layers))):
        expected.append((Phase.BACKWARD, index))
        if index in SMALL.weighted:
            expected.append((Phase.UPDATE, index))
    assert back == expected
    after = comparison.device.model
    changed = {i for i in SMALL.weighted if (after.weights[i] != before.weights[i]).any()}
    assert changed == {i for i in SMALL.weighted if i >= first}


def test_prediction_changes_no_weight_or_score() -> None:
    training = method("priot")
    model, scales = prepared(SMALL, training)
    device = Device(simulated_pico(None), model, training, scales)
    for image in random_images(SMALL, 3):
        device.predict(image)
    assert device.model.state_hash() == model.state_hash()


@pytest.mark.parametrize("variant", Variant)
@pytest.mark.parametrize("name", METHODS)
def test_learning_rate_changes_while_the_device_trains(name: str, variant: Variant) -> None:
    comparison = compared_on(SMALL, method(name), variant)
    model, scales = prepared(SMALL, method(name))
    unchanged = Trainer(model, method(name), scales)
    images, labels = random_images(SMALL, 6), labels_for(SMALL, 6)
    for bits in (None, 7, 0):
        if bits is not None:
            comparison.device.set_learning_rate_bits(bits)
            comparison.reference.set_learning_rate_bits(bits)
        for image, label in zip(images, labels, strict=True):
            comparison.step(image, int(label))
            unchanged.step(image, int(label))
    assert comparison.device.model.state_hash() == comparison.reference.model.state_hash()
    assert comparison.device.model.state_hash() != unchanged.model.state_hash()


def test_learning_rate_changes_beside_weights_in_flash() -> None:
    placement = Placement.parse("weights=flash,code=flash,edges=bitmap")
    comparison = compared_on(SMALL, method("priot-s"), Variant.FAST, placement)
    for bits in (7, 1):
        comparison.device.set_learning_rate_bits(bits)
        comparison.reference.set_learning_rate_bits(bits)
        for image, label in zip(random_images(SMALL, 3), labels_for(SMALL, 3), strict=True):
            comparison.step(image, int(label))


def test_first_of_equal_logits_is_predicted() -> None:
    training = method("niti-static")
    model, scales = prepared(SMALL, training)
    dark = np.zeros(SMALL.input_shape, np.int8)
    assert Device(simulated_pico(None), model, training, scales).predict(dark) == 0


def test_training_leaves_the_callers_model_alone() -> None:
    training = method("niti-dynamic")
    model, _ = prepared(SMALL, training)
    before = model.state_hash()
    device = Device(simulated_pico(None), model, training, None)
    device.step(random_images(SMALL, 1)[0], 0)
    assert device.model.state_hash() != before
    assert model.state_hash() == before


# --- refusals


def test_image_of_another_shape_is_refused() -> None:
    device = compared_on(SMALL, method("niti-dynamic")).device
    with pytest.raises(ValueError, match=r"^small takes an image of \(1, 9, 8\), not \(1, 8, 9\)"):
        device.step(np.zeros((1, 8, 9), np.int8), 0)


def test_network_that_does_not_fit_the_sram_is_refused_before_anything_runs() -> None:
    network = Network("large", (1, 28, 28), (Dense(400), Dense(10)))
    training = method("priot")
    pico = simulated_pico(None)
    model = with_scores(initial_model(network, 0), training, 0)
    scales = {index: Scale(0, 0, 0) for index in network.weighted}
    with pytest.raises(UserError, match=r"^large does not fit with PRIOT: .* beside the firmware"):
        Device(pico, model, training, scales)
    assert pico.cycles == 0


def written_over(offset: int, word: int) -> Device:
    """A device whose image has one word of its header or layer table replaced."""
    device = compared_on(SMALL, method("priot")).device
    start = device.target.symbol("__arena_start__").address
    device.target.write(start + offset, word.to_bytes(4, "little"))
    return device


FIRST_LAYER = 4 * 10  # bytes of the header before it


@pytest.mark.parametrize(
    ("offset", "word", "complaint"),
    [
        (0, 0x544F4953, "damaged or of another version"),
        (4, 2, "damaged or of another version"),
        (4, 4, "damaged or of another version"),
        (12, 1 | 2, "method is not supported"),
        (FIRST_LAYER, 0, "layer of an unknown kind"),
        (FIRST_LAYER, 7, "layer of an unknown kind"),
    ],
    ids=["magic", "older version", "newer version", "dynamic scores", "kind 0", "kind 7"],
)
def test_damaged_image_is_refused_by_the_firmware(offset: int, word: int, complaint: str) -> None:
    device = written_over(offset, word)
    image = random_images(SMALL, 1)[0]
    for run in (device.predict, lambda image: device.step(image, 0)):
        with pytest.raises(DeviceError, match=f"^the firmware refused: .*{complaint}"):
            run(image)
    with pytest.raises(DeviceError, match=complaint):
        list(device.step_by_operation(image, 0))


def test_firmware_recovers_when_the_image_is_mended() -> None:
    device = written_over(4, 4)
    image = random_images(SMALL, 1)[0]
    with pytest.raises(DeviceError):
        device.step(image, 0)
    device.target.write(device.target.symbol("__arena_start__").address + 4, b"\3\0\0\0")
    assert device.step(image, 0) in range(SMALL.classes)


def test_unknown_command_is_refused_by_the_firmware(monkeypatch: pytest.MonkeyPatch) -> None:
    device = compared_on(SMALL, method("niti-dynamic")).device
    monkeypatch.setattr(device_module, "TRAIN", 3)
    with pytest.raises(DeviceError, match=r"^the firmware refused: unknown command"):
        device.step(random_images(SMALL, 1)[0], 0)


def test_halt_where_none_belongs_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    device = compared_on(SMALL, method("niti-dynamic")).device
    exception = Stop(StopReason.HALT, 10, 255)
    monkeypatch.setattr(device.target, "run", lambda max_cycles: exception)
    with pytest.raises(DeviceError, match=r"stopped at .*255.*, not at breakpoint 0"):
        device.step(random_images(SMALL, 1)[0], 0)


def test_firmware_that_never_halts_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    device = compared_on(SMALL, method("niti-dynamic")).device
    monkeypatch.setattr(device_module, "MAX_CYCLES", 1000)
    with pytest.raises(DeviceError, match="did not halt within 1,000 cycles"):
        device.step(random_images(SMALL, 1)[0], 0)


@pytest.mark.parametrize("variant", Variant)
@pytest.mark.parametrize("name", NITI)
@pytest.mark.parametrize("network", [SMALL, TINY_CNN], ids=lambda network: network.name)
def test_fewer_layers_that_are_trained_need_less_memory(
    network: Network, name: str, variant: Variant
) -> None:
    model = initial_model(network, 0)
    layouts = {
        layers: lay_out(model, method(name, trained_layers=layers), variant)
        for layers in ("last", "dense", "all")
    }
    sizes = [layout.size for layout in layouts.values()]
    assert sizes == sorted(sizes)
    if not method(name).dynamic:  # those wait for the largest sum of the first layer's outputs
        assert sizes[0] < sizes[2]
    prediction = lay_out(model, method(name), variant, purpose=Purpose.PREDICTION)
    assert sizes[0] >= prediction.size
    for layers, layout in layouts.items():
        errors = {index for part, index in layout.offsets if part == "output_error"}
        first = method(name, trained_layers=layers).trained_of(network)[0]
        assert errors == set(range(first, len(network.layers)))


def test_layouts_share_memory_between_activations_and_errors() -> None:
    layout = lay_out(initial_model(SMALL, 0), method("niti-static"))
    assert layout.size < sum(buffer.size for buffer in layout.plan.buffers)
