"""What every operation of a network tells of itself."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from priot.kernels.reference.integers import Ints

Shape = tuple[int, ...]


def planes(shape: Shape) -> Shape:
    """A shape as (C,H,W): a vector is made of planes of one element."""
    return shape if len(shape) == 3 else (*shape, 1, 1)


@dataclass(frozen=True)
class Window:
    """Geometry of weights that see a window of the input; a dense layer's is the whole input."""

    input: Shape
    """(C,H,W)"""
    output: Shape
    """(O,H,W)"""
    size: tuple[int, int]
    """(height,width)"""
    padding: int

    @property
    def terms(self) -> int:
        """Products in an output's sum."""
        return self.input[0] * self.size[0] * self.size[1]


@dataclass(frozen=True)
class Operation(ABC):
    """One layer's settings and all that follows from them; subclasses are frozen dataclasses.

    Shapes of inputs are (C,H,W), or (features,) behind a dense layer.
    """

    kind: ClassVar[int]
    """Its number in compiled code and in the image of the firmware, no other operation's."""
    name: ClassVar[str]
    """In descriptions of networks and in tables: "conv2d"."""

    @abstractmethod
    def output_shape(self, inputs: Shape) -> Shape:
        """Shape of the outputs."""

    def weight_shape(self, inputs: Shape) -> Shape:
        """Shape of the weights; empty where there are none."""
        return ()

    def fault(self, inputs: Shape) -> str | None:
        """Why it cannot work on such inputs, if it cannot."""
        return None

    def largest_sum(self, inputs: Shape) -> int:
        """Bound of every 32-bit sum: output, input error, score gradient."""
        return 0

    @property
    def words(self) -> dict[str, int]:
        """Settings that compiled code and the firmware read: words of a layer's record."""
        return {}


class Weighted(Operation):
    """An operation with weights: sums of products, which are requantised afterwards."""

    def largest_sum(self, inputs: Shape) -> int:
        outputs, channels, *window = self.weight_shape(inputs)
        terms = max(outputs, channels) * math.prod(window) * 127**2
        positions = math.prod(self.output_shape(inputs)[1:])
        return max(terms, positions * 127**3)

    @abstractmethod
    def window(self, inputs: Shape) -> Window:
        """Its geometry, for the engines that need no more than that."""

    def loop_scratch(self, inputs: Shape) -> int:
        """int32 elements that its loops over one image work in."""
        return 0

    @abstractmethod
    def forward(self, weights: Ints, inputs: Ints) -> Ints:
        """The specification: sums of the outputs."""

    @abstractmethod
    def input_error(self, weights: Ints, output_error: Ints) -> Ints:
        """The specification: sums of the input error, one for each input."""

    @abstractmethod
    def weight_gradient(self, inputs: Ints, output_error: Ints) -> Ints:
        """The specification: the gradient of the weights, of their shape."""


class Weightless(Operation):
    """An operation without weights, from int8 to int8.

    No channel reads another one: two cores have half of them each.
    """

    in_place: ClassVar[bool] = False
    """On the device outputs replace inputs, and the input error the output error.

    The backward pass of the layer before may read what is replaced. So only an operation whose
    input error is 0 wherever it changes a value can work in place, and none whose own backward pass
    reads its inputs.
    """
    backward_reads_inputs: ClassVar[bool] = False
    backward_reads_outputs: ClassVar[bool] = False

    @abstractmethod
    def forward(self, inputs: Ints) -> Ints:
        """The specification: the outputs."""

    @abstractmethod
    def backward(self, inputs: Ints, outputs: Ints, output_error: Ints) -> Ints:
        """The specification: the input error."""

    @abstractmethod
    def forward_batch(self, inputs: NDArray[np.int8], outputs: NDArray[np.int8]) -> None:
        """Of a batch whose images are innermost, (C,H,W,N)."""

    @abstractmethod
    def backward_batch(
        self,
        inputs: NDArray[np.int8],
        outputs: NDArray[np.int8],
        output_error: NDArray[np.int8],
        input_error: NDArray[np.int8],
    ) -> None:
        """Of such a batch."""


def needs_planes(inputs: Shape) -> str | None:
    """The fault of an operation on planes where the inputs are none."""
    return None if len(inputs) == 3 else f"needs an input of shape (C, H, W), gets {inputs}"
