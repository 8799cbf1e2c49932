"""The commands that make the paper's tables and figures."""

from __future__ import annotations

import math
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from priot.experiments.commands import EXPECTED_ERRORS as EXPECTED_ERRORS
from priot.experiments.commands import VOID_RESULTS as VOID_RESULTS
from priot.experiments.commands import clock_hz_of
from priot.experiments.commands import implied_files as implied_in_any
from priot.experiments.datasets.cifar10 import cifar10
from priot.experiments.device.cost_table import placement_of
from priot.experiments.environment import write_record
from priot.experiments.errors import UserError
from priot.experiments.files import Files, RunsFile
from priot.experiments.output import format_table, write_json
from priot.experiments.paper import accuracy as table_1
from priot.experiments.paper import costs as cost_table
from priot.experiments.paper import device as truth
from priot.experiments.paper import history as figure_3
from priot.experiments.paper import overflow as figure_2
from priot.experiments.paper import tradeoff as tradeoff_map
from priot.experiments.paper import widest as vgg11_on_a_pico
from priot.experiments.paper.artefact import Artefact, paths_of
from priot.experiments.paper.chosen import load_settings
from priot.experiments.paper.effort import EFFORTS
from priot.experiments.paper.laboratory import Laboratory
from priot.experiments.paper.protocol import NETWORKS, Scope, scope_of
from priot.experiments.paper.tradeoff_query import (
    Limits,
    commands_for,
    described,
    front_table,
    most_accurate,
)
from priot.experiments.paper.tuning import common_bits, search
from priot.experiments.sweeps.store import RunStore
from priot.experiments.sweeps.workers import Workers
from priot.experiments.training.inputs import load_inputs

EXPERIMENTS: dict[str, Callable[..., Artefact]] = {
    "costs": cost_table.costs,
    "accuracy": table_1.accuracy,
    "history": figure_3.history,
    "overflow": figure_2.overflow,
    "device": truth.device,
    "tradeoff": tradeoff_map.tradeoff,
}
"""What makes each artefact, by its name, from a Laboratory and settings of its own."""


def implied_files(options: Namespace) -> Files:
    """What a command reads and writes beside the files that its options name."""
    return Files(implied_in_any(options).read, _written(options))


def _written(options: Namespace) -> list[Path]:
    folder = _folder(options)
    if options.command == "widest":
        return [path for name in vgg11_on_a_pico.NAMES for path in paths_of(name, folder)]
    runs: list[Path] = [] if options.runs else [_runs_file(options)]
    if options.command == "tune":
        return runs
    names = tuple(EXPERIMENTS) if options.command == "paper" else (options.command,)
    network = _scope(options).network
    return [*runs, *(path for name in names for path in paths_of(name, folder, network))]


def accuracy(options: Namespace) -> None:
    """``priot accuracy``: Table 1."""
    made = _make(options, "accuracy")
    print(accuracy_table(made.rows))


def history(options: Namespace) -> None:
    """``priot history``: Figure 3."""
    _make(options, "history")


def overflow(options: Namespace) -> None:
    """``priot overflow``: Figure 2."""
    made = _make(options, "overflow")
    columns = ("panel", "epoch", "images", "accuracy", "saturated")
    rows = [[str(row[column]) for column in columns] for row in made.rows]
    print(format_table(columns, rows))


def device(options: Namespace) -> None:
    """``priot device``: complete runs in the emulator, compared with the reference."""
    made = _make(options, "device")
    labels = list(dict.fromkeys(row["label"] for row in made.rows))
    epochs = sorted({row["epoch"] for row in made.rows})
    cells = {(row["label"], row["epoch"]): f"{row['test_accuracy']:.2f}" for row in made.rows}
    rows = [[label, *(cells[label, epoch] for epoch in epochs)] for label in labels]
    print(format_table(["epoch", *map(str, epochs)], rows))


def tradeoff(options: Namespace) -> None:
    """``priot tradeoff``: the front of memory, time and accuracy, or the best within limits."""
    clock_hz = clock_hz_of(options)
    if not math.isfinite(options.angle):
        raise UserError(f"--angle {options.angle}: name a finite number of degrees")
    limits = Limits(options.sram_kb, options.ms)
    made = _make(options, "tradeoff", angle=options.angle, clock_hz=clock_hz)
    if not limits:
        print(front_table(made.rows))
        return
    best = most_accurate(made.rows, limits)
    print(f"The most accurate in {limits}: {described(best)}")
    for line in commands_for(best, _scope(options), options.data, options.backbone):
        print(line)


def paper(options: Namespace) -> None:
    """``priot paper``: everything, the table of costs as well.

    Of a network that no Pico can train, what takes no Pico.
    """
    on_pico = _scope(options).on_pico
    if on_pico:
        _make(options, "costs")
    accuracy(options)
    history(options)
    overflow(options)
    if on_pico:
        _make(options, "tradeoff")
        device(options)


def widest(options: Namespace) -> None:
    """``priot widest``: the plan of VGG11 by width, and a step of the widest in the emulator."""
    folder = _folder(options)
    source = cifar10(options.data, "test")  # first, since a plan without its step is half of it
    planned, found = vgg11_on_a_pico.plan()
    print(planned.caption)
    print("wrote", ", ".join(map(str, planned.write(folder))))
    stepped = vgg11_on_a_pico.steps(found, source)
    print(stepped.caption)
    print("wrote", ", ".join(map(str, stepped.write(folder))))
    print(step_table(stepped.record["methods"]))


def tune(options: Namespace) -> None:
    """``priot tune``: the search for the settings that the other commands use."""
    network = _scope(options).network
    effort = EFFORTS[network]
    workers = Workers(options.jobs, options.dask)
    inputs = load_inputs(effort.dataset, options.data, options.backbone, network)
    store = RunStore(_runs_file(options))
    bits = common_bits(inputs, store, workers, effort)
    common = max(bits, key=lambda one: bits[one])
    found = search(inputs, store, workers, effort, common)
    rows = [
        [name, angle, *(f"{key} {value}" for key, value in best.items())]
        for name, of_variant in found.items()
        for angle, best in of_variant["best"].items()
    ]
    print(f"common learning-rate bits: {common}")
    for row in rows:
        print("  ".join(row))
    settings = {
        "common_learning_rate_bits": common,
        "best": {name: of_variant.pop("best") for name, of_variant in found.items()},
        **inputs.hashes,
    }
    if options.settings is not None:
        write_json(options.settings, settings)
    if options.json is not None:
        searched = {
            "accuracy_by_common_bits": {str(one): round(mean, 3) for one, mean in bits.items()},
            "tried": found,
            "runs": len(store.records),
            "computing_seconds": round(sum(store.seconds.values())),
            "data": inputs.source.origin,
        }
        write_record(options.json, settings | searched)


def accuracy_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Final accuracy by method and angle, one block per comparison."""
    angles = sorted({row["angle"] for row in rows})
    blocks = []
    for comparison, title in table_1.COMPARISONS.items():
        lines: dict[str, dict[float, str]] = {}
        for row in rows:
            if row["comparison"] == comparison:
                cell = f"{row['final_mean']:.2f} ± {row['final_std']:.2f}"
                if row["collapsed_share"]:
                    cell += f" ({row['collapsed_share']:g} % collapsed)"
                lines.setdefault(table_1.label_of(row), {})[row["angle"]] = cell
        body = [[label, *(cells[angle] for angle in angles)] for label, cells in lines.items()]
        blocks.append(format_table([title, *(f"{angle:g}°" for angle in angles)], body))
    return "\n\n".join(blocks)


def step_table(records: Sequence[Mapping[str, Any]]) -> str:
    """Memory and time of one step of each network."""
    header = ("network", "method", "placement", "variant", "SRAM", "flash", "cycles", "ms")
    rows = [
        [
            *(record["network"], record["label"], placement_of(record), record["variant"]),
            *(f"{record[size]:,}" for size in ("peak_sram_bytes", "flash_bytes")),
            f"{record['cycles_per_image']['mean']:,.0f}",
            f"{record['ms_per_image']:,.0f}",
        ]
        for record in records
    ]
    return format_table(header, rows)


def _scope(options: Namespace) -> Scope:
    return scope_of(options.network, options.dataset, options.quick)


def _make(options: Namespace, name: str, **settings: Any) -> Artefact:
    """Carry out one of EXPERIMENTS, write what it gives, and say where."""
    scope = _scope(options)
    workers = Workers(options.jobs, options.dask)
    chosen = load_settings(scope.network, options.settings)
    store = RunStore(_runs_file(options))
    inputs = load_inputs(scope.dataset, options.data, options.backbone, scope.network)
    made = EXPERIMENTS[name](Laboratory(scope, chosen, inputs, store, workers), **settings)
    written = made.write(_folder(options))
    print(made.caption)
    print("wrote", ", ".join(map(str, written)))
    return made


def _folder(options: Namespace) -> Path:
    """Where artefacts go."""
    default = Path("out/quick" if getattr(options, "quick", False) else "results")
    folder: Path = getattr(options, "results", None) or default
    return folder


def _runs_file(options: Namespace) -> RunsFile:
    """Where finished runs are kept."""
    scope = _scope(options)
    name = scope.dataset
    if options.command == "tune":
        name = "tuning" if scope.network == NETWORKS[0] else f"tuning_{scope.network}"
    return options.runs or RunsFile(_folder(options) / "runs" / f"{name}.jsonl")
