"""priot.kernels.matrices.engine on batches: one tensor, common shifts, gradients added up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_strategies import SEEDS
from random_networks import networks
from test_kernels_matrices import images_for, labels_for
from test_kernels_trainer import CNN, learning, methods, random_model, random_scales

from priot.kernels.errors import KernelError
from priot.kernels.methods import METHODS, Method, method
from priot.kernels.model import initial_model
from priot.kernels.network import Network
from priot.kernels.operations import Conv2d, Dense
from priot.kernels.reference.integers import Ints, ints
from priot.kernels.reference.rounding import bit_width, clipped, requantised
from priot.kernels.reference.trainer import ReferenceTrainer
from priot.kernels.trainer import Trainer

pytestmark = pytest.mark.usefixtures("products", "pieces")


class _Alone(ReferenceTrainer):
    """One image of a batch, with the batch's shifts: notes how wide its own sums are."""

    widths: dict[tuple[str, int], int]

    def _shift(self, index: int, which: str, sums: Ints) -> int:
        self.widths[which, index] = bit_width(sums)
        return super()._shift(index, which, sums)

    def update(self) -> None:
        """Gradients are added up first."""


@pytest.mark.parametrize("dynamic", [True, False], ids=["dynamic", "static"])
@pytest.mark.parametrize("name", METHODS)
def test_a_batch_is_one_tensor(name: str, dynamic: bool) -> None:
    @settings(max_examples=15)
    @given(networks(), methods(name), SEEDS, st.integers(1, 5), st.integers(1, 3))
    def batch_is_one_tensor(
        network: Network, chosen: Method, seed: int, count: int, threads: int
    ) -> None:
        scales = None if dynamic else random_scales(network, seed)
        model = random_model(network, chosen, seed)
        images, labels = images_for(network, seed, count), labels_for(network, seed, count)
        images[::2] >>= 2  # shifts that the others decide
        start = model.copy()
        trainer = Trainer(model, chosen, scales, matrices=True, threads=threads)
        trainer.train(images, labels, np.arange(count), batch=count)
        used = trainer.used
        single = []
        for image, label in zip(images, labels, strict=True):
            alone = _Alone(start, chosen, used)
            alone.widths = {}
            alone.step(ints(image), int(label))
            single.append(alone)
        if not any(alone.errors[-1].any() for alone in single):
            assert model.state_hash() == start.state_hash()
            return
        for index in learning(network, chosen.trained_layers):
            values = start.trained[index]
            gradient = sum(alone.gradients[index] for alone in single)
            if dynamic:
                for direction in ("forward", "backward"):
                    widths = [alone.widths.get((direction, index), 0) for alone in single]
                    assert getattr(used[index], direction) == max(0, max(widths) - 7)
                assert used[index].gradient_bits == bit_width(gradient)
            shift = used[index].update_shift(chosen.learning_rate_bits)
            moved = ints(values) - requantised(gradient, shift, chosen.rounding)
            expected = [clipped(value) for value in moved.reshape(-1)]
            assert model.trained[index].reshape(-1).tolist() == expected
        for index in start.trained.keys() - learning(network, chosen.trained_layers):
            assert (model.trained[index] == start.trained[index]).all()
            assert (used[index].backward, used[index].gradient_bits) == (0, 0)

    batch_is_one_tensor()


def test_the_last_batch_may_be_smaller() -> None:
    images, labels = images_for(CNN, 0, 7), labels_for(CNN, 0, 7)
    whole, pieces = (
        Trainer(initial_model(CNN, 0), method("niti-dynamic"), None, matrices=True)
        for _ in range(2)
    )
    whole.train(images, labels, np.arange(7), batch=3)
    for order in (np.arange(3), np.arange(3, 6), np.array([6])):
        pieces.train(images, labels, order, batch=3)
    assert whole.model.state_hash() == pieces.model.state_hash()


def test_a_batch_whose_gradient_could_leave_32_bits_is_refused() -> None:
    network = Network("large", (1, 32, 32), (Conv2d(1), Dense(2)))
    images, labels = np.zeros((1, 1, 32, 32), np.int8), np.zeros(1, np.uint8)
    trainer = Trainer(initial_model(network, 0), method("niti-dynamic"), None, matrices=True)
    trainer.train(images, labels, np.zeros(130, np.int64), batch=130)
    with pytest.raises(KernelError, match="over 131 images could leave 32 bits; take 130 at most"):
        trainer.train(images, labels, np.zeros(131, np.int64), batch=131)


def test_a_batch_needs_the_matrix_engine_and_an_image() -> None:
    images, labels = images_for(CNN, 0, 2), labels_for(CNN, 0, 2)
    trainer = Trainer(initial_model(CNN, 0), method("niti-dynamic"), None, matrices=False)
    with pytest.raises(KernelError, match="one image at a time; use the matrix engine"):
        trainer.train(images, labels, np.arange(2), batch=2)
    with pytest.raises(ValueError, match="a batch of 0 images"):
        trainer.train(images, labels, np.arange(2), batch=0)
