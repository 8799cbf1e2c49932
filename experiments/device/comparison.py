"""Device against reference: every tensor compared right after it was written."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from priot.experiments.device.host import Checkpoint, Device, Phase
from priot.experiments.device.image import permanent_tensors
from priot.experiments.device.placement import Scores
from priot.experiments.errors import VoidResultError
from priot.kernels.network import Network
from priot.kernels.trainer import Trainer


class MismatchError(VoidResultError):
    """The device and the reference disagree: the numbers of this run are void."""


class Comparison:
    """A model that is trained on the device and in the reference, in step, and compared.

    Raises:
        MismatchError: naming method, image, operation, tensor, index and both values.
    """

    def __init__(self, device: Device, reference: Trainer) -> None:
        self.device, self.reference = device, reference
        self.network = reference.model.network
        self._images = 0

    def step(self, image: NDArray[np.int8], label: int) -> list[Checkpoint]:
        """Train both on one image and compare each tensor right after it was written."""
        self._compare_model("before the step")
        self.reference.step(image, label)
        checkpoints = []
        for checkpoint in self.device.step_by_operation(image, label):
            self._compare_result(checkpoint)
            checkpoints.append(checkpoint)
        self._compare_model("after the step")
        self._images += 1
        return checkpoints

    def predict(self, image: NDArray[np.int8]) -> list[Checkpoint]:
        """Classify one image on both and compare each activation right after it was written."""
        self.reference.forward(image)
        checkpoints = []
        for checkpoint in self.device.predict_by_operation(image):
            self._compare_result(checkpoint)
            checkpoints.append(checkpoint)
        self._compare_model("after the prediction")
        self._images += 1
        return checkpoints

    def _compare_result(self, checkpoint: Checkpoint) -> None:
        index, reference = checkpoint.layer, self.reference
        where = f"{checkpoint.phase.name.lower()} of {operation_name(self.network, index)}"
        if checkpoint.phase is Phase.FORWARD:
            self._compare(where, "outputs", index, reference.outputs[index])
        elif checkpoint.phase is Phase.BACKWARD:
            if index > reference.method.trained_of(self.network)[0]:
                self._compare(where, "output_error", index - 1, reference.errors[index - 1])
        else:
            trained = "scores" if reference.method.trains_scores else "weights"
            tensors = self._tensors_of(index)
            self._compare(where, trained, index, tensors[trained])

    def _compare_model(self, when: str) -> None:
        for index in self.network.weighted:
            for part, expected in self._tensors_of(index).items():
                self._compare(when, part, index, expected)

    def _tensors_of(self, index: int) -> dict[str, NDArray[np.generic]]:
        model, placement = self.reference.model, self.device.layout.placement
        return permanent_tensors(model, self.reference.method, index, placement)

    def _compare(self, where: str, part: str, index: int, expected: NDArray[np.generic]) -> None:
        found = self.device.tensor(part, index, expected.dtype, expected.size)
        wrong = np.flatnonzero(found != expected.reshape(-1))
        if wrong.size:
            first = int(wrong[0])
            place = self._place(part, index, first, expected.shape)
            raise MismatchError(
                f"{self.reference.method.label}, image {self._images}, {where}: "
                f"{part} of {self.network.name_of(index)} "
                f"[{', '.join(map(str, place))}] is {found[first]} on the device "
                f"and {expected.reshape(-1)[first]} in the reference "
                f"({wrong.size:,} of {expected.size:,} values differ)"
            )

    def _place(self, part: str, index: int, flat: int, shape: tuple[int, ...]) -> list[int]:
        """Axes of element ``flat`` in the tensor as the reference has it, packed or not.

        Of a packed mask it is the byte.
        """
        if part == "scores" and self.device.layout.placement.scores is Scores.MASK:
            return [flat]
        if part == "scores" and self.reference.method.sparse:
            edges = np.argwhere(self.reference.model.scored[index])
            return [int(axis) for axis in edges[flat]]
        if part in ("weights", "scores"):
            shape = self.network.weight_shape_of(index)
        return [int(axis) for axis in np.unravel_index(flat, shape)]


def operation_name(network: Network, index: int) -> str:
    """Name of the layer of a checkpoint; one past the last layer stands for the loss."""
    return "loss" if index == len(network.layers) else network.name_of(index)
