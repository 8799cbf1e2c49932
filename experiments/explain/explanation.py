"""The record of ``priot explain``: the first steps of a run, measured on the simulated Pico."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from priot.experiments.device.comparison import Comparison
from priot.experiments.device.costs import measure_steps, milliseconds
from priot.experiments.device.host import Device
from priot.experiments.device.placement import Placement
from priot.experiments.device.simulator import variant_of
from priot.experiments.errors import UserError
from priot.experiments.explain.energy import Supply
from priot.experiments.explain.hot_lines import hot_lines
from priot.experiments.explain.memory_map import memory_map
from priot.experiments.records.costs import Steps, TimedSteps
from priot.experiments.records.explanation import Cycles, Explanation
from priot.experiments.training.configuration import Configuration
from priot.experiments.training.inputs import Inputs
from priot.experiments.training.train import TrainingSession
from priot.kernels.trainer import Trainer
from priot.sim import Pico


@dataclass(frozen=True)
class Measurement:
    """How the first steps of a run are measured."""

    pico: Pico
    """Reset, with a build of the trainer loaded."""
    placement: Placement
    """Of the image's parts; its code is where the build has it."""
    steps: int
    """Of the first epoch, in its order."""
    clock_hz: int
    """What seconds are counted with."""
    supply: Supply


def explain(
    configuration: Configuration,
    inputs: Inputs,
    measured: Measurement,
    report: Callable[[int], object] = lambda images: None,
) -> Explanation:
    """Carry out the first steps of a run, compare every tensor, and tell what they cost and where.

    docs/explain.md tells the record's fields.

    Args:
        report: called with the number of images done since the last call.

    Raises:
        MismatchError: at the first difference between device and reference.
        UserError: when an epoch has fewer steps, or the configuration or placement is impossible.
    """
    pico, steps, clock_hz = measured.pico, measured.steps, measured.clock_hz
    session = TrainingSession(configuration, inputs)
    if not 1 <= steps <= len(session.task.labels):
        raise UserError(
            f"--images {steps}: the run has steps on {len(session.task.labels):,} images; "
            "measure 1 of them or more"
        )
    method, scales, model = configuration.method, session.scales, session.learner.model
    device = Device(pico, model, method, scales, variant_of(pico), measured.placement)
    comparison = Comparison(device, Trainer(model.copy(), method, scales))
    order = session.order_of(1)[:steps]
    before, start = pico.profile(), pico.cycles
    costs = measure_steps(
        comparison, pico, session.task.images[order], session.task.labels[order], report
    )
    profile = pico.profile().since(before)
    cycles = (pico.cycles - start) / steps
    operations = _operations(costs, cycles)
    idle = cycles - sum(operation["cycles"] for operation in operations)
    return Explanation(
        configuration=session.configuration.to_json(),
        data=inputs.source.origin,
        backbone_sha256=inputs.hashes["backbone_sha256"],
        data_sha256=inputs.hashes["data_sha256"],
        steps=steps,
        cycles_per_step=cycles,
        operations=tuple(operations),
        return_to_host=Cycles(idle, idle / cycles),
        costs=TimedSteps(
            **vars(costs), clock_hz=clock_hz, ms_per_image=milliseconds(costs, clock_hz)
        ),
        memory_map=memory_map(device.layout, pico, [row["name"] for row in operations]),
        profile_cycles=profile.total,
        lines=tuple(hot_lines(profile)),
        waits=profile.waits,
        energy=measured.supply.estimate(cycles, clock_hz),
    )


def _operations(costs: Steps, cycles: float) -> list[dict[str, Any]]:
    """The operations of a step in their order, with mean cycles and their share of ``cycles``."""
    by_layer = costs.cycles_by_layer
    *layers, loss = by_layer
    order = [
        *((layer, "forward") for layer in layers),
        (loss, "backward"),
        *((layer, way) for layer in reversed(layers) for way in ("backward", "update")),
    ]
    return [
        {
            "name": loss if layer == loss else f"{layer} {way}",
            "layer": layer,
            "pass": "loss" if layer == loss else way,
            "cycles": by_layer[layer][way],
            "share": by_layer[layer][way] / cycles,
            "cycles_per_mac": costs.cycles_per_mac.get(layer, {}).get(way),
        }
        for layer, way in order
        if way in by_layer[layer]
    ]
