"""Configurations: one description of a run, from TOML, and the key it is kept under."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from priot.experiments.datasets.mnist import TRANSFER_DATASETS, mnist_sample
from priot.experiments.errors import UserError
from priot.experiments.pretraining.backbone import load_backbone
from priot.experiments.training.calibration import CALIBRATIONS
from priot.experiments.training.configuration import (
    Configuration,
    read_sweep,
    read_table,
    setting_names,
)
from priot.experiments.training.inputs import Inputs, load_inputs
from priot.kernels.errors import KernelError
from priot.kernels.methods import METHODS, SELECTIONS, method
from priot.kernels.model import Model
from priot.kernels.network import Network
from priot.kernels.operations import Conv2d, Dense, MaxPool2d
from priot.kernels.rounding import Rounding

INPUTS = {"backbone_sha256": "b", "data_sha256": "d"}


@st.composite
def descriptions(draw: st.DrawFn) -> dict[str, Any]:
    """Any settings that a method takes; each may be left out."""
    name = draw(st.sampled_from(list(METHODS)))
    values: dict[str, st.SearchStrategy[Any]] = {
        "rounding": st.sampled_from([rounding.label for rounding in Rounding]),
        "network": st.text(max_size=5),
        "dataset": st.sampled_from(TRANSFER_DATASETS),
        "angle": st.floats(-360, 360) | st.integers(-360, 360),
        "images": st.integers(1, 10_000),
        "test_images": st.integers(1, 10_000),
        "epochs": st.just(0) | st.integers(9, 100),
        "measure_every": st.integers(2, 100),
        "seed": st.integers(0, 2**63 - 1),
    }
    if METHODS[name].trains_scores:
        values |= {"threshold": st.integers(-127, 63), "score_spread": st.integers(0, 127)}
    if METHODS[name].doubles:
        values["double_threshold"] = st.integers(64, 127)
    if METHODS[name].sparse:
        values["scored_fraction"] = st.floats(0, 1, exclude_min=True) | st.just(1)
        values["selection"] = st.sampled_from(SELECTIONS)
    if not METHODS[name].trains_scores:
        values["trained_layers"] = st.sampled_from(["dense", "last"])
    if not METHODS[name].dynamic:
        values["calibration"] = st.sampled_from(list(CALIBRATIONS))
        values["logit_headroom"] = st.integers(-31, -1) | st.integers(1, 31)
    if draw(st.booleans()):
        values["learning_rate_bits"] = st.integers(1, 7)
    else:
        schedules = st.lists(st.integers(0, 7).map(str), min_size=1, max_size=9)
        values["learning_rate_schedule"] = schedules.map(",".join)
    return {"method": name, **draw(st.fixed_dictionaries({}, optional=values))}


@given(descriptions())
def test_description_is_read_back_alike(description: dict[str, Any]) -> None:
    configuration = Configuration.from_json(description)
    written = configuration.to_json()
    assert written.items() >= description.items()
    assert set(written) <= set(setting_names())
    assert Configuration.from_json(json.loads(json.dumps(written))) == configuration


@pytest.mark.parametrize("name", METHODS)
def test_settings_without_a_use_are_left_out(name: str) -> None:
    written = Configuration(METHODS[name]).to_json()
    assert ("threshold" in written) == METHODS[name].trains_scores
    assert ("double_threshold" in written) == METHODS[name].doubles
    assert ("selection" in written) == METHODS[name].sparse
    assert "trained_layers" not in written
    assert ("calibration" in written) == (not METHODS[name].dynamic)
    assert "test_images" not in written
    assert "learning_rate_schedule" not in written


def test_none_stands_for_the_default() -> None:
    empty = dict.fromkeys(set(setting_names()) - {"method"})
    assert Configuration.from_json({"method": "priot", **empty}) == Configuration(METHODS["priot"])


# --- learning-rate schedules


@pytest.mark.parametrize(
    ("schedule", "epochs", "expected"),
    [
        ("6", 3, [6, 6, 6]),
        ("6,5", 2, [6, 5]),
        ("6,5,4", 6, [6, 6, 5, 5, 4, 4]),
        ("6,5,4", 7, [6, 6, 6, 5, 5, 4, 4]),
        ("6,5,4", 20, [6] * 7 + [5] * 7 + [4] * 6),
        ("0,7,0", 5, [0, 0, 7, 7, 0]),
        ("1,2,3,4", 4, [1, 2, 3, 4]),
    ],
)
def test_parts_of_a_schedule_are_equal_or_the_earlier_are_longer(
    schedule: str, epochs: int, expected: list[int]
) -> None:
    run = Configuration.from_json(
        {"method": "priot", "learning_rate_schedule": schedule, "epochs": epochs}
    )
    assert [run.learning_rate_bits_of(epoch) for epoch in range(1, epochs + 1)] == expected


def test_without_a_schedule_every_epoch_has_the_bits_of_the_method() -> None:
    run = Configuration.from_json({"method": "priot", "learning_rate_bits": 2, "epochs": 3})
    assert [run.learning_rate_bits_of(epoch) for epoch in (1, 2, 3)] == [2, 2, 2]


def test_a_schedule_stands_for_the_bits() -> None:
    run = Configuration.from_json({"method": "priot", "learning_rate_schedule": "6, 5,4"})
    written = run.to_json()
    assert written["learning_rate_schedule"] == "6,5,4"
    assert "learning_rate_bits" not in written
    assert run.method == method("priot", learning_rate_bits=6)
    assert key(learning_rate_schedule="6, 5,4") == key(learning_rate_schedule="6,5,4")


# --- refusals


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"method": None}, "no method is named: choose from niti-dynamic, niti-static, priot"),
        ({"method": "adam"}, "unknown method 'adam': choose from niti-dynamic, niti-static, priot"),
        ({"pictures": 3}, "unknown setting 'pictures': choose from method, learning_rate_bits"),
        ({"images": "many"}, "images = 'many': this should be a whole number"),
        ({"images": 5.0}, "images = 5.0: this should be a whole number"),
        ({"images": True}, "images = True: this should be a whole number"),
        ({"images": {"of": 5}}, "images = {'of': 5}: this should be a whole number"),
        ({"angle": "right"}, "angle = 'right': this should be a number"),
        ({"angle": False}, "angle = False: this should be a number"),
        ({"angle": float("nan")}, "angle nan: name degrees from -360 to 360"),
        ({"angle": 10**400}, "angle inf: name degrees from -360 to 360"),
        ({"angle": 361}, "angle 361.0: name degrees from -360 to 360"),
        ({"network": 3}, "network = 3: this should be a text"),
        ({"dataset": "cifar"}, "dataset 'cifar': choose from mnist-sample, mnist"),
        ({"epochs": -1}, "epochs -1: train for 0 to 100,000 epochs"),
        ({"epochs": 10**9}, "epochs 1000000000: train for 0 to 100,000 epochs"),
        ({"measure_every": 0}, "measure every 0 epochs: take 1 or more"),
        ({"seed": -1}, "seed -1: a seed is 0 or more, at most"),
        ({"rounding": "up"}, "rounding 'up': choose from pseudo-stochastic, nearest"),
        (
            {"calibration": "guessed"},
            "calibration 'guessed': choose from rotated, rotated-headroom",
        ),
        ({"learning_rate_bits": 8}, "learning-rate bits 8 are outside 0..7"),
        (
            {"learning_rate_bits": 5, "learning_rate_schedule": "5"},
            "learning_rate_bits and learning_rate_schedule are both given: leave one out",
        ),
        ({"learning_rate_schedule": 5}, "learning_rate_schedule = 5: this should be a text"),
        *(
            ({"learning_rate_schedule": text}, f"learning-rate schedule {text!r}: give bits, 0..7")
            for text in ("", ",", "6,", "6,8", "-1,3", "6;5", "6,5x2", "12", "six", "6,5\n", "٣")
        ),
        (
            {"learning_rate_schedule": "6,5,4", "epochs": 2},
            "learning-rate schedule '6,5,4': 3 parts, but 2 epochs; train for more, or name fewer",
        ),
        ({"threshold": 200}, "threshold 200 is outside -127..127"),
        ({"double_threshold": 64}, "priot has no double threshold: leave it out"),
        (
            {"method": "priot-ternary", "double_threshold": -64},
            "double threshold -64 is not above the threshold -64",
        ),
        ({"selection": "random"}, "priot has no selection: leave it out"),
        ({"method": "niti-static", "threshold": 0}, "niti-static has no threshold: leave it out"),
        ({"trained_layers": "last"}, "priot has no trained layers: leave it out"),
        (
            {"method": "niti-static", "trained_layers": "first"},
            "trained layers 'first' is none of all, dense, last",
        ),
        (
            {"method": "niti-dynamic", "calibration": "rotated"},
            "niti-dynamic has no calibration: its scales are dynamic",
        ),
    ],
    ids=str,
)
def test_bad_setting_is_named(changes: dict[str, Any], expected: str) -> None:
    with pytest.raises((UserError, KernelError)) as refusal:
        Configuration.from_json({"method": "priot"} | changes)
    assert str(refusal.value).startswith(expected)
    assert "\n" not in str(refusal.value)


# --- TOML


def toml(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "sweep.toml"
    path.write_text(text, "utf-8")
    return path


def test_lists_give_every_combination(tmp_path: Path) -> None:
    path = toml(tmp_path, 'method = ["priot", "niti-static"]\nepochs = 2\nangle = [30, 45.5, 60]')
    runs = read_sweep(path, {"dataset": "mnist", "epochs": 5})
    assert [(run.method.name, run.angle) for run in runs] == [
        (method, angle) for method in ("priot", "niti-static") for angle in (30.0, 45.5, 60.0)
    ]
    assert {(run.epochs, run.dataset) for run in runs} == {(2, "mnist")}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "no method is named"),
        ("method priot", "not TOML (Expected '=' after a key"),
        ('method = "priot"\nseed = []', "seed is an empty list; give a value, or leave it out"),
        ('method = "priot"\nseed = [1, -1]', "seed -1: a seed is 0 or more, at most"),
        ('method = "priot"\n[seed]\nfrom = 1', "seed = {'from': 1}: this should be a whole number"),
        ('method = ["niti-static", "priot"]\nthreshold = 3', "niti-static has no threshold"),
    ],
)
def test_bad_file_is_named(tmp_path: Path, text: str, expected: str) -> None:
    path = toml(tmp_path, text)
    with pytest.raises(UserError) as refusal:
        read_sweep(path, {})
    assert str(refusal.value).startswith(f"{path}: {expected}")


def test_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "sweep.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match=r"sweep.toml: not TOML \('utf-8' codec"):
        read_table(path)
    with pytest.raises(UserError, match=r"cannot be read \(Is a directory\); name a TOML file"):
        read_table(tmp_path)


# --- keys


def key(inputs: dict[str, Any] = INPUTS, **changes: Any) -> str:
    return Configuration.from_json({"method": "priot-s"} | changes).key(inputs)


OTHER_VALUES = {
    "method": "priot",
    "learning_rate_bits": 4,
    "threshold": 1,
    "score_spread": 31,
    "scored_fraction": 0.2,
    "selection": "magnitude",
    "rounding": "nearest",
    "network": "other",
    "dataset": "mnist",
    "angle": 31,
    "images": 1023,
    "test_images": 3,
    "calibration": "upright",
    "calibration_images": 32,
    "logit_headroom": -2,
    "epochs": 11,
    "learning_rate_schedule": "5",
    "measure_every": 2,
    "seed": 1,
}
OF_NITI = {"trained_layers": "last"}
OF_TERNARY = {"double_threshold": 65}


def test_key_depends_on_every_setting_and_input() -> None:
    others = OTHER_VALUES.keys() | OF_NITI.keys() | OF_TERNARY.keys()
    assert others == set(setting_names())
    keys = {key()} | {key(**{name: value}) for name, value in OTHER_VALUES.items()}
    keys |= {key(method="niti-static"), key(method="niti-static", **OF_NITI)}
    keys |= {key(method="priot-ternary"), key(method="priot-ternary", **OF_TERNARY)}
    keys |= {key(INPUTS | {name: "other"}) for name in INPUTS}
    assert len(keys) == 5 + len(OTHER_VALUES) + len(INPUTS)
    assert key(method="niti-static", trained_layers="all") == key(method="niti-static")


@given(descriptions(), st.randoms())
def test_key_depends_on_no_order(description: dict[str, Any], random: Any) -> None:
    names = list(description)
    random.shuffle(names)
    shuffled = {name: description[name] for name in names}
    assert key(**shuffled) == key(dict(reversed(INPUTS.items())), **description)


def test_whole_numbers_are_the_same_setting_as_fractions() -> None:
    assert key(angle=45, scored_fraction=1) == key(angle=45.0, scored_fraction=1.0)
    assert Configuration(METHODS["priot-s"], angle=45).key(INPUTS) == key(angle=45.0)


# --- inputs


def test_identity_tells_networks_of_equal_weights_apart(small_backbone: Path) -> None:
    backbone = load_backbone(small_backbone)
    model = backbone.model
    layers = [layer for layer in model.network.layers if layer != MaxPool2d(4)]
    other = Network(model.network.name, (1, 7, 7), tuple(layers))
    shifted = {index - 1: values for index, values in model.weights.items()}
    exponents = {index - 1: values for index, values in model.exponents.items()}
    twin = Inputs(replace(backbone, model=Model(other, shifted, exponents)), mnist_sample())
    inputs = Inputs(backbone, mnist_sample())
    assert isinstance(layers[0], Conv2d)
    assert twin.hashes == inputs.hashes
    assert key(twin.identity) != key(inputs.identity)


def test_network_is_the_backbones(small_backbone: Path) -> None:
    inputs = load_inputs("mnist-sample", None, small_backbone)
    unnamed = Configuration(METHODS["priot"])
    fitted = inputs.fitted(unnamed)
    assert fitted == replace(unnamed, network="mnist-network") == inputs.fitted(fitted)
    with pytest.raises(UserError, match="network 'tiny-cnn': the backbone is of 'mnist-network'"):
        inputs.fitted(replace(unnamed, network="tiny-cnn"))


def test_run_that_cannot_be_is_told_beforehand(small_backbone: Path) -> None:
    inputs = load_inputs("mnist-sample", None, small_backbone)
    with pytest.raises(UserError, match="3,001 images to train on"):
        inputs.fitted(Configuration(METHODS["priot"], images=3001))
    with pytest.raises(UserError, match="no images are left to test on"):
        inputs.fitted(Configuration(METHODS["priot"], test_images=0))
    backbone = load_backbone(small_backbone)
    model = replace(backbone.model, network=Network("wide", (1, 30, 30), (Dense(10),)))
    with pytest.raises(UserError, match=r"wide takes images of shape \(1, 30, 30\)"):
        Inputs(replace(backbone, model=model), mnist_sample()).fitted(
            Configuration(METHODS["priot"])
        )


def test_folder_that_is_not_needed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the dataset is mnist-sample, which needs no folder"):
        load_inputs("mnist-sample", tmp_path, None)
