"""What a training step costs on the device, with every tensor compared to the reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tqdm import tqdm

from experiments.backbone import Backbone
from experiments.comparison import Comparison, MismatchError, operation_name
from experiments.device import Checkpoint, Device, Phase
from experiments.environment import environment
from experiments.simulator import simulated_pico
from experiments.train import starting_point
from experiments.transfer import Transfer
from kernels.methods import Method, method
from kernels.network import Network
from kernels.trainer import Trainer

BASELINE = "niti-static"


def compared_methods() -> tuple[Method, ...]:
    """The rows of the cost table."""
    return (
        method("niti-dynamic"),
        method(BASELINE),
        method("priot"),
        method("priot-s", scored_fraction=0.2),
        method("priot-s", scored_fraction=0.1),
    )


def measure_costs(
    backbone: Backbone, task: Transfer, clock_hz: int, seed: int, elf: Path | None = None
) -> list[dict[str, Any]]:
    """One record per method: cycles and peak memory of a training step over the task's images.

    Raises:
        MismatchError: at the first difference between device and reference.
        UserError: when a method's image does not fit the device.
    """
    methods = compared_methods()
    total = len(methods) * len(task.labels)
    with tqdm(total=total, unit=" images", disable=None, leave=False) as bar:
        records = []
        for settings in methods:
            bar.set_description(settings.label)
            record = _measure(backbone, settings, task, clock_hz, seed, elf, bar)
            records.append(record | {"environment": environment(elf)})
    baseline = next(r for r in records if r["method"] == BASELINE)["cycles_per_image"]["mean"]
    for record in records:
        record["ratio_to_static_niti"] = record["cycles_per_image"]["mean"] / baseline
    return records


def _measure(
    backbone: Backbone,
    settings: Method,
    task: Transfer,
    clock_hz: int,
    seed: int,
    elf: Path | None,
    bar: tqdm[Any],
) -> dict[str, Any]:
    model, scales = starting_point(backbone, settings, task, seed)
    pico = simulated_pico(elf)
    device = Device(pico, model, settings, scales)
    comparison = Comparison(device, Trainer(model.copy(), settings, scales))
    steps = []
    for image, label in zip(task.images, task.labels, strict=True):
        steps.append(comparison.step(image, int(label)))
        bar.update()
    totals = [sum(checkpoint.cycles for checkpoint in step) for step in steps]
    mean = sum(totals) / len(totals)
    memory = pico.memory_use()
    if memory.arena > device.layout.size:
        raise MismatchError(
            f"{settings.label}: the run touched {memory.arena:,} bytes of the arena, "
            f"but the plan has {device.layout.size:,}"
        )
    return {
        "method": settings.name,
        "label": settings.label,
        "scored_fraction": settings.scored_fraction,
        "settings": settings.settings(),
        "clock_hz": clock_hz,
        "cycles_per_image": {"mean": mean, "min": min(totals), "max": max(totals)},
        "ms_per_image": 1000 * mean / clock_hz,
        "cycles_by_phase": {
            phase.name.lower(): sum(_mean_by_operation(steps, phase).values()) for phase in Phase
        },
        "cycles_by_layer": _by_layer(steps, model.network),
        "peak_sram_bytes": memory.total,
        "sram": {
            "static_data": memory.static_data,
            "arena": memory.arena,
            "stack": memory.stack,
            "code": memory.code,
        },
        "sram_capacity_bytes": memory.capacity,
        "planned_arena_bytes": device.layout.size,
        "fits": memory.total <= memory.capacity,
        "bit_exact": True,  # any difference has raised before
        "final_state_sha256": device.model.state_hash(),
        "backbone_sha256": backbone.model.state_hash(),
        **task.record,
    }


def _mean_by_operation(steps: list[list[Checkpoint]], phase: Phase) -> dict[int, float]:
    """Mean cycles per image of each operation of one phase, by layer."""
    cycles: dict[int, float] = {}
    for checkpoint in (checkpoint for step in steps for checkpoint in step):
        if checkpoint.phase is phase:
            cycles.setdefault(checkpoint.layer, 0)
            cycles[checkpoint.layer] += checkpoint.cycles / len(steps)
    return cycles


def _by_layer(steps: list[list[Checkpoint]], network: Network) -> dict[str, dict[str, float]]:
    phases = {phase: _mean_by_operation(steps, phase) for phase in Phase}
    return {
        operation_name(network, index): {
            phase.name.lower(): cycles[index] for phase, cycles in phases.items() if index in cycles
        }
        for index in range(len(network.layers) + 1)
    }
