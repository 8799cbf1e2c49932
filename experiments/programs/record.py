"""The record of ``priot run``."""

from __future__ import annotations

from dataclasses import asdict

from priot.experiments.records.costs import CacheModel
from priot.experiments.records.programs import CacheCounts, ProgramRun, StackWarned
from priot.sim import Pico
from priot.sim.session import Console, Outcome


def record_of(pico: Pico, console: Console, outcome: Outcome) -> ProgramRun:
    """What ran, how it ended, what it wrote, and what it took."""
    use = pico.memory_use()
    fault, xip = outcome.fault, pico.xip
    return ProgramRun(
        program=pico.program.path,
        exit_code=outcome.exit_code,
        halt_reason=outcome.ending.value,
        fault=None if fault is None else str(fault),
        output=console.output.decode(errors="replace"),
        output_bytes=console.written,
        cycles=pico.cycles,
        instructions=pico.instructions,
        clock_hz=pico.clock_hz,
        seconds=pico.seconds,
        xip=CacheCounts(xip.accesses, xip.hits, xip.misses, xip.stall_cycles),
        xip_model=None if pico.xip_model is None else CacheModel(**asdict(pico.xip_model)),
        bus_stalls=tuple(pico.bus_stalls),
        peak_sram_bytes=use.total,
        stack_high_water_bytes=use.stack,
        stack_warnings=tuple(StackWarned(**asdict(warning)) for warning in pico.stack_warnings),
        unmodelled=tuple(str(register) for register in pico.unmodelled),
    )
