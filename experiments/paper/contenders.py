"""The rows of Table 1: what is compared."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from priot.experiments.training.configuration import Configuration
from priot.kernels.methods import METHODS, SELECTIONS

FRACTIONS = (0.05, 0.1, 0.2)
FEW_LAYERS = ("dense", "last")


@dataclass(frozen=True)
class Contender:
    """A row of Table 1: a method, and what sets its variants apart.

    They are, for PRIOT-S, how many edges have a score and which, and for NITI, the layers that are
    trained.
    """

    method: str
    scored_fraction: float | None = None
    selection: str | None = None
    trained_layers: str | None = None

    @property
    def name(self) -> str:
        """A name for files: "priot-s-20-random", "niti-static-last"."""
        if self.trained_layers is not None:
            return f"{self.method}-{self.trained_layers}"
        if self.scored_fraction is None:
            return self.method
        return f"{self.method}-{100 * self.scored_fraction:g}-{self.selection}"

    @property
    def label(self) -> str:
        """A name for readers: "PRIOT-S 20 % random"."""
        return self.configuration().method.label

    @property
    def dynamic(self) -> bool:
        """As of its method: scales follow each tensor; otherwise calibration fixes them."""
        return METHODS[self.method].dynamic

    def configuration(self, **settings: Any) -> Configuration:
        """A run of this contender; ``settings`` as in ``Configuration.to_json``."""
        return Configuration.from_json(asdict(self) | settings)


NITI_DYNAMIC, NITI_STATIC, PRIOT = (Contender(m) for m in ("niti-dynamic", "niti-static", "priot"))
PRIOT_TERNARY = Contender("priot-ternary")
SHOWN = (
    NITI_DYNAMIC,
    NITI_STATIC,
    PRIOT,
    Contender("priot-s", 0.2, "magnitude"),
    Contender("priot-s", 0.2, "random"),
)
"""Those that figures of few lines name."""
CONTENDERS = (
    NITI_DYNAMIC,
    *(Contender("niti-dynamic", trained_layers=layers) for layers in FEW_LAYERS),
    NITI_STATIC,
    *(Contender("niti-static", trained_layers=layers) for layers in FEW_LAYERS),
    PRIOT,
    PRIOT_TERNARY,
    *(Contender("priot-s", f, s) for s in SELECTIONS for f in FRACTIONS),
)
