"""The record of ``priot run``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from priot.sim import Pico
from priot.sim.session import Console, Outcome


def record_of(pico: Pico, console: Console, outcome: Outcome) -> dict[str, Any]:
    """What ran, how it ended, what it wrote, and what it took."""
    use = pico.memory_use()
    fault = outcome.fault
    return {
        "program": pico.program.path,
        "exit_code": outcome.exit_code,
        "halt_reason": outcome.ending.value,
        "fault": None if fault is None else str(fault),
        "output": console.output.decode(errors="replace"),
        "output_bytes": console.written,
        "cycles": pico.cycles,
        "instructions": pico.instructions,
        "clock_hz": pico.clock_hz,
        "seconds": pico.seconds,
        "xip": {
            "accesses": pico.xip.accesses,
            "hits": pico.xip.hits,
            "misses": pico.xip.misses,
            "stall_cycles": pico.xip.stall_cycles,
        },
        "xip_model": None if pico.xip_model is None else asdict(pico.xip_model),
        "bus_stalls": list(pico.bus_stalls),
        "peak_sram_bytes": use.total,
        "stack_high_water_bytes": use.stack,
        "stack_warnings": [asdict(warning) for warning in pico.stack_warnings],
        "unmodelled": [str(register) for register in pico.unmodelled],
    }
