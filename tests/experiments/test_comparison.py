"""Comparison of device and reference: one changed byte voids a run and is named."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from experiment_models import SMALL, address_of, compared_on, flip, labels_for, random_images
from numpy.typing import NDArray

from priot.experiments.datasets.mnist import mnist_sample
from priot.experiments.datasets.transfer import transfer_task
from priot.experiments.device.comparison import Comparison, MismatchError
from priot.experiments.device.costs import measure_costs
from priot.experiments.device.host import Checkpoint, Phase
from priot.experiments.pretraining.backbone import load_backbone
from priot.kernels.methods import METHODS, method

IMAGES, LABELS = random_images(SMALL, 4), labels_for(SMALL, 4)


def trained(name: str, **settings: object) -> Comparison:
    """A comparison that has gone well for two steps."""
    comparison = compared_on(SMALL, method(name, **settings))
    for image, label in zip(IMAGES[:2], LABELS[:2], strict=True):
        comparison.step(image, int(label))
    return comparison


def edge_of(comparison: Comparison, part: str, layer: int, index: int) -> list[int]:
    """Axes of the ``index``-th value of a tensor, as a user of the reference would write them."""
    model, method = comparison.reference.model, comparison.reference.method
    if part == "scores" and method.sparse:
        return np.argwhere(model.scored[layer])[index].tolist()
    if part in ("weights", "scores"):
        return np.argwhere(np.ones_like(model.weights[layer]))[index].tolist()
    return [index]


@pytest.mark.parametrize(
    ("name", "part", "dtype"),
    [
        ("niti-dynamic", "weights", np.int8),
        ("niti-static", "weights", np.int8),
        ("priot", "weights", np.int8),
        ("priot", "scores", np.int8),
        ("priot-ternary", "weights", np.int8),
        ("priot-ternary", "scores", np.int8),
        ("priot-s", "weights", np.int8),
        ("priot-s", "scores", np.int8),
        ("priot-s", "row_starts", np.uint32),
        ("priot-s", "columns", np.uint16),
    ],
)
def test_a_changed_byte_between_steps_is_named(name: str, part: str, dtype: type) -> None:
    comparison = trained(name)
    device, layer, index = comparison.device, 3, 2  # the third value of conv2d 2
    before = device.tensor(part, layer, dtype, index + 1)[index]
    flip(device, address_of(device, part, layer) + index * np.dtype(dtype).itemsize)
    after = device.tensor(part, layer, dtype, index + 1)[index]
    with pytest.raises(MismatchError) as caught:
        comparison.step(IMAGES[2], int(LABELS[2]))
    message = str(caught.value)
    assert message.startswith(f"{method(name).label}, image 2, before the step: ")
    place = str(edge_of(comparison, part, layer, index))
    assert f"{part} of conv2d 2 {place} is {after} on the device and {before} in" in message
    assert "(1 of " in message
    assert "\n" not in message


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize(
    ("phase", "layer", "part", "tensor", "where"),
    [
        (Phase.FORWARD, 0, "outputs", 0, "forward of conv2d 1: outputs of conv2d 1 [1, 0, 3]"),
        (Phase.FORWARD, 2, "outputs", 2, "forward of max_pool2d 1: outputs of max_pool2d 1 ["),
        (Phase.BACKWARD, 8, "output_error", 7, "backward of loss: output_error of dense 2 [0]"),
        (Phase.BACKWARD, 6, "output_error", 5, "backward of relu 3: output_error of dense 1 [0]"),
        (Phase.BACKWARD, 2, "output_error", 1, "backward of max_pool2d 1: output_error of relu 1"),
    ],
)
def test_a_changed_byte_within_a_step_is_named(
    name: str,
    phase: Phase,
    layer: int,
    part: str,
    tensor: int,
    where: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each tensor is compared right after its operation, before the next can hide a difference."""
    comparison = trained(name)
    device, operations = comparison.device, comparison.device.step_by_operation
    place = {"conv2d": 75}.get(where.split()[2], 0)  # [1, 0, 3] of planes of 9 x 8

    def disturbed(image: NDArray[np.int8], label: int) -> Iterator[Checkpoint]:
        for checkpoint in operations(image, label):
            if (checkpoint.phase, checkpoint.layer) == (phase, layer):
                flip(device, address_of(device, part, tensor) + place)
            yield checkpoint

    monkeypatch.setattr(device, "step_by_operation", disturbed)
    with pytest.raises(MismatchError) as caught:
        comparison.step(IMAGES[2], int(LABELS[2]))
    assert f"image 2, {where}" in str(caught.value)


def test_an_update_that_went_astray_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    comparison = trained("priot")
    device, operations = comparison.device, comparison.device.step_by_operation

    def disturbed(image: NDArray[np.int8], label: int) -> Iterator[Checkpoint]:
        for checkpoint in operations(image, label):
            if checkpoint.phase is Phase.UPDATE and checkpoint.layer == 5:
                flip(device, address_of(device, "scores", 5) + 1)
            yield checkpoint

    monkeypatch.setattr(device, "step_by_operation", disturbed)
    with pytest.raises(MismatchError, match=r"update of dense 1: scores of dense 1 \[0, 1\] is"):
        comparison.step(IMAGES[2], int(LABELS[2]))


def test_every_difference_is_counted() -> None:
    comparison = trained("niti-dynamic")
    device = comparison.device
    for offset in (1, 4, 9):
        flip(device, address_of(device, "weights", 7) + offset)
    with pytest.raises(
        MismatchError, match=r"weights of dense 2 \[0, 1\] .*\(3 of 15 values differ\)"
    ):
        comparison.step(IMAGES[2], int(LABELS[2]))


def test_touching_memory_beyond_the_plan_voids_the_run(
    small_backbone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Comparison.step

    def straying(self: Comparison, image: NDArray[np.int8], label: int) -> list[Checkpoint]:
        checkpoints = step(self, image, label)
        start = self.device.target.symbol("__arena_start__").address
        flip(self.device, start + self.device.layout.size, 0xFF)
        return checkpoints

    monkeypatch.setattr(Comparison, "step", straying)
    task = transfer_task(mnist_sample(), 30, 1, 0, 0)
    with pytest.raises(MismatchError, match=r"^NITI dynamic, plain: the run touched .* arena, but"):
        measure_costs(load_backbone(small_backbone), task, 133_000_000, 0)


def test_methods_are_compared_from_the_same_start() -> None:
    """The reference has its own copy: training the device does not train it."""
    comparison = compared_on(SMALL, method("niti-dynamic"))
    before = comparison.reference.model.state_hash()
    comparison.device.step(IMAGES[0], 0)
    assert comparison.reference.model.state_hash() == before
    with pytest.raises(MismatchError, match="before the step"):
        comparison.step(IMAGES[1], 0)
