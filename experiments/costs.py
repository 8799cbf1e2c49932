"""What a training step costs on the device, with every tensor compared to the reference."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from experiments.backbone import Backbone
from experiments.device import Checkpoint, Device, Phase
from experiments.environment import environment
from experiments.image import permanent_tensors
from experiments.output import format_table
from experiments.simulator import simulated_pico
from experiments.train import starting_point
from experiments.transfer import Transfer
from kernels.methods import Method, method
from kernels.network import Network
from kernels.trainer import Trainer

BASELINE = "niti-static"


class MismatchError(RuntimeError):
    """The device and the reference disagree: the numbers of this run are void."""


def compared_methods() -> tuple[Method, ...]:
    """The rows of the cost table."""
    return (
        method("niti-dynamic"),
        method(BASELINE),
        method("priot"),
        method("priot-s", scored_fraction=0.2),
        method("priot-s", scored_fraction=0.1),
    )


class Comparison:
    """A model that is trained on the device and in the reference, in step, and compared.

    Raises:
        MismatchError: naming method, image, operation, tensor, index and both values.
    """

    def __init__(self, device: Device, reference: Trainer) -> None:
        self.device, self.reference = device, reference
        self.network = reference.model.network
        self._images = 0

    def step(self, image: NDArray[np.int8], label: int) -> list[Checkpoint]:
        """Train both on one image and compare each tensor right after it was written."""
        self._compare_model("before the step")
        self.reference.step(image, label)
        checkpoints = []
        for checkpoint in self.device.step_by_operation(image, label):
            self._compare_result(checkpoint)
            checkpoints.append(checkpoint)
        self._compare_model("after the step")
        self._images += 1
        return checkpoints

    def _compare_result(self, checkpoint: Checkpoint) -> None:
        index, reference = checkpoint.layer, self.reference
        where = f"{checkpoint.phase.name.lower()} of {operation_name(self.network, index)}"
        if checkpoint.phase is Phase.FORWARD:
            self._compare(where, "outputs", index, reference.outputs[index])
        elif checkpoint.phase is Phase.BACKWARD:
            if index > self.network.weighted[0]:
                self._compare(where, "output_error", index - 1, reference.errors[index - 1])
        else:
            trained = "scores" if reference.method.trains_scores else "weights"
            tensors = permanent_tensors(reference.model, reference.method, index)
            self._compare(where, trained, index, tensors[trained])

    def _compare_model(self, when: str) -> None:
        for index in self.network.weighted:
            tensors = permanent_tensors(self.reference.model, self.reference.method, index)
            for part, expected in tensors.items():
                self._compare(when, part, index, expected)

    def _compare(self, where: str, part: str, index: int, expected: NDArray[np.generic]) -> None:
        found = self.device.tensor(part, index, expected.dtype, expected.size)
        wrong = np.flatnonzero(found != expected.reshape(-1))
        if wrong.size:
            first = int(wrong[0])
            place = np.unravel_index(first, expected.shape)
            raise MismatchError(
                f"{self.reference.method.label}, image {self._images}, {where}: "
                f"{part} of {self.network.name_of(index)} "
                f"[{', '.join(str(int(axis)) for axis in place)}] is {found[first]} on the device "
                f"and {expected.reshape(-1)[first]} in the reference "
                f"({wrong.size:,} of {expected.size:,} values differ)"
            )


def operation_name(network: Network, index: int) -> str:
    """Name of the layer of a checkpoint; one past the last layer stands for the loss."""
    return "loss" if index == len(network.layers) else network.name_of(index)


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


def cost_table(records: list[dict[str, Any]]) -> str:
    """The table that ``priot costs`` prints: totals, memory, then cycles by layer."""
    clock = records[0]["clock_hz"] / 1e6
    count = records[0]["images"]
    return "\n\n".join(
        [
            f"Training step on {count} rotated image{'s' * (count > 1)}, "
            f"cycles in thousands, ms at {clock:g} MHz",
            _totals(records),
            f"Peak SRAM in bytes, of {records[0]['sram_capacity_bytes']:,}",
            _memory(records),
            "Thousand cycles per image by layer (forward / backward / update)",
            _layers(records),
        ]
    )


def _totals(records: list[dict[str, Any]]) -> str:
    header = (
        "method",
        "mean",
        "min",
        "max",
        "forward",
        "backward",
        "update",
        "ms",
        "ratio",
        "bit-exact",
    )
    rows = []
    for record in records:
        cycles, phases = record["cycles_per_image"], record["cycles_by_phase"]
        counts = [cycles["mean"], cycles["min"], cycles["max"], *phases.values()]
        rows.append(
            [
                record["label"],
                *(_thousands(count) for count in counts),
                f"{record['ms_per_image']:.1f}",
                f"{record['ratio_to_static_niti']:.3f}",
                "yes" if record["bit_exact"] else "NO",
            ]
        )
    return format_table(header, rows)


def _memory(records: list[dict[str, Any]]) -> str:
    header = ("method", "static data", "arena", "stack", "code", "total", "fits")
    rows = [
        [
            record["label"],
            *(f"{size:,}" for size in record["sram"].values()),
            f"{record['peak_sram_bytes']:,}",
            "yes" if record["fits"] else "NO",
        ]
        for record in records
    ]
    return format_table(header, rows)


def _layers(records: list[dict[str, Any]]) -> str:
    def cell(phases: dict[str, float]) -> str:
        return " / ".join(
            _thousands(phases[phase.name.lower()]) if phase.name.lower() in phases else "-"
            for phase in Phase
        )

    header = ["layer", *(record["label"] for record in records)]
    rows = [
        [layer, *(cell(record["cycles_by_layer"][layer]) for record in records)]
        for layer in records[0]["cycles_by_layer"]
    ]
    return format_table(header, rows)


def _thousands(cycles: float) -> str:
    return f"{cycles / 1000:,.1f}"


def flat_rows(records: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The records as rows of a CSV file: nested numbers become columns ``outer_inner``."""
    for record in records:
        yield dict(_flatten(record))


def _flatten(value: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, inner in value.items():
        name = f"{prefix}{key}".replace(" ", "_")
        if isinstance(inner, dict):
            yield from _flatten(inner, f"{name}_")
        else:
            yield name, inner
