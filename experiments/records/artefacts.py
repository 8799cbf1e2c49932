"""Records of tables and figures: what they were made with, and what was found beside the rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from priot.experiments.records.kinds import Scalar, left_out, record


@record("artefact", 1)
@dataclass(frozen=True, kw_only=True)
class ArtefactRecord:
    """The record of a table or figure of priot paper, study or widest."""

    name: str
    caption: str
    made_with: Mapping[str, Any]
    """What the rows follow from, and findings that are no rows: scope, data, hashes, counts."""
    rows: tuple[Mapping[str, Scalar], ...] | None = left_out()
    """Those of one network, where several share the table."""
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TradeoffRow:
    """A way to train: what it costs on the device, and what it learns."""

    label: str
    """What tables call the method."""
    method: str
    scored_fraction: float | None
    selection: str | None
    trained_layers: str | None
    learning_rate_bits: int
    placement: str
    """As --placement reads it."""
    variant: str
    """Of the firmware: plain, fast or dual."""
    angle: float
    images: int
    """That costs are means of."""
    clock_hz: int
    peak_sram_bytes: int
    flash_bytes: int
    cycles: float
    """Of a step, like its milliseconds."""
    ms: float
    seeds: int
    """That accuracy is a mean of."""
    final_mean: float
    """Accuracy in percent, like its spread and the share of runs that collapsed."""
    final_std: float
    collapsed_share: float
    pareto: bool
    """No other row is at least as good in SRAM, time and accuracy, and better in one."""


@record("tradeoff", 1)
@dataclass(frozen=True, kw_only=True)
class TradeoffRecord(ArtefactRecord):
    """The record of priot tradeoff, with all of its rows."""

    rows: tuple[TradeoffRow, ...]  # type: ignore[assignment]  # rows of which all is known
