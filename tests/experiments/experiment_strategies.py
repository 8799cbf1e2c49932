"""Random methods and models on random networks, with all that a few steps on them need."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray
from random_networks import networks

from priot.kernels.methods import SELECTIONS, TRAINED_LAYERS, Method, method
from priot.kernels.model import Model, with_scores
from priot.kernels.operations import Shape
from priot.kernels.rounding import Rounding
from priot.kernels.trainer import Scale


@dataclass(frozen=True)
class Case:
    """A model with all that a few steps need."""

    model: Model
    method: Method
    scales: dict[int, Scale] | None
    images: NDArray[np.int8]
    labels: list[int]


def drawn_weights(
    generator: np.random.Generator, shape: Shape, range_of_values: str
) -> NDArray[np.int8]:
    if range_of_values == "extreme":
        return generator.choice(np.array([-127, 0, 127], np.int8), shape)
    largest = {"full": 127, "small": 3}[range_of_values]
    return generator.integers(-largest, largest, shape, np.int8, endpoint=True)


@st.composite
def methods(
    draw: st.DrawFn, name: str, trained_layers: Sequence[str] = tuple(TRAINED_LAYERS)
) -> Method:
    options = {"learning_rate_bits": st.integers(0, 7), "rounding": st.sampled_from(Rounding)}
    if name.startswith("priot"):
        options |= {"threshold": st.integers(-127, 127), "score_spread": st.integers(0, 127)}
    if name == "priot-ternary":
        threshold = draw(st.integers(-127, 126))
        options |= {"threshold": st.just(threshold)}
        options |= {"double_threshold": st.integers(threshold + 1, 127)}
    if name == "priot-s":
        options["scored_fraction"] = st.sampled_from([0.01, 0.1, 0.2, 0.5, 1.0])
        options["selection"] = st.sampled_from(SELECTIONS)
    if name.startswith("niti"):
        options["trained_layers"] = st.sampled_from(trained_layers)
    return method(name, **draw(st.fixed_dictionaries(options)))


@st.composite
def cases(
    draw: st.DrawFn, name: str, trained_layers: Sequence[str] = tuple(TRAINED_LAYERS)
) -> Case:
    network, training = draw(networks()), draw(methods(name, trained_layers))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    values = draw(st.sampled_from(["full", "extreme", "small"]))
    weights = {
        index: drawn_weights(generator, network.weight_shape_of(index), values)
        for index in network.weighted
    }
    exponents = {index: draw(st.integers(-12, 4)) for index in network.weighted}
    gradients = {
        index: generator.integers(0, 9, weights[index].shape) for index in network.weighted
    }
    backbone, seed = Model(network, weights, exponents), draw(st.integers(0, 9))
    model = with_scores(backbone, training, seed, gradients)
    scales = None
    if not training.dynamic:
        # Likely shifts, and now and then any that 32 bits allow: too small ones saturate.
        shift = st.integers(0, 12) | st.integers(0, 31)
        scales = {i: Scale(draw(shift), draw(shift), draw(shift)) for i in network.weighted}
    images = draw(st.sampled_from([0, 64, 127])) - generator.integers(
        0, 128, (3, *network.input_shape), np.int16
    )
    labels = draw(st.lists(st.integers(0, network.classes - 1), min_size=3, max_size=3))
    return Case(model, training, scales, images.astype(np.int8), labels)
