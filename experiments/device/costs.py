"""What a training step costs on the device, with every tensor compared to the reference."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from priot.experiments.datasets.transfer import Transfer
from priot.experiments.device.comparison import Comparison, MismatchError, operation_name
from priot.experiments.device.host import Checkpoint, Device, Phase
from priot.experiments.device.layout import Layout, lay_out
from priot.experiments.device.placement import DEFAULT, Placement
from priot.experiments.device.purpose import Purpose
from priot.experiments.device.simulator import (
    as_built,
    check_place,
    flash_bytes_of,
    is_possible,
    simulated_pico,
    trainer_elf,
    variant_of,
)
from priot.experiments.device.variants import ON_ONE_CORE, Variant
from priot.experiments.environment import environment
from priot.experiments.errors import UserError
from priot.experiments.pretraining.backbone import Backbone
from priot.experiments.progress import ProgressBar
from priot.experiments.records.costs import (
    CacheModel,
    Costs,
    Cycles,
    DataSet,
    FlashBytes,
    FlashReads,
    SramBytes,
    StepCosts,
    Steps,
)
from priot.experiments.training.start import scored_model, starting_point
from priot.kernels.methods import TRAINED_LAYERS, Method, method
from priot.kernels.network import Network
from priot.kernels.trainer import Trainer
from priot.sim import Contention, MemoryUse, Pico, XipStatistics

BASELINE = method("niti-static")


@dataclass(frozen=True)
class Setup:
    """How a training step, or a prediction, is carried out on the device."""

    method: Method
    placement: Placement = DEFAULT
    variant: Variant = Variant.PLAIN
    purpose: Purpose = Purpose.TRAINING


def possible_setups(
    methods: Sequence[Method],
    placements: Sequence[Placement],
    variants: Sequence[Variant],
    purpose: Purpose = Purpose.TRAINING,
) -> list[Setup]:
    """Every combination that is possible, placements of a method one below the other."""
    return [
        Setup(settings, placement, variant, purpose)
        for settings in methods
        for placement in placements
        if placement.suits(settings, purpose)
        for variant in variants
        if is_possible(variant, placement, purpose)
    ]


def compared_methods() -> tuple[Method, ...]:
    """The methods of the cost table."""
    return (
        *(method("niti-dynamic", trained_layers=layers) for layers in TRAINED_LAYERS),
        *(method("niti-static", trained_layers=layers) for layers in TRAINED_LAYERS),
        method("priot"),
        method("priot-ternary"),
        method("priot-s", scored_fraction=0.2),
        method("priot-s", scored_fraction=0.1),
    )


@dataclass(frozen=True)
class Rows:
    """The rows of a cost table: every combination that is possible."""

    methods: Sequence[Method] | None = None
    """None stands for ``compared_methods``."""
    placements: Sequence[Placement] = (DEFAULT,)
    variants: Sequence[Variant] = ON_ONE_CORE
    """Of the builds that ship."""
    purpose: Purpose = Purpose.TRAINING

    def of_build(self, elf: Path) -> Rows:
        """The same of another build of the trainer, which says itself what it is.

        Raises:
            UserError: when a placement has its code in flash.
        """
        pico = simulated_pico(elf)
        placements = [as_built(placement, pico) for placement in self.placements]
        return replace(self, placements=placements, variants=(variant_of(pico),))

    def setups(self) -> list[Setup]:
        """All of them.

        Raises:
            UserError: when there is none, or a variant for two cores cannot do what is asked for.
        """
        for variant in self.variants:
            for placement in self.placements:
                check_place(variant, placement, self.purpose)
        methods = self.methods or compared_methods()
        setups = possible_setups(methods, self.placements, self.variants, self.purpose)
        if not setups:
            raise UserError("none of these methods can have such a placement")
        return setups


def measure_costs(
    backbone: Backbone,
    task: Transfer,
    clock_hz: int,
    seed: int,
    rows: Rows = Rows(),
    elf: Path | None = None,
    contention: Contention = Contention.BANKS,
) -> list[Costs]:
    """One record per method, placement and variant: cycles and peak memory of a step.

    The step's images are the task's; means are over them. A method for which a placement is
    impossible has no record of it. For predictions, each model is trained on these images first.

    Args:
        elf: another build of the trainer, which is measured alone.
        contention: what two cores cost each other on the bus.

    Raises:
        MismatchError: at the first difference between device and reference.
        UserError: when a method's image does not fit the device, no placement is possible,
            ``elf`` is given and a placement has code in flash, or a variant for two cores cannot
            do what is asked for.
    """
    setups = (rows if elf is None else rows.of_build(elf)).setups()
    total = len(setups) * len(task.labels)
    with ProgressBar(total, "images") as bar:
        records = []
        for setup in setups:
            bar.describe(f"{setup.method.label}, {setup.placement}, {setup.variant}")
            records.append(measure(backbone, setup, task, seed, elf, contention, bar.update))
    return [_compared(record, records, clock_hz) for record in records]


def _compared(record: StepCosts, records: Sequence[StepCosts], clock_hz: int) -> Costs:
    """A record beside the others."""

    def among(*same: str, **baseline: str) -> float | None:
        """Mean cycles over those of the first baseline with the ``same`` fields; None: no such."""
        for other in records:
            if all(getattr(other, name) == getattr(record, name) for name in same) and all(
                getattr(other, name) == value for name, value in baseline.items()
            ):
                return record.cycles_per_image.mean / other.cycles_per_image.mean
        return None

    return Costs(
        **vars(record),
        clock_hz=clock_hz,
        ms_per_image=milliseconds(record, clock_hz),
        ratio_to_niti_static=among("variant", label=BASELINE.label),
        ratio_to_plain=among("label", "placement", variant=Variant.PLAIN),
        ratio_to_fast=among("label", "placement", variant=Variant.FAST),
    )


def planned_layout(backbone: Backbone, setup: Setup, task: Transfer, seed: int) -> Layout:
    """What ``measure`` would lay out; nothing runs on the device."""
    model = scored_model(backbone, setup.method, task, seed)
    return lay_out(model, setup.method, setup.variant, setup.placement, setup.purpose)


def milliseconds(record: Steps, clock_hz: int) -> float:
    """Of an image, at a clock."""
    return 1000 * record.cycles_per_image.mean / clock_hz


def measure(
    backbone: Backbone,
    setup: Setup,
    task: Transfer,
    seed: int,
    elf: Path | None = None,
    contention: Contention = Contention.BANKS,
    report: Callable[[int], object] = lambda images: None,
) -> StepCosts:
    """The record of a training step: cycles and peak memory, whatever the clock.

    Args:
        elf: another build of the trainer than the one that ships for the setup.
        contention: what two cores cost each other on the bus.
        report: called with the number of images done since the last call.

    Raises:
        MismatchError: at the first difference between device and reference.
        UserError: when the image does not fit the device.
    """
    settings, placement, variant = setup.method, setup.placement, setup.variant
    model, scales = starting_point(backbone, settings, task, seed)
    if setup.purpose is Purpose.PREDICTION:
        order = np.arange(len(task.labels))
        Trainer(model, settings, scales).train(task.images, task.labels, order)
    pico = simulated_pico(elf, variant, placement, setup.purpose, contention)
    device = Device(pico, model, settings, scales, variant, placement, setup.purpose)
    comparison = Comparison(device, Trainer(model.copy(), settings, scales))
    record = measure_steps(comparison, pico, task.images, task.labels, report)
    return StepCosts(
        **vars(record),
        contention=str(contention) if variant.cores > 1 else None,
        trained_backbone=backbone.trained,
        backbone_sha256=backbone.model.state_hash(),
        **task.record | {"data": DataSet(**task.record["data"])},
        environment=environment(elf or trainer_elf(variant, placement, setup.purpose)),
    )


def measure_steps(
    comparison: Comparison,
    pico: Pico,
    images: NDArray[np.int8],
    labels: NDArray[np.uint8],
    report: Callable[[int], object],
) -> Steps:
    """Run on images (N,C,H,W) with labels (N,), and record what a step, or a prediction, costs.

    The record has no times: ``milliseconds`` tells them.

    Args:
        comparison: of a device on ``pico`` with the reference.
        report: called with the number of images done since the last call.

    Raises:
        MismatchError: at the first difference, or where the run touches more than was planned.
    """
    before, waited = pico.xip, pico.bus_stalls
    predicts = comparison.device.layout.purpose is Purpose.PREDICTION
    steps = []
    for image, label in zip(images, labels, strict=True):
        steps.append(comparison.predict(image) if predicts else comparison.step(image, int(label)))
        report(1)
    layout = comparison.device.layout
    memory = pico.memory_use()
    if memory.arena > layout.size:
        raise MismatchError(
            f"{layout.method.label}, {layout.variant}: the run touched {memory.arena:,} bytes of "
            f"the arena, but the plan has {layout.size:,}"
        )
    return Steps(
        **_subject(layout),
        **_cycles(steps, layout),
        **_sram(memory, layout),
        **_flash(pico, before, len(steps), layout),
        cores=layout.variant.cores,
        bus_stalls_per_image={
            f"core {core}": (now - then) / len(steps)
            for core, (now, then) in enumerate(zip(pico.bus_stalls, waited, strict=True))
        },
        fits=memory.total <= memory.capacity,
        bit_exact=True,  # any difference has raised before
        final_state_sha256=comparison.device.model.state_hash(),
    )


def _subject(layout: Layout) -> dict[str, Any]:
    """What was measured."""
    settings = layout.method
    return {
        "method": settings.name,
        "label": settings.label,
        "purpose": str(layout.purpose),
        "network": layout.network.name,
        "variant": str(layout.variant),
        "placement": str(layout.placement),
        "scored_fraction": settings.scored_fraction,
        "settings": settings.settings(),
    }


def _cycles(steps: list[list[Checkpoint]], layout: Layout) -> dict[str, Any]:
    """Cycles per image, by phase, and by layer."""
    network = layout.network
    totals = [sum(checkpoint.cycles for checkpoint in step) for step in steps]
    by_layer = _by_layer(steps, network)
    first = layout.method.trained_of(network)[0]
    return {
        "cycles_per_image": Cycles(sum(totals) / len(totals), min(totals), max(totals)),
        "cycles_by_phase": {
            phase.name.lower(): sum(_mean_by_operation(steps, phase).values()) for phase in Phase
        },
        "cycles_by_layer": by_layer,
        "cycles_per_mac": _per_mac(by_layer, network, first),
    }


def _sram(memory: MemoryUse, layout: Layout) -> dict[str, Any]:
    """Bytes of SRAM that were touched, and those that were planned."""
    return {
        "peak_sram_bytes": memory.total,
        "sram": SramBytes(memory.static_data, memory.arena, memory.stack, memory.code),
        "sram_capacity_bytes": memory.capacity,
        "planned_arena_bytes": layout.size,
    }


def _flash(pico: Pico, before: XipStatistics, steps: int, layout: Layout) -> dict[str, Any]:
    """Bytes of flash, and what was read of it per image since ``before``."""
    flash = FlashBytes(flash_bytes_of(pico.program), layout.flash.size)
    accesses, misses, stalls = (
        (now - then) / steps
        for now, then in (
            (pico.xip.accesses, before.accesses),
            (pico.xip.misses, before.misses),
            (pico.xip.stall_cycles, before.stall_cycles),
        )
    )
    return {
        "flash_bytes": flash.code + flash.weights,
        "flash": flash,
        "xip_per_image": FlashReads(
            accesses, misses, stalls, misses / accesses if accesses else None
        ),
        "xip_model": None if pico.xip_model is None else CacheModel(**asdict(pico.xip_model)),
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
    by_layer: dict[str, dict[str, float]], network: Network, first: int
) -> dict[str, dict[str, float]]:
    """Cycles of each pass of a layer with weights, over the multiply-accumulates of that pass.

    They are those of the sums as written, zeros, padding and pruned edges included: each weight
    meets one activation or error at every place of its output. Nothing is passed back by layer
    ``first``, the first that is trained.
    """
    per_mac = {}
    for index in network.weighted:
        places = math.prod(network.output_shape_of(index)[1:])
        products = math.prod(network.weight_shape_of(index)) * places
        name = operation_name(network, index)
        per_mac[name] = {
            phase: cycles / products
            for phase, cycles in by_layer[name].items()
            if phase != "backward" or index > first
        }
    return per_mac
