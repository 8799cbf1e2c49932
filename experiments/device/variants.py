"""The two variants of the trainer firmware, and the scratch that each computes with."""

from __future__ import annotations

from enum import StrEnum

FAST_SYMBOL = "__variant_fast__"


class Variant(StrEnum):
    """Which kernels a build of the trainer has: both compute the same bits."""

    PLAIN = "plain"
    """The first version, in plain C: the baseline."""
    FAST = "fast"
    """Written for the Cortex-M0+ (docs/kernels.md)."""
