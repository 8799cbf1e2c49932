"""priot.kernels.methods: the methods by name, their defaults, and what is refused."""

import json
from dataclasses import replace
from typing import Any

import pytest

from priot.kernels.errors import KernelError
from priot.kernels.methods import METHODS, MethodError, method
from priot.kernels.network import Network
from priot.kernels.operations import Conv2d, Dense, MaxPool2d, ReLU
from priot.kernels.rounding import Rounding


def test_the_methods_in_their_order() -> None:
    assert list(METHODS) == ["niti-dynamic", "niti-static", "priot", "priot-ternary", "priot-s"]


@pytest.mark.parametrize("name", METHODS)
def test_a_method_without_settings_is_the_default(name: str) -> None:
    assert method(name) == METHODS[name]
    assert method(name).name == name
    assert method(name).rounding is Rounding.PSEUDO_STOCHASTIC


@pytest.mark.parametrize("name", METHODS)
def test_none_keeps_every_default(name: str) -> None:
    settings = dict.fromkeys(
        (
            *("learning_rate_bits", "threshold", "double_threshold"),
            *("score_spread", "scored_fraction", "selection"),
            "trained_layers",
        )
    )
    assert method(name, **settings, rounding=None) == METHODS[name]


def test_what_sets_the_methods_apart() -> None:
    assert [m.dynamic for m in METHODS.values()] == [True, False, False, False, False]
    assert [m.trains_scores for m in METHODS.values()] == [False, False, True, True, True]
    assert [m.doubles for m in METHODS.values()] == [False, False, False, True, False]
    assert [m.sparse for m in METHODS.values()] == [False, False, False, False, True]
    assert method("priot").scored_fraction == method("priot-ternary").scored_fraction == 1.0


def test_ternary_is_symmetric_about_the_mean_of_the_first_scores() -> None:
    assert method("priot-ternary").thresholds == (-64, 64)
    assert method("priot-ternary").threshold == method("priot").threshold


@pytest.mark.parametrize("name", ["niti-static", "priot", "priot-s"])
def test_no_score_reaches_a_double_threshold_that_is_not_there(name: str) -> None:
    assert method(name).thresholds == (METHODS[name].threshold, 128)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("niti-dynamic", {"learning_rate_bits": 1}),
        ("niti-static", {"learning_rate_bits": 7}),
        ("niti-static", {"rounding": Rounding.NEAREST}),
        ("niti-static", {"trained_layers": "last"}),
        ("niti-dynamic", {"trained_layers": "dense", "learning_rate_bits": 1}),
        ("priot", {"threshold": -127, "score_spread": 0}),
        ("priot", {"threshold": 127, "score_spread": 127}),
        ("priot-ternary", {"threshold": -127, "double_threshold": -126}),
        ("priot-ternary", {"threshold": 126, "double_threshold": 127}),
        ("priot-s", {"scored_fraction": 1.0, "selection": "magnitude"}),
        ("priot-s", {"scored_fraction": 1e-6, "selection": "random", "threshold": 0}),
    ],
)
def test_settings_replace_defaults(name: str, settings: dict[str, Any]) -> None:
    assert method(name, **settings) == replace(METHODS[name], **settings)


@pytest.mark.parametrize("name", ["", "NITI", "priot_s", "sgd"])
def test_an_unknown_method_is_refused_with_the_choices(name: str) -> None:
    choices = "niti-dynamic, niti-static, priot, priot-ternary, priot-s"
    with pytest.raises(MethodError, match=choices) as refused:
        method(name)
    assert repr(name) in str(refused.value)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"learning_rate_bits": -1}, "learning-rate bits -1"),
        ({"learning_rate_bits": 8}, "learning-rate bits 8"),
        ({"threshold": -128}, "threshold -128"),
        ({"threshold": 128}, "threshold 128"),
        ({"score_spread": -1}, "score spread -1"),
        ({"score_spread": 128}, "score spread 128"),
        ({"scored_fraction": 0.0}, "scored fraction 0"),
        ({"scored_fraction": -0.5}, "scored fraction -0.5"),
        ({"scored_fraction": 1.01}, "scored fraction 1.01"),
        ({"scored_fraction": float("nan")}, "scored fraction nan"),
        ({"selection": "smallest"}, "selection 'smallest'"),
        ({"selection": ""}, "selection ''"),
    ],
)
def test_a_setting_out_of_range_is_named(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(MethodError, match=named):
        method("priot-s", **settings)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"double_threshold": 128}, "double threshold 128 is outside -127..127"),
        ({"double_threshold": -128}, "double threshold -128 is outside -127..127"),
        ({"double_threshold": -64}, "double threshold -64 is not above the threshold -64"),
        ({"threshold": 64}, "double threshold 64 is not above the threshold 64"),
        ({"threshold": 5, "double_threshold": 4}, "double threshold 4 is not above the threshold"),
    ],
)
def test_a_double_threshold_lies_above_the_threshold(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(MethodError, match=named):
        method("priot-ternary", **settings)


@pytest.mark.parametrize("name", ["niti-dynamic", "niti-static", "priot", "priot-s"])
def test_only_ternary_takes_a_double_threshold(name: str) -> None:
    with pytest.raises(MethodError, match=f"{name} has no double threshold: leave it out"):
        method(name, double_threshold=64)


@pytest.mark.parametrize("name", ["niti-dynamic", "niti-static"])
@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("threshold", 0),
        ("score_spread", 32),
        ("scored_fraction", 0.5),
        ("selection", "random"),
    ],
)
def test_niti_takes_no_setting_of_scores(name: str, setting: str, value: Any) -> None:
    with pytest.raises(MethodError, match=f"{name} has no {setting.replace('_', ' ')}"):
        method(name, **{setting: value})


@pytest.mark.parametrize("name", ["priot", "priot-ternary"])
@pytest.mark.parametrize(("setting", "value"), [("scored_fraction", 1.0), ("selection", "random")])
def test_priot_scores_every_edge(name: str, setting: str, value: Any) -> None:
    with pytest.raises(MethodError, match=f"{name} has no {setting.replace('_', ' ')}"):
        method(name, **{setting: value})


@pytest.mark.parametrize("name", ["priot", "priot-ternary", "priot-s"])
@pytest.mark.parametrize("layers", ["all", "dense", "last"])
def test_scores_are_trained_in_every_layer(name: str, layers: str) -> None:
    with pytest.raises(MethodError, match=f"{name} has no trained layers: leave it out"):
        method(name, trained_layers=layers)


@pytest.mark.parametrize("layers", ["", "first", "Dense"])
def test_unknown_layers_are_refused_with_the_choices(layers: str) -> None:
    with pytest.raises(MethodError, match=f"trained layers '{layers}' is none of all, dense, last"):
        method("niti-static", trained_layers=layers)


@pytest.mark.parametrize(
    ("layers", "trained"), [("all", (1, 4, 6, 8)), ("dense", (6, 8)), ("last", (8,))]
)
def test_which_layers_of_a_network_are_trained(layers: str, trained: tuple[int, ...]) -> None:
    network = Network(
        "cnn",
        (1, 9, 9),
        (
            *(ReLU(), Conv2d(2), ReLU(), MaxPool2d()),
            *(Conv2d(3), ReLU(), Dense(5), ReLU(), Dense(3)),
        ),
    )
    for name in ("niti-dynamic", "niti-static"):
        assert method(name, trained_layers=layers).trained_of(network) == trained
    assert method("priot").trained_of(network) == (1, 4, 6, 8)


def test_methods_that_freeze_weights() -> None:
    assert not method("niti-static").freezes_weights
    assert method("niti-dynamic", trained_layers="dense").freezes_weights
    assert method("niti-static", trained_layers="last").freezes_weights
    assert method("priot").freezes_weights


def test_method_errors_are_kernel_errors_and_value_errors() -> None:
    assert issubclass(MethodError, KernelError)
    assert issubclass(KernelError, ValueError)


def test_labels_for_tables() -> None:
    labels = [m.label for m in METHODS.values()]
    assert labels == [
        *("NITI dynamic", "NITI static", "PRIOT", "PRIOT ternary", "PRIOT-S 10 % random")
    ]
    assert method("priot-s", scored_fraction=0.125, selection="magnitude").label == (
        "PRIOT-S 12.5 % magnitude"
    )
    few = [method("niti-static", trained_layers=layers).label for layers in ("dense", "last")]
    assert few == ["NITI static, dense layers", "NITI static, last layer"]


@pytest.mark.parametrize("name", METHODS)
def test_settings_rebuild_the_method_and_fit_into_json(name: str) -> None:
    settings = method(name, rounding=Rounding.NEAREST).settings()
    assert settings.pop("rounding") == "nearest"
    assert json.loads(json.dumps(settings)) == settings
    assert replace(METHODS[name], **settings) == METHODS[name]
