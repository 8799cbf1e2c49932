"""How large a reproduction is: the numbers that all tables and figures share.

The paper's abstract fixes 1,024 images, 30 degrees among the angles, and batch size 1; all else is
our choice (docs/accuracy.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

ANGLE = 30.0
"""Of figures that show one angle, in degrees: the one that the paper's abstract names."""
OVERFLOWING = -2
"""Logit headroom at which logits overflow in training: see docs/accuracy.md."""


@dataclass(frozen=True)
class Scope:
    """How large a reproduction is."""

    label: str
    dataset: str
    images: int
    test_images: int | None
    """None: all that are left."""
    epochs: int
    angles: tuple[float, ...]
    seeds: tuple[int, ...]
    map_seeds: tuple[int, ...]
    """Of the collapse map, which has many more cells than the table."""
    map_bits: tuple[int, ...]
    map_test_images: int
    device_images: int
    """Of the runs in the emulator, which trains some 400 images per second."""
    device_epochs: int
    device_test_images: int
    cost_images: int

    def settings(self, **settings: Any) -> dict[str, Any]:
        """What all runs of this scope share, unless ``settings`` says otherwise."""
        names = ("dataset", "images", "test_images", "epochs")
        return {name: getattr(self, name) for name in names} | settings


FULL = Scope(
    label="full MNIST",
    dataset="mnist",
    images=1024,
    test_images=None,
    epochs=20,
    angles=(15.0, 30.0, 45.0, 60.0, 90.0),
    seeds=tuple(range(10)),
    map_seeds=(0, 1),
    map_bits=(1, 2, 3, 4, 5, 6, 7),
    map_test_images=2000,
    device_images=1024,
    device_epochs=20,
    device_test_images=1000,
    cost_images=32,
)
QUICK = Scope(
    label="REDUCED: embedded sample, few images, epochs and seeds",
    dataset="mnist-sample",
    images=128,
    test_images=500,
    epochs=3,
    angles=(30.0, 60.0),
    seeds=(0, 1),
    map_seeds=(0,),
    map_bits=(2, 4, 6),
    map_test_images=300,
    device_images=16,
    device_epochs=2,
    device_test_images=16,
    cost_images=2,
)
