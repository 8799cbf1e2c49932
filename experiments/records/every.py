"""Every kind of record that priot writes."""

from __future__ import annotations

from typing import Any

from priot.experiments.records.artefacts import ArtefactRecord, TradeoffRecord
from priot.experiments.records.benchmarks import Benchmarks
from priot.experiments.records.costs import Costs, DoesNotFit, StepCosts
from priot.experiments.records.explanation import Explanation
from priot.experiments.records.needs import Needs
from priot.experiments.records.programs import MemoryRecord, ProfileRecord, ProgramRun
from priot.experiments.records.runs import FloatRun, TrainedHere, TrainingRun
from priot.experiments.records.settings import TunedSettings, Tuning
from priot.experiments.records.torture import Torture

EVERY: tuple[type[Any], ...] = (
    TrainingRun,
    TrainedHere,
    FloatRun,
    StepCosts,
    DoesNotFit,
    Costs,
    Needs,
    TradeoffRecord,
    ArtefactRecord,
    Explanation,
    ProgramRun,
    ProfileRecord,
    MemoryRecord,
    TunedSettings,
    Tuning,
    Benchmarks,
    Torture,
)
