"""Records of what a training step, or a prediction, costs on the simulated Pico."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from priot.experiments.records.kinds import Scalar, record


@dataclass(frozen=True)
class Cycles:
    """Per image."""

    mean: float
    min: int
    max: int


@dataclass(frozen=True)
class SramBytes:
    """Of SRAM that the run touched."""

    static_data: int
    arena: int
    stack: int
    code: int


@dataclass(frozen=True)
class FlashBytes:
    """Of flash that is taken."""

    code: int
    weights: int


@dataclass(frozen=True)
class FlashReads:
    """Words read through the XIP cache, per image."""

    accesses: float
    misses: float
    stall_cycles: float
    miss_rate: float | None
    """Null where nothing is read."""


@dataclass(frozen=True)
class CacheModel:
    """The XIP cache, as priot.sim.XipModel has it."""

    miss_cycles: int | None
    replacement: str
    seed: int


@dataclass(frozen=True)
class DataSet:
    """Which images."""

    origin: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Steps:
    """Steps or predictions as they were measured; after each operation every tensor was equal to
    the reference's."""

    method: str
    label: str
    """What tables call the method."""
    purpose: str
    """training, or prediction."""
    network: str
    variant: str
    """Of the firmware: plain, fast or dual."""
    placement: str
    """As --placement reads it."""
    scored_fraction: float | None
    settings: Mapping[str, Scalar]
    """Of the method."""
    cycles_per_image: Cycles
    cycles_by_phase: Mapping[str, float]
    """Means per image: forward, backward, update."""
    cycles_by_layer: Mapping[str, Mapping[str, float]]
    """The same of each layer's passes."""
    cycles_per_mac: Mapping[str, Mapping[str, float]]
    """By layer with weights and pass: cycles for each multiply-accumulate of the whole sums."""
    peak_sram_bytes: int
    sram: SramBytes
    sram_capacity_bytes: int
    planned_arena_bytes: int
    flash_bytes: int
    flash: FlashBytes
    xip_per_image: FlashReads
    xip_model: CacheModel | None
    """Null where flash is as fast as SRAM."""
    cores: int
    bus_stalls_per_image: Mapping[str, float]
    """Cycles that each core waits for the bus."""
    fits: bool
    """Whether the SRAM that was touched is there."""
    bit_exact: bool
    final_state_sha256: str


@record("step-costs", 1)
@dataclass(frozen=True, kw_only=True)
class StepCosts(Steps):
    """Steps, and the images and backbone that they were measured on; kept by priot tradeoff."""

    contention: str | None
    """What two cores cost each other on the bus; null of one core."""
    trained_backbone: bool
    """False: random weights."""
    backbone_sha256: str
    data: DataSet
    angle: float
    images: int
    test_images: int
    calibration_images: int
    seed: int
    environment: Mapping[str, str]


@record("does-not-fit", 1)
@dataclass(frozen=True)
class DoesNotFit:
    """There is no room for it on the device; kept beside step-costs."""

    does_not_fit: str
    """The sum that shows why."""


@record("costs", 1)
@dataclass(frozen=True, kw_only=True)
class Costs(StepCosts):
    """A row of priot costs: steps, their time at a clock, and ratios of mean cycles to other rows.

    A ratio is null where there is no such row.
    """

    clock_hz: int
    ms_per_image: float
    ratio_to_niti_static: float | None
    """Of the same variant."""
    ratio_to_plain: float | None
    """Of the same method and placement."""
    ratio_to_fast: float | None


@dataclass(frozen=True, kw_only=True)
class TimedSteps(Steps):
    """Steps, and their time at a clock."""

    clock_hz: int
    ms_per_image: float
