"""priot.kernels.operations: a layer alone against the specification; its gradients as adjoints."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_strategies import SEEDS, int8s
from numpy.typing import NDArray

from priot.kernels.methods import method
from priot.kernels.model import initial_model
from priot.kernels.network import Network
from priot.kernels.operations import Conv2d, Dense, MaxPool2d, Operation
from priot.kernels.operations.conv2d import (
    conv2d_forward,
    conv2d_input_error,
    conv2d_weight_gradient,
    scratch_size,
)
from priot.kernels.operations.dense import dense_forward, dense_input_error, dense_weight_gradient
from priot.kernels.operations.relu import relu_backward, relu_forward
from priot.kernels.reference import conv2d as specified_conv2d
from priot.kernels.reference import dense as specified_dense
from priot.kernels.reference import max_pool2d as specified_max_pool2d
from priot.kernels.reference.integers import ints
from priot.kernels.trainer import Scale, Trainer


@dataclass
class Case:
    """One layer's tensors: weights (O,C,k,k) or (O,I), inputs, error of the outputs."""

    weights: NDArray[np.int8]
    inputs: NDArray[np.int8]
    error: NDArray[np.int8]
    padding: int = 0


@st.composite
def conv2d_cases(draw: st.DrawFn) -> Case:
    outputs, channels = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    size = draw(st.integers(1, 5))
    padding = draw(st.integers(0, size - 1))
    sides = st.integers(max(1, size - 2 * padding), 9)
    height, width = draw(sides), draw(sides)
    grow = 2 * padding - size + 1
    shapes = (
        (outputs, channels, size, size),
        (channels, height, width),
        (outputs, height + grow, width + grow),
    )
    return Case(*draw_tensors(draw, shapes), padding)


@st.composite
def dense_cases(draw: st.DrawFn) -> Case:
    outputs, inputs = draw(st.integers(1, 12)), draw(st.integers(1, 40))
    return Case(*draw_tensors(draw, ((outputs, inputs), (inputs,), (outputs,))))


def draw_tensors(draw: st.DrawFn, shapes: tuple[tuple[int, ...], ...]) -> list[NDArray[np.int8]]:
    """Mixed values, or 127 in all of one tensor and -127 in all of another."""
    generator = np.random.default_rng(draw(SEEDS))
    if draw(st.booleans()):
        return [int8s(generator, shape) for shape in shapes]
    return [np.full(shape, generator.choice([-127, 127]), np.int8) for shape in shapes]


def scratch_of(case: Case) -> NDArray[np.int32]:
    """Memory as large as the kernels ask for, full of what an earlier layer left."""
    outputs, channels, size, _ = case.weights.shape
    height, width = case.inputs.shape[1:]
    return np.full(scratch_size(channels, outputs, size, height, width), -1, np.int32)


def conv2d_sums(case: Case) -> NDArray[np.int32]:
    sums = np.empty(case.error.shape, np.int32)
    conv2d_forward(case.weights, case.inputs, case.padding, scratch_of(case), sums)
    return sums


def conv2d_error(case: Case) -> NDArray[np.int32]:
    sums = np.empty(case.inputs.shape, np.int32)
    conv2d_input_error(case.weights, case.error, case.padding, scratch_of(case), sums)
    return sums


def conv2d_gradient(case: Case) -> NDArray[np.int32]:
    gradient = np.empty(case.weights.shape, np.int32)
    conv2d_weight_gradient(case.inputs, case.error, case.padding, scratch_of(case), gradient)
    return gradient


def dense_sums(case: Case) -> NDArray[np.int32]:
    sums = np.empty(case.error.shape, np.int32)
    dense_forward(case.weights, case.inputs, sums)
    return sums


def dense_error(case: Case) -> NDArray[np.int32]:
    sums = np.empty(case.inputs.shape, np.int32)
    dense_input_error(case.weights, case.error, sums)
    return sums


def dense_gradient(case: Case) -> NDArray[np.int32]:
    gradient = np.empty(case.weights.shape, np.int32)
    dense_weight_gradient(case.inputs, case.error, gradient)
    return gradient


def inner(left: NDArray[np.generic], right: NDArray[np.generic]) -> int:
    """The inner product in Python ints."""
    return int((ints(left) * ints(right)).sum())


def assert_adjoint(
    case: Case,
    sums: NDArray[np.int32],
    input_error: NDArray[np.int32],
    gradient: NDArray[np.int32],
) -> None:
    assert inner(sums, case.error) == inner(case.inputs, input_error)
    assert inner(sums, case.error) == inner(case.weights, gradient)


@settings(max_examples=60)
@given(conv2d_cases())
def test_conv2d_forward_equals_six_loops(case: Case) -> None:
    expected = specified_conv2d.conv2d_forward(ints(case.weights), ints(case.inputs), case.padding)
    assert conv2d_sums(case).tolist() == expected.tolist()


@settings(max_examples=60)
@given(conv2d_cases())
def test_conv2d_input_error_equals_six_loops(case: Case) -> None:
    weights, error = ints(case.weights), ints(case.error)
    expected = specified_conv2d.conv2d_input_error(weights, error, case.padding)
    assert conv2d_error(case).tolist() == expected.tolist()


@settings(max_examples=60)
@given(conv2d_cases())
def test_conv2d_weight_gradient_equals_six_loops(case: Case) -> None:
    inputs, error = ints(case.inputs), ints(case.error)
    expected = specified_conv2d.conv2d_weight_gradient(inputs, error, case.padding)
    assert conv2d_gradient(case).tolist() == expected.tolist()


@settings(max_examples=150)
@given(conv2d_cases())
def test_conv2d_gradients_are_its_adjoints(case: Case) -> None:
    assert_adjoint(case, conv2d_sums(case), conv2d_error(case), conv2d_gradient(case))


@pytest.mark.parametrize("pixel", [(0, 0), (0, 4), (2, 3), (4, 4)])
def test_conv2d_does_not_turn_the_kernel(pixel: tuple[int, int]) -> None:
    # A lone pixel draws the kernel turned by 180 degrees: that is cross-correlation.
    image = np.zeros((1, 5, 5), np.int8)
    image[0][pixel] = 1
    kernel = np.arange(1, 10, dtype=np.int8).reshape(1, 1, 3, 3)
    around = np.zeros((7, 7), int)
    around[pixel[0] : pixel[0] + 3, pixel[1] : pixel[1] + 3] = kernel[0, 0, ::-1, ::-1]
    sums = conv2d_sums(Case(kernel, image, image, padding=1))
    assert sums[0].tolist() == around[1:-1, 1:-1].tolist()


@settings(max_examples=60)
@given(dense_cases())
def test_dense_equals_plain_sums(case: Case) -> None:
    weights, inputs, error = ints(case.weights), ints(case.inputs), ints(case.error)
    assert dense_sums(case).tolist() == specified_dense.dense_forward(weights, inputs).tolist()
    assert dense_error(case).tolist() == specified_dense.dense_input_error(weights, error).tolist()
    assert (
        dense_gradient(case).tolist()
        == specified_dense.dense_weight_gradient(inputs, error).tolist()
    )


@given(dense_cases())
def test_dense_gradients_are_its_adjoints(case: Case) -> None:
    assert_adjoint(case, dense_sums(case), dense_error(case), dense_gradient(case))


def test_the_longest_allowed_dense_sum_is_exact() -> None:
    count = (2**31 - 1) // 127**2
    case = Case(
        np.full((1, count), 127, np.int8), np.full(count, -127, np.int8), np.zeros(1, np.int8)
    )
    assert dense_sums(case).tolist() == [-count * 127**2]


def test_a_kernel_refuses_the_wrong_dtype() -> None:
    with pytest.raises(TypeError):
        dense_forward(np.zeros((1, 2), np.int16), np.zeros(2, np.int8), np.zeros(1, np.int32))


def identity_before(layer: Operation, shape: tuple[int, int, int]) -> Trainer:
    """A trainer whose layer 1 is ``layer``, fed by a 1x1 convolution that copies its input."""
    layers = (Conv2d(shape[0], kernel=1, padding=0), layer, Dense(2))
    model = initial_model(Network("copy", shape, layers), seed=0)
    model.weights[0][...] = 0
    model.weights[0][range(shape[0]), range(shape[0])] = 1
    scales = {0: Scale(0, 0, 0), 2: Scale(0, 0, 0)}
    return Trainer(model, method("niti-static"), scales)


@st.composite
def planes_to_pool(draw: st.DrawFn) -> tuple[NDArray[np.int8], int]:
    """Few distinct values, so that most windows have ties."""
    size = draw(st.integers(1, 4))
    sides = st.integers(size, 9)
    shape = (draw(st.integers(1, 3)), draw(sides), draw(sides))
    generator = np.random.default_rng(draw(SEEDS))
    return generator.choice(np.array([-127, -3, 5, 127], np.int8), shape), size


def assert_max_pool(inputs: NDArray[np.int8], size: int) -> None:
    """Outputs, and where the error of each output arrives."""
    trainer = identity_before(MaxPool2d(size), inputs.shape)
    outputs = specified_max_pool2d.max_pool2d_forward(ints(inputs), size)
    trainer.forward(inputs)
    assert trainer.outputs[0].tolist() == inputs.tolist()
    assert trainer.outputs[1].tolist() == outputs.tolist()
    trainer.backward(label=0)
    expected = specified_max_pool2d.max_pool2d_backward(ints(inputs), size, ints(trainer.errors[1]))
    assert trainer.errors[0].tolist() == expected.tolist()


@settings(max_examples=60)
@given(planes_to_pool())
def test_max_pool_takes_the_first_largest_of_each_window(
    case: tuple[NDArray[np.int8], int],
) -> None:
    assert_max_pool(*case)


@pytest.mark.parametrize(("side", "size"), [(3, 2), (5, 3), (7, 4), (5, 2), (7, 2), (9, 4)])
def test_max_pool_cuts_rows_and_columns_left_over(side: int, size: int) -> None:
    # The largest values lie in the last row and column, which no window reaches.
    inputs = np.arange(side * side).reshape(1, side, side).astype(np.int8)
    assert_max_pool(inputs, size)


def test_max_pool_routes_the_whole_error_to_the_first_of_equals() -> None:
    trainer = identity_before(MaxPool2d(2), (1, 2, 4))
    trainer.model.weights[2][...] = [[127, 127], [-127, -127]]
    trainer.forward(np.full((1, 2, 4), 7, np.int8))
    trainer.backward(label=1)
    left, right = trainer.errors[1][0, 0].tolist()
    assert left != 0
    assert trainer.errors[0][0].tolist() == [[left, 0, right, 0], [0, 0, 0, 0]]


@given(SEEDS, st.integers(1, 50))
def test_relu_passes_what_is_above_zero(seed: int, count: int) -> None:
    generator = np.random.default_rng(seed)
    inputs, error = int8s(generator, (count,)), int8s(generator, (count,))
    outputs, input_error = np.empty(count, np.int8), np.empty(count, np.int8)
    relu_forward(inputs, outputs)
    relu_backward(outputs, error, input_error)
    assert outputs.tolist() == [x if x > 0 else 0 for x in inputs.tolist()]
    assert input_error.tolist() == [
        e if x > 0 else 0 for x, e in zip(inputs.tolist(), error.tolist(), strict=True)
    ]
