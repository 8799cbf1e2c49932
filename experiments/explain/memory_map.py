"""What lies where in memory while a step goes on, operation by operation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from priot.experiments.device.layout import Layout
from priot.experiments.device.plan_table import buffer_name, moment_names
from priot.experiments.device.planner import Buffer, Plan
from priot.sim import Pico

_KINDS = {"outputs": "activations", "output_error": "errors"}


def memory_map(layout: Layout, pico: Pico, operations: Sequence[str]) -> dict[str, Any]:
    """Every buffer of the image, where it lies and during which operations it is needed.

    Args:
        operations: names of those that a step consists of, in their order.
    """
    moments = [moment_names(layout.network).index(name) for name in operations]
    buffers = _buffers(layout, layout.plan, moments)
    report = pico.memory_report()
    stack = report.stacks[0]
    return {
        "arena_address": pico.symbol("__arena_start__").address,
        "sram_address": report.sram.address,
        "sram_capacity_bytes": report.sram.capacity,
        "sections": [asdict(section) for section in report.sram.sections],
        "stack": {"address": stack.top - stack.high_water, "top": stack.top},
        "operations": [
            _use_of(name, [buffer for buffer in buffers if number in buffer["operations"]])
            for number, name in enumerate(operations)
        ],
        "buffers": buffers,
        "flash_buffers": _buffers(layout, layout.flash, moments),
    }


def _use_of(name: str, alive: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": name,
        "live_bytes": sum(buffer["bytes"] for buffer in alive),
        "end_bytes": max(buffer["offset"] + buffer["bytes"] for buffer in alive),
    }


def _buffers(layout: Layout, plan: Plan, moments: Sequence[int]) -> list[dict[str, Any]]:
    """By offset; ``operations`` are numbers of the entries of ``moments``, from 0."""
    rows = [
        {
            "name": buffer_name(buffer, layout.network),
            "kind": _kind(buffer),
            "offset": plan.offsets[buffer.name],
            "bytes": buffer.size,
            "operations": [
                number
                for number, moment in enumerate(moments)
                if buffer.moments is None or moment in buffer.moments
            ],
        }
        for buffer in plan.buffers
    ]
    return sorted(rows, key=lambda row: (row["offset"], row["name"]))


def _kind(buffer: Buffer) -> str:
    part = buffer.name.split(" ")[0]
    return "permanent" if buffer.moments is None else _KINDS.get(part, "scratch")
