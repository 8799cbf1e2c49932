"""What is compared, and how: the parts that every table and figure shares.

The paper's abstract fixes 1,024 images, 30 degrees among the angles, and batch size 1; all else is
our choice (docs/accuracy.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from experiments.configuration import Configuration

ANGLES = (15.0, 30.0, 45.0, 60.0, 90.0)
EPOCHS = 30
SEEDS = tuple(range(10))
FRACTIONS = (0.05, 0.1, 0.2)


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
    def static(self) -> bool:
        """Scales are fixed by calibration."""
        return self.method != "niti-dynamic"

    def configuration(self, **settings: Any) -> Configuration:
        """A run of this variant; ``settings`` as in ``Configuration.to_json``."""
        return Configuration.from_json(
            {
                "method": self.method,
                "scored_fraction": self.scored_fraction,
                "selection": self.selection,
                **settings,
            }
        )


NITI_DYNAMIC, NITI_STATIC, PRIOT = (Variant(m) for m in ("niti-dynamic", "niti-static", "priot"))
VARIANTS = (
    NITI_DYNAMIC,
    NITI_STATIC,
    PRIOT,
    *(Variant("priot-s", f, s) for s in ("random", "magnitude") for f in FRACTIONS),
)
