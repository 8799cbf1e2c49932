"""The settings that ``priot tune`` found, kept in settings/, a file for each network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from priot.experiments.errors import UserError
from priot.experiments.paper.contenders import CONTENDERS, SHOWN, Contender
from priot.experiments.records.files import read_record
from priot.experiments.records.settings import TunedSettings

Settings = dict[str, Any]


@dataclass(frozen=True)
class ChosenSettings:
    """What ``priot tune`` found for one network."""

    common_learning_rate_bits: int
    best: Mapping[str, Mapping[str, Settings]]
    """By name of the contender and angle in degrees; those of SHOWN are always there."""

    @property
    def contenders(self) -> tuple[Contender, ...]:
        """The rows of all tables: those of CONTENDERS whose settings have been searched for."""
        return tuple(contender for contender in CONTENDERS if contender.name in self.best)

    def common(self) -> Settings:
        """The paper's comparison: one setting for all methods, everything else at its default."""
        return {"learning_rate_bits": self.common_learning_rate_bits}

    def tuned(self, contender: Contender, angle: float) -> Settings:
        """The strictest comparison: a contender at its own best for the nearest angle searched."""
        best = self.best[contender.name]
        return best[min(best, key=lambda searched: abs(float(searched) - angle))]


def load_settings(network: str, path: Path | None = None) -> ChosenSettings:
    """The settings of ``network``'s file, or of the one at ``path``.

    A contender that is none of SHOWN may be missing: tables have no rows of it then.

    Raises:
        UserError: when there is no file, or it holds something else.
    """
    shipped = Path(str(resources.files("priot.experiments"))) / "paper" / "settings"
    file = shipped / f"{network}.json" if path is None else path
    found = read_record(
        file,
        TunedSettings,
        otherwise=f"the settings of {network} come from priot tune --network {network} --settings "
        "FILE: keep them there, or name them with --settings",
    )
    if not all(found.best.values()) or not all(found.best.get(one.name) for one in SHOWN):
        raise UserError(
            f"{file}: not settings of all methods; make them with priot tune --settings"
        )
    return ChosenSettings(found.common_learning_rate_bits, found.best)
