"""The shifts that bring a layer's 32-bit sums back to 8 bits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Scale:
    """The three shifts of one layer with weights."""

    forward: int
    """Right shift of the output sums."""
    backward: int
    """Right shift of the input error's sums; 0 up to the first trained layer, which has none."""
    gradient_bits: int
    """Width of the largest gradient; 0 for a layer that is not trained."""

    def update_shift(self, learning_rate_bits: int) -> int:
        """The shift that leaves ``learning_rate_bits`` of the largest gradient."""
        return max(0, self.gradient_bits - learning_rate_bits)


def of_trained(scales: Mapping[int, Scale], first: int) -> dict[int, Scale]:
    """Scales by layer index, with 0 for what is never computed where ``first`` is trained first.

    That is the errors of the inputs of layers up to it, and the gradients of those before it.
    """
    used = {}
    for index, scale in scales.items():
        if index <= first:
            scale = replace(scale, backward=0)
        if index < first:
            scale = replace(scale, gradient_bits=0)
        used[index] = scale
    return used
