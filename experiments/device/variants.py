"""The variants of the trainer firmware."""

from __future__ import annotations

from enum import StrEnum


class Variant(StrEnum):
    """Which kernels a build of the trainer has: all compute the same bits."""

    PLAIN = "plain"
    """The first version, in plain C: the baseline."""
    FAST = "fast"
    """Written for the Cortex-M0+ (docs/kernels.md)."""
    DUAL = "dual"
    """Those of fast on both cores (docs/cores.md)."""

    @property
    def cores(self) -> int:
        """How many cores a build needs."""
        return 2 if self is Variant.DUAL else 1

    @property
    def symbol(self) -> str:
        """What the builds of a variant define, but for those of the first."""
        return f"__variant_{self}__"


ON_ONE_CORE = (Variant.PLAIN, Variant.FAST)
