"""The rows of Table 1: what is compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from experiments.training.configuration import Configuration
from kernels.methods import method

FRACTIONS = (0.05, 0.1, 0.2)


@dataclass(frozen=True)
class Contender:
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
        """A run of this contender; ``settings`` as in ``Configuration.to_json``."""
        own = {
            "method": self.method,
            "scored_fraction": self.scored_fraction,
            "selection": self.selection,
        }
        return Configuration.from_json(own | settings)


NITI_DYNAMIC, NITI_STATIC, PRIOT = (Contender(m) for m in ("niti-dynamic", "niti-static", "priot"))
PRIOT_TERNARY = Contender("priot-ternary")
CONTENDERS = (
    NITI_DYNAMIC,
    NITI_STATIC,
    PRIOT,
    PRIOT_TERNARY,
    *(Contender("priot-s", f, s) for s in ("random", "magnitude") for f in FRACTIONS),
)
OPTIONAL = {PRIOT_TERNARY}
"""Not in the paper: a row of Table 1 once its settings have been searched for."""
