"""The shifts that bring a layer's 32-bit sums back to 8 bits."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """The three shifts of one layer with weights."""

    forward: int
    """Right shift of the output sums."""
    backward: int
    """Right shift of the input error's sums; 0 for the first layer, which computes none."""
    gradient_bits: int
    """Width of the largest gradient."""

    def update_shift(self, learning_rate_bits: int) -> int:
        """The shift that leaves ``learning_rate_bits`` of the largest gradient."""
        return max(0, self.gradient_bits - learning_rate_bits)
