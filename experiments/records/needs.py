"""The record of what a network needs of a Pico by the plan."""

from __future__ import annotations

from dataclasses import dataclass

from priot.experiments.records.kinds import record


@record("needs", 1)
@dataclass(frozen=True, kw_only=True)
class Needs:
    """A row of priot plan, in bytes."""

    network: str
    weights: int
    """How many it has."""
    purpose: str
    """training, or prediction."""
    method: str
    label: str
    """What tables call the method."""
    scored_fraction: float | None
    trained_layers: str
    placement: str
    """As --placement reads it."""
    variant: str
    """Of the firmware: plain, fast or dual."""
    image_bytes: int
    """Of SRAM, for all buffers of a step."""
    sram_bytes: int
    """The image, and all that it cannot have: code, static data, the two banks of the stack."""
    sram_capacity_bytes: int
    flash_bytes: int
    """Code and weights."""
    flash_capacity_bytes: int
    fits: bool
    """Whether a Pico has that much of both."""
