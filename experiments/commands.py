"""What each command of the command line does with its options."""

from __future__ import annotations

import json
import math
from argparse import Namespace
from pathlib import Path
from typing import Any

from tqdm import tqdm

import firmware_elf
from experiments.datasets.cifar10_download import download_cifar10
from experiments.datasets.mnist import Images, mnist, mnist_sample
from experiments.datasets.mnist_download import download_mnist
from experiments.datasets.transfer import transfer_task
from experiments.device.comparison import MismatchError
from experiments.device.cost_table import cost_table, flat_rows, placement_of
from experiments.device.costs import measure_costs, planned_layouts
from experiments.device.host import DeviceError
from experiments.device.placement import Placement
from experiments.device.plan_table import plan_table
from experiments.device.variants import ON_ONE_CORE, Variant
from experiments.environment import environment
from experiments.errors import UserError
from experiments.output import check_writable, format_table, write_csv, write_json
from experiments.pretraining.backbone import load_backbone, save_backbone
from experiments.pretraining.defaults import PRETRAININGS
from experiments.pretraining.networks import NAMED
from experiments.pretraining.pretrain import Plan
from experiments.pretraining.pretrain import pretrain as run_pretraining
from experiments.sweeps.store import RunStore
from experiments.sweeps.sweep import Workers, run_sweep
from experiments.training.configuration import Configuration, read_sweep, read_table, setting_names
from experiments.training.inputs import load_inputs
from experiments.training.learners import learner_on
from experiments.training.train import accuracy_by_epoch
from experiments.training.train import train as run_training
from kernels.errors import KernelError
from kernels.network import Network
from plots.costs import draw_costs
from plots.style import FORMATS
from sim import Contention, Fault, SimError

VOID_RESULTS: tuple[type[Exception], ...] = (MismatchError, DeviceError, Fault)
EXPECTED_ERRORS = (UserError, KernelError, SimError, MismatchError, DeviceError)


def costs(options: Namespace) -> None:
    """``priot costs``: print the cost table, write what was asked for."""
    if not 1 <= options.clock <= 1000:
        raise UserError(f"--clock {options.clock:g}: the clock is given in MHz, 1..1000")
    if options.figure is not None and options.figure.suffix not in FORMATS:
        raise UserError(
            f"--figure {options.figure}: the name must end in one of {', '.join(FORMATS)}"
        )
    _check_variant(options)
    if options.plan and any((options.json, options.csv, options.figure, options.elf)):
        raise UserError("--plan prints a plan and measures nothing: leave out --json and the like")
    check_writable(options.json, options.csv, options.figure)
    backbone = load_backbone(options.backbone)
    variants = _variants_of_costs(options)
    placements = _placements(options)
    if options.plan:
        _check_seed(options.seed)
        layouts = planned_layouts(backbone, options.seed, variants, placements)
        print("\n\n".join(plan_table(layout) for layout in layouts))
        return
    task = transfer_task(_transfer_source(options), options.angle, options.images, 0, options.seed)
    clock_hz = round(options.clock * 1e6)
    records = measure_costs(
        backbone,
        task,
        clock_hz,
        options.seed,
        options.elf,
        variants,
        placements,
        Contention(options.contention),
    )
    print(cost_table(records))
    if options.json is not None:
        write_json(options.json, records)
    if options.csv is not None:
        write_csv(options.csv, list(flat_rows(records)))
    if options.figure is not None:
        draw_costs([_with_placement(record) for record in records], options.figure)


def _variants_of_costs(options: Namespace) -> tuple[Variant, ...]:
    """Both for one core, or the one that was asked for; that for two beside fast, its measure."""
    if options.variant is None:
        return ON_ONE_CORE
    variant = Variant(options.variant)
    return (Variant.FAST, variant) if variant.cores > 1 else (variant,)


def _placements(options: Namespace) -> list[Placement]:
    placements = [Placement.parse(text) for text in options.placement or ("default",)]
    for placement in placements:
        if placements.count(placement) > 1:
            raise UserError(f"--placement {placement} is given twice")
    return placements


def _with_placement(record: dict[str, Any]) -> dict[str, Any]:
    """The record with its placement in the label, for a figure that has no other room for it."""
    placement = placement_of(record)
    told = "" if placement == "default" else f", {placement}"
    return record | {"label": record["label"] + told}


def train(options: Namespace) -> None:
    """``priot train``: one run, with the accuracy after each epoch."""
    check_writable(options.json)
    configuration = _configuration(options)
    inputs = load_inputs(configuration.dataset, options.data, options.backbone)
    configuration = inputs.fitted(configuration)
    _check_variant(options)
    variant = Variant(options.variant or Variant.FAST)
    made_with = environment(options.elf or firmware_elf.TRAINERS[variant])
    with tqdm(
        total=configuration.epochs * configuration.images,
        desc=configuration.method.label,
        unit=" images",
        disable=None,
    ) as bar:
        record = run_training(
            configuration,
            inputs,
            learner_on(options.backend, options.elf, variant),
            bar.update,
        )
    accuracy = enumerate(accuracy_by_epoch(record))
    rows = [[str(epoch), f"{percent:.2f}"] for epoch, percent in accuracy]
    print(format_table(("epoch", "test accuracy %"), rows))
    if options.json is not None:
        ours = options.backend == "pico" and options.elf is None
        trained_by = {"backend": options.backend, "variant": str(variant) if ours else None}
        write_json(options.json, record | trained_by | {"environment": made_with})


def _configuration(options: Namespace) -> Configuration:
    """The run that the options describe, and a TOML file where they are silent."""
    described = {} if options.config is None else read_table(options.config)
    for name, value in described.items():
        if isinstance(value, list):
            raise UserError(
                f"{options.config}: {name} is a list; priot sweep carries out many runs"
            )
    if options.data is not None:
        described.setdefault("dataset", "mnist")
    for name in setting_names():
        if getattr(options, name, None) is not None:
            described[name] = getattr(options, name)
    return Configuration.from_json(described)


def sweep(options: Namespace) -> None:
    """``priot sweep``: all runs that a TOML file describes."""
    check_writable(options.json, options.csv)
    defaults = {} if options.data is None else {"dataset": "mnist"}
    configurations = read_sweep(options.config, defaults)
    datasets = {configuration.dataset for configuration in configurations}
    if len(datasets) > 1:
        raise UserError(f"{options.config}: {len(datasets)} datasets; make a sweep of each")
    inputs = load_inputs(datasets.pop(), options.data, options.backbone)
    workers = Workers(options.jobs, options.dask)
    records = run_sweep(configurations, inputs, RunStore(options.runs), workers)
    varied = [
        name
        for name in setting_names()
        if len({configuration.to_json().get(name) for configuration in configurations}) > 1
    ]
    rows = [
        {name: record["configuration"].get(name, "") for name in varied}
        | {"final": accuracy_by_epoch(record)[-1], "best": max(accuracy_by_epoch(record))}
        for record in records
    ]
    lines = [
        [f"{v:.2f}" if k in ("final", "best") else str(v) for k, v in row.items()] for row in rows
    ]
    print(format_table([name.replace("_", " ") for name in rows[0]], lines))
    if options.json is not None:
        write_json(options.json, records)
    if options.csv is not None:
        write_csv(options.csv, rows)


def pretrain(options: Namespace) -> None:
    """``priot pretrain``: make a backbone from a full training set."""
    _check_seed(options.seed)
    defaults = PRETRAININGS[options.dataset]
    schedule = defaults.schedule if options.schedule is None else _schedule(options.schedule)
    network = _network(options.network or defaults.network)
    if options.out.suffix != ".json" and not options.out.is_dir():
        raise UserError(f"--out {options.out}: the record's name must end in .json")
    check_writable(options.out, options.out.with_suffix(".npz"), options.json, options.checkpoint)
    if options.threads < 1:
        raise UserError(f"--threads {options.threads}: take 1 or more")
    batch = defaults.batch if options.batch is None else options.batch
    plan = Plan(schedule, options.seed, batch, defaults.initial, defaults.augmented)
    backbone = run_pretraining(
        network,
        defaults.training(options.data),
        defaults.test(options.data),
        plan,
        options.checkpoint,
        options.threads,
    )
    save_backbone(options.out, backbone)
    rows = [
        [str(line["epoch"]), f"{line['test_accuracy']:.2f}"] for line in backbone.record["history"]
    ]
    print(format_table(("epoch", "upright test accuracy %"), rows))
    if options.json is not None:
        write_json(options.json, backbone.record)


def download(options: Namespace) -> None:
    """``priot download``: fetch a data set and check it."""
    fetch = download_mnist if options.dataset == "mnist" else download_cifar10
    print(fetch(options.data))


def _transfer_source(options: Namespace) -> Images:
    """The images of the transfer task: MNIST's test images, or the embedded sample."""
    if not math.isfinite(options.angle):
        raise UserError(f"--angle {options.angle}: name a finite number of degrees")
    _check_seed(options.seed)
    return mnist_sample() if options.data is None else mnist(options.data, "test")


def _check_variant(options: Namespace) -> None:
    if options.elf is not None and options.variant is not None:
        raise UserError("--elf and --variant name a build of the trainer each: leave one out")


def _check_seed(seed: int) -> None:
    if seed < 0:
        raise UserError(f"--seed {seed}: a seed is 0 or more")


def _schedule(text: str) -> tuple[int, ...]:
    """ "3x2,1" is 3,3,1."""
    try:
        steps = [(*step.split("x"), "1")[:2] for step in text.split(",")]
        return tuple(int(bits) for bits, epochs in steps for _ in range(int(epochs)))
    except ValueError as error:
        raise UserError(f"--schedule {text}: give bits per epoch, such as 3,2,1") from error


def _network(name: str) -> Network:
    return NAMED[name]() if name in NAMED else _read_network(Path(name))


def _read_network(path: Path) -> Network:
    try:
        return Network.from_json(json.loads(path.read_text()))
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read ({error.strerror}); name a description of a network (.json)"
        ) from error
    except ValueError as error:
        raise UserError(f"{path}: {error}") from error
