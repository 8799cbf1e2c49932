"""priot.kernels.trainer: whole steps of every method, bit for bit against the specification."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from kernel_strategies import SEEDS, image_for, int8s
from random_networks import networks

from priot.kernels.methods import METHODS, Method, MethodError, method
from priot.kernels.model import Model, initial_model, with_scores
from priot.kernels.network import Network
from priot.kernels.operations import Conv2d, Dense, MaxPool2d, ReLU
from priot.kernels.reference.integers import ints
from priot.kernels.reference.trainer import ReferenceTrainer
from priot.kernels.rounding import Rounding
from priot.kernels.trainer import Scale, Trainer

STEPS = 3
CNN = Network(
    "cnn",
    (2, 7, 6),
    (
        Conv2d(3, kernel=3, padding=1),
        ReLU(),
        MaxPool2d(2),
        Conv2d(4, kernel=2, padding=1),
        ReLU(),
        Dense(6),
        ReLU(),
        Dense(4),
    ),
)


@st.composite
def methods(draw: st.DrawFn, name: str) -> Method:
    """A method with any of its settings."""
    given_settings = {
        "rounding": draw(st.sampled_from(Rounding)),
        "learning_rate_bits": draw(st.integers(0, 7)),
    }
    if METHODS[name].trains_scores:
        given_settings["threshold"] = draw(st.integers(-127, 127 - METHODS[name].doubles))
        given_settings["score_spread"] = draw(st.integers(0, 127))
    if METHODS[name].doubles:
        above = st.integers(given_settings["threshold"] + 1, 127)
        given_settings["double_threshold"] = draw(above)
    if METHODS[name].sparse:
        given_settings["scored_fraction"] = draw(st.floats(0.05, 1))
        given_settings["selection"] = draw(st.sampled_from(["random", "magnitude"]))
    if name.startswith("niti"):
        given_settings["trained_layers"] = draw(st.sampled_from(["all", "dense", "last"]))
    return method(name, **given_settings)


def learning(network: Network, trained_layers: str) -> frozenset[int]:
    """Indices of the layers with weights that a setting trains."""
    kinds: dict[str, tuple[type, ...]] = {"all": (Conv2d, Dense), "dense": (Dense,)}
    found = {
        index
        for index, layer in enumerate(network.layers)
        if isinstance(layer, kinds.get(trained_layers, Dense))
    }
    return frozenset(found if trained_layers in kinds else {max(found)})


def random_model(network: Network, chosen: Method, seed: int) -> Model:
    """Weights and exponents that training would not reach: saturated, tiny, or far too large."""
    generator = np.random.default_rng(seed)
    model = initial_model(network, seed)
    for index, weights in model.weights.items():
        if generator.random() < 0.5:
            weights[...] = int8s(generator, weights.shape)
        model.exponents[index] = int(generator.integers(-14, -3))
    return with_scores(model, chosen, seed)


def random_scales(network: Network, seed: int) -> dict[int, Scale]:
    """From shifts that saturate everything to shifts that leave little."""
    generator = np.random.default_rng(seed)
    return {
        index: Scale(*(int(generator.integers(0, high)) for high in (12, 10, 24)))
        for index in network.weighted
    }


def assert_equal_tensors(trainer: Trainer, expected: ReferenceTrainer) -> None:
    """Outputs, errors, gradients, shifts, weights and scores."""
    for index in range(len(expected.outputs)):
        assert trainer.outputs[index].tolist() == expected.outputs[index].tolist()
        assert trainer.errors[index].tolist() == expected.errors[index].tolist()
    assert trainer.used == expected.used
    assert trainer.logit_exponent == expected.logit_exponent
    assert trainer.gradients.keys() == expected.gradients.keys()
    for index, gradient in expected.gradients.items():
        assert trainer.gradients[index].tolist() == gradient.tolist()
    for index, weights in expected.weights.items():
        assert trainer.model.weights[index].tolist() == weights.tolist()
    for index, scores in expected.scores.items():
        assert trainer.model.scores[index].tolist() == scores.tolist()


def assert_equal_steps(
    model: Model, chosen: Method, scales: dict[int, Scale] | None, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    expected, trainer = ReferenceTrainer(model, chosen, scales), Trainer(model, chosen, scales)
    for _ in range(STEPS):
        image = image_for(model.network, generator)
        label = int(generator.integers(model.network.classes))
        expected.step(ints(image), label)
        prediction = trainer.step(image, label)
        logits = expected.outputs[-1].tolist()
        assert prediction == logits.index(max(logits))
        assert_equal_tensors(trainer, expected)


@pytest.mark.parametrize("dynamic", [True, False], ids=["dynamic", "static"])
@pytest.mark.parametrize("name", METHODS)
def test_steps_of_any_network_equal_the_specification(name: str, dynamic: bool) -> None:
    @settings(max_examples=20)
    @given(networks(), methods(name), SEEDS)
    def steps_equal(network: Network, chosen: Method, seed: int) -> None:
        scales = None if dynamic else random_scales(network, seed)
        assert_equal_steps(random_model(network, chosen, seed), chosen, scales, seed)

    steps_equal()


@pytest.mark.parametrize("rounding", Rounding)
@pytest.mark.parametrize("dynamic", [True, False], ids=["dynamic", "static"])
@pytest.mark.parametrize("name", METHODS)
def test_steps_of_a_cnn_equal_the_specification(
    name: str, dynamic: bool, rounding: Rounding
) -> None:
    chosen = method(name, rounding=rounding)
    for seed in range(3):
        scales = None if dynamic else random_scales(CNN, seed)
        assert_equal_steps(random_model(CNN, chosen, seed), chosen, scales, seed)


@pytest.mark.parametrize("name", METHODS)
def test_static_scales_of_the_image_itself_give_the_dynamic_step(name: str) -> None:
    @settings(max_examples=25)
    @given(networks(), methods(name), SEEDS)
    def static_equals_dynamic(network: Network, chosen: Method, seed: int) -> None:
        model = random_model(network, chosen, seed)
        image = image_for(network, np.random.default_rng(seed))
        dynamic = Trainer(model.copy(), chosen, None)
        dynamic.step(image, 0)
        static = Trainer(model.copy(), chosen, dict(dynamic.used))
        static.step(image, 0)
        assert static.used == dynamic.used
        assert static.logit_exponent == dynamic.logit_exponent
        assert static.model.state_hash() == dynamic.model.state_hash()
        for mine, other in zip(static.errors, dynamic.errors, strict=True):
            np.testing.assert_array_equal(mine, other)

    static_equals_dynamic()


@pytest.mark.parametrize("name", METHODS)
def test_a_right_and_confident_image_changes_nothing(name: str) -> None:
    @settings(max_examples=25)
    @given(networks(), methods(name), SEEDS, st.booleans())
    def nothing_changes(network: Network, chosen: Method, seed: int, dynamic: bool) -> None:
        model = random_model(network, chosen, seed)
        model.exponents[network.weighted[-1]] += 100  # the least difference of logits is enough
        before = model.state_hash()
        trainer = Trainer(model, chosen, None if dynamic else random_scales(network, seed))
        image = image_for(network, np.random.default_rng(seed))
        label = trainer.predict(image)
        logits = trainer.outputs[-1].tolist()
        assume(logits.count(max(logits)) == 1)
        for _ in range(STEPS):
            trainer.step(image, label)
        assert not any(error.any() for error in trainer.errors)
        assert not any(gradient.any() for gradient in trainer.gradients.values())
        assert model.state_hash() == before

    nothing_changes()


@pytest.mark.parametrize("trained_layers", ["dense", "last"])
@pytest.mark.parametrize("name", ["niti-dynamic", "niti-static"])
def test_layers_that_are_not_trained_keep_their_weights(name: str, trained_layers: str) -> None:
    chosen = method(name, trained_layers=trained_layers, learning_rate_bits=7)
    model = random_model(CNN, chosen, 0)
    before = {index: weights.copy() for index, weights in model.weights.items()}
    trainer = Trainer(model, chosen, None)
    for n in range(STEPS):
        trainer.step(image_for(CNN, np.random.default_rng(n)), n)
    changed = {i for i, weights in before.items() if (model.weights[i] != weights).any()}
    assert changed == learning(CNN, trained_layers)
    assert set(trainer.gradients) == changed
    for index in range(min(changed)):
        assert not trainer.errors[index].any()


@pytest.mark.parametrize("matrices", [False, True], ids=["plain", "matrices"])
@settings(max_examples=25)
@given(networks(), methods("niti-static"), SEEDS)
def test_dense_layers_of_a_dense_network_are_all_layers(
    matrices: bool, network: Network, chosen: Method, seed: int
) -> None:
    dense = tuple(layer for layer in network.layers if isinstance(layer, Dense | ReLU))
    network = Network("dense", network.input_shape, dense)
    model, scales = random_model(network, chosen, seed), random_scales(network, seed)
    few, every = (
        Trainer(model.copy(), replace(chosen, trained_layers=layers), scales, matrices=matrices)
        for layers in ("dense", "all")
    )
    for n in range(STEPS):
        image = image_for(network, np.random.default_rng(n))
        assert few.step(image, 0) == every.step(image, 0)
        assert few.used == every.used
        assert few.model.state_hash() == every.model.state_hash()


@settings(max_examples=25)
@given(networks(), methods("priot") | methods("priot-ternary"), SEEDS)
def test_priot_never_changes_weights(network: Network, chosen: Method, seed: int) -> None:
    model = random_model(network, chosen, seed)
    before = {index: weights.copy() for index, weights in model.weights.items()}
    trainer = Trainer(model, chosen, None)
    for image in (image_for(network, np.random.default_rng(seed + n)) for n in range(STEPS)):
        trainer.step(image, 0)
    for index, weights in before.items():
        np.testing.assert_array_equal(model.weights[index], weights)


@settings(max_examples=25)
@given(networks(), SEEDS)
def test_priot_that_keeps_every_edge_computes_the_backbone(network: Network, seed: int) -> None:
    chosen, plain = method("priot", threshold=-127), method("niti-dynamic")
    model = random_model(network, chosen, seed)
    backbone = Model(network, model.weights, model.exponents)
    trainer, reference = Trainer(model, chosen, None), Trainer(backbone, plain, None)
    image = image_for(network, np.random.default_rng(seed))
    for _ in range(STEPS):  # scores move, but none falls below -127
        trainer.step(image, 0)
        reference.forward(image)
        reference.backward(0)
        for mine, other in zip(trainer.errors, reference.errors, strict=True):
            np.testing.assert_array_equal(mine, other)


@settings(max_examples=25)
@given(networks(), SEEDS)
def test_ternary_whose_edges_all_count_twice_computes_twice_the_backbone(
    network: Network, seed: int
) -> None:
    chosen, plain = method("priot-ternary", threshold=-127, double_threshold=-126), "niti-dynamic"
    model = random_model(network, chosen, seed)
    doubled = {i: np.clip(2 * w.astype(int), -127, 127) for i, w in model.weights.items()}
    weights = {index: twice.astype(np.int8) for index, twice in doubled.items()}
    backbone = Model(network, weights, model.exponents)
    for scores in model.scores.values():
        scores[...] = 127  # a step of 127 and one of 126 still leave them at -126
    trainer, reference = Trainer(model, chosen, None), Trainer(backbone, method(plain), None)
    image = image_for(network, np.random.default_rng(seed))
    for _ in range(STEPS):
        trainer.step(image, 0)
        reference.forward(image)
        reference.backward(0)
        for mine, other in zip(trainer.errors, reference.errors, strict=True):
            np.testing.assert_array_equal(mine, other)


@pytest.mark.parametrize("matrices", [False, True])
@pytest.mark.parametrize("score", [-65, 0, 64], ids=["pruned", "once", "twice"])
def test_gradient_of_a_ternary_score_is_that_of_the_backbone_s_weight(
    score: int, matrices: bool
) -> None:
    chosen = method("priot-ternary")
    network = Network("pair", (1, 1, 2), (Dense(3),))
    model = with_scores(initial_model(network, 0), chosen, 0)
    model.weights[0][...] = [[100, 3], [-40, 0], [7, -90]]
    model.scores[0][...] = score
    trainer = Trainer(model, chosen, None, matrices=matrices)
    trainer.forward(np.array([[[50, 9]]], np.int8))
    trainer.backward(2)
    error = trainer.errors[-1].astype(int)
    assert error.any()
    gradient = error[:, np.newaxis] * np.array([50, 9]) * model.weights[0]
    assert trainer.gradients[0].tolist() == gradient.tolist()


@settings(max_examples=25)
@given(networks(), methods("priot"), SEEDS)
def test_priot_s_that_scores_every_edge_is_priot(
    network: Network, chosen: Method, seed: int
) -> None:
    sparse = method(
        "priot-s",
        scored_fraction=1.0,
        threshold=chosen.threshold,
        learning_rate_bits=chosen.learning_rate_bits,
        rounding=chosen.rounding,
    )
    model = random_model(network, chosen, seed)
    scored_all = with_scores(Model(network, model.weights, model.exponents), sparse, seed)
    for index, scores in model.scores.items():
        scored_all.scores[index][...] = scores
    dense_trainer, sparse_trainer = Trainer(model, chosen, None), Trainer(scored_all, sparse, None)
    image = image_for(network, np.random.default_rng(seed))
    for _ in range(STEPS):
        assert dense_trainer.step(image, 1) == sparse_trainer.step(image, 1)
        assert model.state_hash() == scored_all.state_hash()


@settings(max_examples=25)
@given(networks(), methods("priot-s"), SEEDS)
def test_priot_s_updates_scored_edges_only(network: Network, chosen: Method, seed: int) -> None:
    model = random_model(network, chosen, seed)
    before = {index: scores.copy() for index, scores in model.scores.items()}
    trainer = Trainer(model, chosen, random_scales(network, seed))
    for image in (image_for(network, np.random.default_rng(seed + n)) for n in range(STEPS)):
        trainer.step(image, 0)
    for index, scores in before.items():
        unscored = ~model.scored[index]
        np.testing.assert_array_equal(model.scores[index][unscored], scores[unscored])


@pytest.mark.parametrize("name", ["niti-dynamic", "priot"])
def test_predicting_changes_nothing(name: str) -> None:
    model = with_scores(initial_model(CNN, 1), method(name), 1)
    before = model.state_hash()
    trainer = Trainer(model, method(name), None)
    image = image_for(CNN, np.random.default_rng(1))
    assert trainer.predict(image) == trainer.predict(image)
    assert model.state_hash() == before


def test_of_equal_logits_the_first_is_predicted() -> None:
    model = initial_model(Network("equal", (1, 1, 1), (Dense(3),)), 0)
    model.weights[0][:, 0] = [1, 5, 5]
    trainer = Trainer(model, method("niti-dynamic"), None)
    assert trainer.predict(np.full((1, 1, 1), 1, np.int8)) == 1


def test_a_step_leaves_no_trace_in_the_next() -> None:
    image, other = (image_for(CNN, np.random.default_rng(seed)) for seed in (1, 2))
    model = initial_model(CNN, 3)
    fresh, used = (Trainer(model.copy(), method("niti-dynamic"), None) for _ in range(2))
    used.forward(other)
    used.backward(1)
    for trainer in (fresh, used):
        trainer.step(image, 2)
    assert fresh.model.state_hash() == used.model.state_hash()
    assert fresh.used == used.used


@pytest.mark.parametrize("layers", [(), (0,), (0, 3, 5, 6), (0, 3, 5, 7, 8)])
def test_static_scales_for_other_layers_are_refused(layers: tuple[int, ...]) -> None:
    scales = dict.fromkeys(layers, Scale(7, 7, 10))
    with pytest.raises(ValueError, match="static scales are needed for each layer with weights"):
        Trainer(initial_model(CNN, 0), method("niti-static"), scales)


def test_a_model_without_scores_does_not_fit_priot() -> None:
    with pytest.raises(ValueError, match=r"priot: a model without scores .* with_scores\(\)"):
        Trainer(initial_model(CNN, 0), method("priot"), None)


def test_a_model_with_scores_does_not_fit_niti() -> None:
    model = with_scores(initial_model(CNN, 0), method("priot"), 0)
    with pytest.raises(ValueError, match="niti-static: a model with scores"):
        Trainer(model, method("niti-static"), None)


@pytest.mark.parametrize(
    ("gradient_bits", "learning_rate_bits", "shift"), [(0, 3, 0), (3, 3, 0), (4, 3, 1), (31, 1, 30)]
)
def test_the_update_shift_leaves_the_bits_of_the_learning_rate(
    gradient_bits: int, learning_rate_bits: int, shift: int
) -> None:
    assert Scale(0, 0, gradient_bits).update_shift(learning_rate_bits) == shift


@pytest.mark.parametrize("matrices", [False, True], ids=["plain", "matrices"])
@pytest.mark.parametrize("name", METHODS)
def test_learning_rate_changes_between_steps(name: str, matrices: bool) -> None:
    @settings(max_examples=20)
    @given(networks(), methods(name), SEEDS, st.booleans(), st.lists(st.integers(0, 7), max_size=3))
    def changed_equals_the_specification(
        network: Network, chosen: Method, seed: int, dynamic: bool, later: list[int]
    ) -> None:
        scales = None if dynamic else random_scales(network, seed)
        model = random_model(network, chosen, seed)
        expected = ReferenceTrainer(model, chosen, scales)
        by_steps, by_loops = (
            Trainer(model.copy(), chosen, scales, matrices=matrices) for _ in range(2)
        )
        image = image_for(network, np.random.default_rng(seed))
        for bits in (None, *later):
            if bits is not None:
                expected.method = replace(expected.method, learning_rate_bits=bits)
                by_steps.set_learning_rate_bits(bits)
                by_loops.set_learning_rate_bits(bits)
                assert by_steps.method.learning_rate_bits == bits
            expected.step(ints(image), 1)
            by_steps.step(image, 1)
            by_loops.train(image[np.newaxis], np.array([1], np.uint8), np.array([0]))
            assert_equal_tensors(by_steps, expected)
            assert by_loops.model.state_hash() == by_steps.model.state_hash()

    changed_equals_the_specification()


@pytest.mark.parametrize("bits", [-1, 8])
def test_learning_rate_out_of_range_is_refused_and_changes_nothing(bits: int) -> None:
    trainer = Trainer(initial_model(CNN, 0), method("niti-dynamic"), None)
    with pytest.raises(MethodError, match=f"learning-rate bits {bits} are outside 0..7"):
        trainer.set_learning_rate_bits(bits)
    assert trainer.method == method("niti-dynamic")


@pytest.mark.parametrize("name", METHODS)
def test_a_loop_over_images_is_its_single_steps(name: str) -> None:
    # Exponents that make many images confidently right: those are left after the loss.
    @settings(max_examples=25)
    @given(networks(), methods(name), SEEDS, st.booleans(), st.integers(0, 8))
    def loop_equals_steps(
        network: Network, chosen: Method, seed: int, dynamic: bool, confidence: int
    ) -> None:
        model = random_model(network, chosen, seed)
        model.exponents[network.weighted[-1]] += confidence
        scales = None if dynamic else random_scales(network, seed)
        generator = np.random.default_rng(seed)
        images = np.stack([image_for(network, generator) for _ in range(5)])
        labels = generator.integers(0, network.classes, 5).astype(np.uint8)
        order = generator.integers(0, 5, 12)
        single, loop = (Trainer(model.copy(), chosen, scales) for _ in range(2))
        for index in order:
            single.step(images[index], int(labels[index]))
        loop.train(images, labels, order)
        assert loop.model.state_hash() == single.model.state_hash()
        assert loop.logits_of(images).tolist() == [
            single.forward(image).tolist() for image in images
        ]

    loop_equals_steps()


def test_a_loop_refuses_what_does_not_fit() -> None:
    trainer = Trainer(initial_model(CNN, 0), method("niti-dynamic"), None)
    images, labels = np.zeros((2, 2, 7, 6), np.int8), np.array([0, 3], np.uint8)
    with pytest.raises(ValueError, match=r"image of shape \(7, 6, 2\) is not \(2, 7, 6\)"):
        trainer.train(images.transpose(0, 2, 3, 1), labels, np.arange(2))
    with pytest.raises(ValueError, match="1 labels for 2 images"):
        trainer.train(images, labels[:1], np.arange(1))
    for index in (-1, 2):
        with pytest.raises(ValueError, match=r"images outside 0\.\.1"):
            trainer.train(images, labels, np.array([index]))
    with pytest.raises(ValueError, match="label 4 is not one of the 4 classes"):
        trainer.train(images, labels + np.uint8(1), np.arange(2))
