"""Bytes that an operation of the firmware computes with beside its tensors."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scratch:
    """Bytes that each pass needs; 0 where it needs none."""

    forward: int = 0
    backward: int = 0
    update: int = 0
    kept: int = 0
    """Weights less their pruned edges; for the forward and the backward pass."""
    packed: int = 0
    """Weights by input channels; for the backward pass."""


def even(count: int) -> int:
    """Rounded up to a multiple of two."""
    return -(-count // 2) * 2


def words(size: int) -> int:
    """Bytes rounded up to whole words."""
    return -(-size // 4) * 4
