"""What a training step costs on the device, with every tensor compared to the reference."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from experiments.datasets.transfer import Transfer
from experiments.device.comparison import Comparison, MismatchError, operation_name
from experiments.device.host import Checkpoint, Device, Phase
from experiments.device.layout import Layout, lay_out
from experiments.device.placement import DEFAULT, Memory, Placement
from experiments.device.simulator import (
    check_place,
    code_of,
    flash_bytes_of,
    simulated_pico,
    trainer_elf,
    variant_of,
)
from experiments.device.variants import ON_ONE_CORE, Variant
from experiments.environment import environment
from experiments.errors import UserError
from experiments.pretraining.backbone import Backbone
from experiments.training.train import starting_point
from kernels.methods import Method, method
from kernels.model import with_scores
from kernels.network import Network
from kernels.trainer import Trainer
from sim import Contention, Pico

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
    backbone: Backbone,
    task: Transfer,
    clock_hz: int,
    seed: int,
    elf: Path | None = None,
    variants: Sequence[Variant] = ON_ONE_CORE,
    placements: Sequence[Placement] = (DEFAULT,),
    contention: Contention = Contention.BANKS,
) -> list[dict[str, Any]]:
    """One record per method, placement and variant: cycles and peak memory of a step.

    The step's images are the task's; means are over them. A method for which a placement is
    impossible has no record of it.

    Args:
        elf: another build of the trainer, which is measured alone.
        variants: of the builds that ship.
        placements: what lies where.
        contention: what two cores cost each other on the bus.

    Raises:
        MismatchError: at the first difference between device and reference.
        UserError: when a method's image does not fit the device, or ``elf`` is given and a
            placement has code in flash, or two cores were to share the cache of flash.
    """
    if elf is not None:
        if any(placement.code is Memory.FLASH for placement in placements):
            raise UserError(f"{elf}: a build lies where it was linked for: leave out code=flash")
        pico = simulated_pico(elf)
        variants = (variant_of(pico),)
        placements = [replace(placement, code=code_of(pico)) for placement in placements]
    for variant in variants:
        for placement in placements:
            check_place(variant, placement)
    runs = _runs(placements, variants)
    with tqdm(total=len(runs) * len(task.labels), unit=" images", disable=None, leave=False) as bar:
        records = []
        for settings, placement, variant in runs:
            bar.set_description(f"{settings.label}, {placement}, {variant}")
            pico = simulated_pico(elf, variant, placement, contention)
            record = _measure(backbone, settings, placement, task, clock_hz, seed, pico, bar)
            made_with = environment(elf or trainer_elf(variant, placement))
            met = str(contention) if variant.cores > 1 else None
            records.append(record | {"contention": met, "environment": made_with})
    for record in records:
        record["ratio_to_static_niti"] = _ratio(
            record, records, ("variant",), lambda other: other["method"] == BASELINE
        )
        for variant in ON_ONE_CORE:
            record[f"ratio_to_{variant}"] = _ratio(
                record,
                records,
                ("label", "placement"),
                lambda other, variant=variant: other["variant"] == variant,  # type: ignore[misc]
            )
    return records


def planned_layouts(
    backbone: Backbone, seed: int, variants: Sequence[Variant], placements: Sequence[Placement]
) -> list[Layout]:
    """What ``measure_costs`` would lay out for its rows; nothing runs."""
    return [
        lay_out(with_scores(backbone.model, settings, seed), settings, variant, placement)
        for settings, placement, variant in _runs(placements, variants)
    ]


def _runs(
    placements: Sequence[Placement], variants: Sequence[Variant]
) -> list[tuple[Method, Placement, Variant]]:
    """The rows of the cost table: what is possible, placements of a method one below the other."""
    return [
        (settings, placement, variant)
        for settings in compared_methods()
        for placement in placements
        if placement.suits(settings)
        for variant in variants
    ]


def _ratio(
    record: dict[str, Any],
    records: list[dict[str, Any]],
    same: Sequence[str],
    is_baseline: Callable[[dict[str, Any]], bool],
) -> float | None:
    """Mean cycles over those of the first baseline with the ``same`` keys; None without one."""
    for other in records:
        if all(other[key] == record[key] for key in same) and is_baseline(other):
            mean: float = record["cycles_per_image"]["mean"]
            return mean / float(other["cycles_per_image"]["mean"])
    return None


def _measure(
    backbone: Backbone,
    settings: Method,
    placement: Placement,
    task: Transfer,
    clock_hz: int,
    seed: int,
    pico: Pico,
    bar: tqdm[Any],
) -> dict[str, Any]:
    model, scales = starting_point(backbone, settings, task, seed)
    variant = variant_of(pico)
    device = Device(pico, model, settings, scales, variant, placement)
    before, waited = pico.xip, pico.bus_stalls
    comparison = Comparison(device, Trainer(model.copy(), settings, scales))
    steps = []
    for image, label in zip(task.images, task.labels, strict=True):
        steps.append(comparison.step(image, int(label)))
        bar.update()
    totals = [sum(checkpoint.cycles for checkpoint in step) for step in steps]
    mean = sum(totals) / len(totals)
    by_layer = _by_layer(steps, model.network)
    accesses, misses, stalls = (
        (getattr(pico.xip, count) - getattr(before, count)) / len(steps)
        for count in ("accesses", "misses", "stall_cycles")
    )
    flash = {"code": flash_bytes_of(pico), "weights": device.layout.flash.size}
    memory = pico.memory_use()
    if memory.arena > device.layout.size:
        raise MismatchError(
            f"{settings.label}, {variant}: the run touched {memory.arena:,} bytes of the arena, "
            f"but the plan has {device.layout.size:,}"
        )
    return {
        "method": settings.name,
        "label": settings.label,
        "variant": str(variant),
        "placement": placement.settings,
        "scored_fraction": settings.scored_fraction,
        "settings": settings.settings(),
        "clock_hz": clock_hz,
        "cycles_per_image": {"mean": mean, "min": min(totals), "max": max(totals)},
        "ms_per_image": 1000 * mean / clock_hz,
        "cycles_by_phase": {
            phase.name.lower(): sum(_mean_by_operation(steps, phase).values()) for phase in Phase
        },
        "cycles_by_layer": by_layer,
        "cycles_per_mac": _per_mac(by_layer, model.network),
        "peak_sram_bytes": memory.total,
        "sram": {
            "static_data": memory.static_data,
            "arena": memory.arena,
            "stack": memory.stack,
            "code": memory.code,
        },
        "sram_capacity_bytes": memory.capacity,
        "planned_arena_bytes": device.layout.size,
        "flash_bytes": sum(flash.values()),
        "flash": flash,
        "xip_per_image": {
            "accesses": accesses,
            "misses": misses,
            "stall_cycles": stalls,
            "miss_rate": misses / accesses if accesses else None,
        },
        "cores": variant.cores,
        "bus_stalls_per_image": {
            f"core {core}": (now - then) / len(steps)
            for core, (now, then) in enumerate(zip(pico.bus_stalls, waited, strict=True))
        },
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


def _per_mac(
    by_layer: dict[str, dict[str, float]], network: Network
) -> dict[str, dict[str, float]]:
    """Cycles of each pass of a layer with weights, over the multiply-accumulates of that pass.

    They are those of the sums as written, zeros, padding and pruned edges included: each weight
    meets one activation or error at every place of its output.
    """
    per_mac = {}
    for index in network.weighted:
        places = math.prod(network.output_shape_of(index)[1:])
        products = math.prod(network.weight_shape_of(index)) * places
        name = operation_name(network, index)
        per_mac[name] = {
            phase: cycles / products
            for phase, cycles in by_layer[name].items()
            if phase != "backward" or index > network.weighted[0]
        }
    return per_mac
