"""The training methods, as settings."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from priot.kernels.errors import KernelError
from priot.kernels.rounding import Rounding

if TYPE_CHECKING:
    from priot.kernels.network import Network  # who names a method loads no compiler

SELECTIONS = ("random", "magnitude", "gradient")
TRAINED_LAYERS = {"all": "", "dense": ", dense layers", "last": ", last layer"}
"""Which layers with weights are trained, and what a label says of it."""
SETTINGS = {
    "learning_rate_bits": int,
    "threshold": int,
    "double_threshold": int,
    "score_spread": int,
    "scored_fraction": float,
    "selection": str,
    "trained_layers": str,
    "rounding": str,
}
"""Names of what can be set of a method, and of which type it is in a description."""
NEVER_DOUBLED = 128
"""A double threshold that no score reaches."""


class MethodError(KernelError):
    """An unknown method, or a setting that a method does not take."""


@dataclass(frozen=True)
class Method:
    """What is trained, how sums are scaled back to int8, and how large a step is.

    docs/method.md gives the reason of every default that the paper does not state.
    """

    name: str
    dynamic: bool
    """Shifts follow each tensor (NITI); otherwise they are fixed by calibration.

    A trainer without static scales has dynamic ones, whatever its method: so calibration runs.
    """
    trains_scores: bool
    """Scores decide which edges are kept and the weights stay; otherwise weights are trained."""
    learning_rate_bits: int
    """Bits of an update (m_u of NITI): the largest gradient of a layer becomes this wide.
    With 0 bits it is below 1, and rounding decides which values move by 1."""
    threshold: int = 0
    """An edge is kept while its score reaches this."""
    double_threshold: int | None = None
    """An edge counts twice while its score reaches this; None where none ever does."""
    score_spread: int = 32
    """Standard deviation of the first scores, drawn from a normal distribution about zero."""
    scored_fraction: float | None = None
    """Share of the edges of each layer that have a score; None where no scores are trained."""
    selection: str | None = None
    """How the scored edges are chosen where only a fraction has a score."""
    trained_layers: str = "all"
    """Where weights are trained, one of TRAINED_LAYERS: the others stay as they are."""
    rounding: Rounding = Rounding.PSEUDO_STOCHASTIC

    def __post_init__(self) -> None:
        if not 0 <= self.learning_rate_bits <= 7:
            raise MethodError(f"learning-rate bits {self.learning_rate_bits} are outside 0..7")
        if not -127 <= self.threshold <= 127:
            raise MethodError(f"threshold {self.threshold} is outside -127..127")
        if self.double_threshold is not None:
            if not -127 <= self.double_threshold <= 127:
                raise MethodError(f"double threshold {self.double_threshold} is outside -127..127")
            if self.double_threshold <= self.threshold:
                raise MethodError(
                    f"double threshold {self.double_threshold} is not above the threshold "
                    f"{self.threshold}"
                )
        if not 0 <= self.score_spread <= 127:
            raise MethodError(f"score spread {self.score_spread} is outside 0..127")
        if self.scored_fraction is not None and not 0 < self.scored_fraction <= 1:
            raise MethodError(f"scored fraction {self.scored_fraction} is outside 0..1")
        if self.selection is not None and self.selection not in SELECTIONS:
            raise MethodError(f"selection {self.selection!r} is none of {', '.join(SELECTIONS)}")
        if self.trained_layers not in TRAINED_LAYERS:
            raise MethodError(
                f"trained layers {self.trained_layers!r} is none of {', '.join(TRAINED_LAYERS)}"
            )

    @property
    def sparse(self) -> bool:
        """Scores are kept for chosen edges only (PRIOT-S)."""
        return self.selection is not None

    @property
    def doubles(self) -> bool:
        """An edge counts 0, 1 or 2 times, not only 0 or 1 times (PRIOT ternary)."""
        return self.double_threshold is not None

    @property
    def refused(self) -> frozenset[str]:
        """Settings that have no use for it."""
        refused = {"trained_layers"} if self.trains_scores else {"threshold", "score_spread"}
        if not self.sparse:
            refused |= {"scored_fraction", "selection"}
        if not self.doubles:
            refused.add("double_threshold")
        return frozenset(refused)

    @property
    def thresholds(self) -> tuple[int, int]:
        """Scores from which an edge counts, and counts twice: NEVER_DOUBLED where none does."""
        double = self.double_threshold
        return self.threshold, NEVER_DOUBLED if double is None else double

    @property
    def freezes_weights(self) -> bool:
        """Weights stay as they are: all of them, or those of the layers that are not trained."""
        return self.trains_scores or self.trained_layers != "all"

    def trained_of(self, network: Network) -> tuple[int, ...]:
        """Indices of the layers whose weights or scores are trained, in forward order.

        They are all layers with weights from the first of them on.
        """
        weighted = network.weighted
        if self.trained_layers == "last":
            return weighted[-1:]
        if self.trained_layers == "dense":
            return tuple(index for index in weighted if network.layers[index].name == "dense")
        return weighted

    @property
    def family(self) -> str:
        """Name that all its variants share: "PRIOT-S"."""
        return _FAMILIES[self.name]

    @property
    def label(self) -> str:
        """Name in tables and figures: "PRIOT-S 10 % random", "NITI static, last layer"."""
        label = self.family
        if self.sparse and self.scored_fraction is not None:
            label += f" {100 * self.scored_fraction:g} % {self.selection}"
        return label + TRAINED_LAYERS[self.trained_layers]

    def settings(self) -> dict[str, Any]:
        """What a record says of the method beside its name."""
        settings = asdict(self)
        del settings["name"]
        return settings | {"rounding": self.rounding.label}


_FAMILIES = {
    "niti-dynamic": "NITI dynamic",
    "niti-static": "NITI static",
    "priot": "PRIOT",
    "priot-ternary": "PRIOT ternary",
    "priot-s": "PRIOT-S",
}

METHODS = {
    "niti-dynamic": Method("niti-dynamic", dynamic=True, trains_scores=False, learning_rate_bits=3),
    "niti-static": Method("niti-static", dynamic=False, trains_scores=False, learning_rate_bits=3),
    "priot": Method(
        "priot",
        dynamic=False,
        trains_scores=True,
        learning_rate_bits=5,
        threshold=-64,
        scored_fraction=1.0,
    ),
    "priot-ternary": Method(
        "priot-ternary",
        dynamic=False,
        trains_scores=True,
        learning_rate_bits=5,
        threshold=-64,
        double_threshold=64,
        scored_fraction=1.0,
    ),
    "priot-s": Method(
        "priot-s",
        dynamic=False,
        trains_scores=True,
        learning_rate_bits=5,
        threshold=0,
        scored_fraction=0.1,
        selection="random",
    ),
}


def method(
    name: str,
    *,
    learning_rate_bits: int | None = None,
    threshold: int | None = None,
    double_threshold: int | None = None,
    score_spread: int | None = None,
    scored_fraction: float | None = None,
    selection: str | None = None,
    trained_layers: str | None = None,
    rounding: Rounding | None = None,
) -> Method:
    """A method by name, with settings other than its defaults; None keeps the default.

    Raises:
        MethodError: for an unknown name, a setting out of range, or one the method does not use.
    """
    if name not in METHODS:
        raise MethodError(f"unknown method {name!r}: choose from {', '.join(METHODS)}")
    default = METHODS[name]
    settings: dict[str, Any] = {
        "learning_rate_bits": learning_rate_bits,
        "threshold": threshold,
        "double_threshold": double_threshold,
        "score_spread": score_spread,
        "scored_fraction": scored_fraction,
        "selection": selection,
        "trained_layers": trained_layers,
        "rounding": rounding,
    }
    given = {key: value for key, value in settings.items() if value is not None}
    for key in given:
        if key in default.refused:
            raise MethodError(f"{name} has no {key.replace('_', ' ')}: leave it out")
    return replace(default, **given)
