"""What is compared, and how: the parts that every table and figure shares.

The paper's abstract fixes 1,024 images, 30 degrees among the angles, and batch size 1; all else is
our choice (docs/accuracy.md).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from experiments.sweeps.store import RunStore
from experiments.sweeps.sweep import Workers, run_sweep
from experiments.training.configuration import Configuration
from experiments.training.inputs import Inputs
from kernels.methods import method

FRACTIONS = (0.05, 0.1, 0.2)
OVERFLOWING = -2
"""Logit headroom at which logits overflow in training: see docs/accuracy.md."""


@dataclass(frozen=True)
class Variant:
    """A row of Table 1: a method, and for PRIOT-S how many edges it scores and which."""

    method: str
    scored_fraction: float | None = None
    selection: str | None = None

    @property
    def name(self) -> str:
        """A name for files: "priot-s-20-random"."""
        if self.scored_fraction is None:
            return self.method
        return f"{self.method}-{100 * self.scored_fraction:g}-{self.selection}"

    @property
    def label(self) -> str:
        """A name for readers: "PRIOT-S 20 % random"."""
        return method(
            self.method, scored_fraction=self.scored_fraction, selection=self.selection
        ).label

    @property
    def static(self) -> bool:
        """Scales are fixed by calibration."""
        return self.method != "niti-dynamic"

    def configuration(self, **settings: Any) -> Configuration:
        """A run of this variant; ``settings`` as in ``Configuration.to_json``."""
        own = {
            "method": self.method,
            "scored_fraction": self.scored_fraction,
            "selection": self.selection,
        }
        return Configuration.from_json(own | settings)


NITI_DYNAMIC, NITI_STATIC, PRIOT = (Variant(m) for m in ("niti-dynamic", "niti-static", "priot"))
VARIANTS = (
    NITI_DYNAMIC,
    NITI_STATIC,
    PRIOT,
    *(Variant("priot-s", f, s) for s in ("random", "magnitude") for f in FRACTIONS),
)


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


@dataclass(frozen=True)
class Laboratory:
    """Everything an experiment needs to carry out its runs."""

    scope: Scope
    inputs: Inputs
    store: RunStore
    workers: Workers

    def run(self, configurations: Sequence[Configuration]) -> list[dict[str, Any]]:
        """Their records in their order, computed or found in the store.

        Raises:
            UserError: as ``run_sweep`` does.
        """
        return run_sweep(configurations, self.inputs, self.store, self.workers)

    def record(self, configurations: Sequence[Configuration]) -> dict[str, Any]:
        """What a table made of these runs says of them."""
        keys = {self.inputs.key_of(configuration) for configuration in configurations}
        return {
            "scope": self.scope.label,
            "runs": len(keys),
            "computing_seconds": round(sum(self.store.seconds[key] for key in keys)),
            "data": self.inputs.source.origin,
            **self.inputs.hashes,
            **self.inputs.firmware,
        }


@cache
def chosen_settings() -> dict[str, Any]:
    """What ``priot tune`` found: bits common to all, and the best by variant and angle."""
    file = resources.files("experiments") / "paper" / "settings.json"
    content: dict[str, Any] = json.loads(file.read_text())
    return content


def common_settings() -> dict[str, Any]:
    """The paper's comparison: one setting for all methods, everything else at its default."""
    return {"learning_rate_bits": chosen_settings()["common_learning_rate_bits"]}


def tuned_settings(variant: Variant, angle: float) -> dict[str, Any]:
    """The strictest comparison: each variant at its own best for the nearest angle searched."""
    best: dict[str, dict[str, Any]] = chosen_settings()["best"][variant.name]
    return best[min(best, key=lambda searched: abs(float(searched) - angle))]
