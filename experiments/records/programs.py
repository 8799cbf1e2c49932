"""Records of priot run: how a program went, its profile, and where memory went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from priot.experiments.records.costs import CacheModel
from priot.experiments.records.kinds import left_out, record
from priot.sim.reports.memory_report import MemoryReport


@dataclass(frozen=True)
class CacheCounts:
    """Words read through the XIP cache."""

    accesses: int
    hits: int
    misses: int
    stall_cycles: int


@dataclass(frozen=True)
class StackWarned:
    """A stack that left its room where nothing of the program lies."""

    core: int
    pc: int
    function: str | None
    sp: int
    limit: int


@record("program-run", 1)
@dataclass(frozen=True, kw_only=True)
class ProgramRun:
    """What priot run --json writes: what ran, how it ended, what it wrote, and what it took."""

    program: str
    exit_code: int
    halt_reason: str
    fault: str | None
    output: str
    """The beginning; ``output_bytes`` counts all."""
    output_bytes: int
    cycles: int
    instructions: int
    clock_hz: int
    seconds: float
    """Simulated."""
    xip: CacheCounts
    xip_model: CacheModel | None
    """Null where flash is as fast as SRAM."""
    bus_stalls: tuple[int, ...]
    """Cycles that each core waited for the bus."""
    peak_sram_bytes: int
    stack_high_water_bytes: int
    stack_warnings: tuple[StackWarned, ...]
    unmodelled: tuple[str, ...]
    """Registers that the program touched and that are not modelled."""


@dataclass(frozen=True, kw_only=True)
class FunctionCycles:
    """Of one function: its own, and with all that it calls where calls were traced."""

    cycles: int
    instructions: int
    inclusive: int | None = left_out()
    calls: int | None = left_out()


@dataclass(frozen=True, kw_only=True)
class Call:
    """An edge of the call graph."""

    caller: str
    callee: str
    return_address: int
    """Behind the call; 0 where no instruction called."""
    calls: int
    inclusive: int


@dataclass(frozen=True, kw_only=True)
class CoreCycles:
    """The profile of one of two cores."""

    core: int
    cycles: int
    functions: Mapping[str, FunctionCycles]
    calls: tuple[Call, ...] | None = left_out()


@record("profile", 1)
@dataclass(frozen=True, kw_only=True)
class ProfileRecord:
    """What priot run --profile FILE.json writes: of one core its functions, or of each of two."""

    cycles: int
    functions: Mapping[str, FunctionCycles] | None = left_out()
    calls: tuple[Call, ...] | None = left_out()
    cores: tuple[CoreCycles, ...] | None = left_out()


@record("memory-report", 1)
@dataclass(frozen=True)
class MemoryRecord(MemoryReport):
    """What priot run --memory FILE.json writes: sections, symbols, stacks and heap, in bytes."""
