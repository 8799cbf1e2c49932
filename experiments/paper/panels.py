"""The runs behind a panel of figures 2 and 3."""

from __future__ import annotations

from priot.experiments.defaults import ANGLE
from priot.experiments.paper.accuracy import runs_of
from priot.experiments.paper.contenders import Contender
from priot.experiments.paper.laboratory import Laboratory
from priot.experiments.paper.protocol import Panel
from priot.experiments.training.configuration import Configuration


def runs_of_panel(
    laboratory: Laboratory, panel: Panel, contender: Contender
) -> list[Configuration]:
    """One configuration per seed, at ANGLE; ``laboratory`` is on the panel's backbone."""
    settings = dict(panel.settings)
    if not contender.dynamic:
        settings |= dict(panel.static)
    return runs_of(laboratory, panel.comparison, contender, ANGLE, **settings)
