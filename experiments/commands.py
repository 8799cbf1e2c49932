"""What each command of the command line does with its options."""

from __future__ import annotations

import math
import os
import re
from argparse import Namespace
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from priot.experiments.datasets.cifar10 import cifar10_files
from priot.experiments.datasets.cifar10_download import download_cifar10
from priot.experiments.datasets.mnist import Images, mnist_files, mnist_sample_files
from priot.experiments.datasets.mnist_download import download_mnist
from priot.experiments.datasets.transfer import transfer_task
from priot.experiments.device.comparison import MismatchError
from priot.experiments.device.cost_table import cost_table, flat_rows, placement_of
from priot.experiments.device.costs import measure_costs
from priot.experiments.device.host import DeviceError
from priot.experiments.device.placement import DEFAULT, Placement
from priot.experiments.device.purpose import Purpose
from priot.experiments.device.simulator import SHIPPED, trainer_elf
from priot.experiments.device.variants import ON_ONE_CORE, Variant
from priot.experiments.environment import environment
from priot.experiments.errors import UserError
from priot.experiments.files import Files
from priot.experiments.floating.options import float_backbone
from priot.experiments.floating.quantisation import Quantisation
from priot.experiments.output import (
    StandardOutput,
    format_table,
    write_csv,
    write_figure,
    write_json,
)
from priot.experiments.pretraining.backbone import (
    Backbone,
    backbone_files,
    load_backbone,
    save_backbone,
    untrained_backbone,
    weights_of,
)
from priot.experiments.pretraining.defaults import KINDS, Pretraining, kind_of
from priot.experiments.pretraining.networks import description_of, network_of
from priot.experiments.pretraining.pretrain import Plan
from priot.experiments.pretraining.pretrain import pretrain as run_pretraining
from priot.experiments.progress import ProgressBar
from priot.experiments.sweeps.store import RunStore
from priot.experiments.sweeps.sweep import Run, run_on_backbones
from priot.experiments.sweeps.workers import Workers
from priot.experiments.training.configuration import (
    Configuration,
    method_setting_names,
    read_backbones,
    read_sweep,
    read_table,
    setting_names,
)
from priot.experiments.training.inputs import Inputs, load_images, load_inputs
from priot.experiments.training.learners import learner_on
from priot.experiments.training.train import accuracy_by_epoch, measured_epochs
from priot.experiments.training.train import train as run_training
from priot.kernels.errors import KernelError
from priot.kernels.methods import Method
from priot.kernels.model import Initial
from priot.kernels.network import Network
from priot.plots.costs import draw_costs
from priot.plots.style import FORMATS
from priot.sim import Contention, Fault, SimError

VOID_RESULTS: tuple[type[Exception], ...] = (MismatchError, DeviceError, Fault)
EXPECTED_ERRORS = (UserError, KernelError, SimError, MismatchError, DeviceError)


def implied_files(options: Namespace) -> Files:
    """What a command reads and writes beside the files that its options name."""
    given = vars(options)
    read: list[Path | None] = [*SHIPPED, *mnist_sample_files()]
    written: list[Path] = []
    if "backbone" in given:
        read += backbone_files(options.backbone)
    if given.get("network") is not None:
        read.append(description_of(options.network))
    if "data" in given:
        with suppress(RuntimeError):  # without a home folder there is no default one for data
            read += [*mnist_files(options.data), *cifar10_files(options.data)]
    if "out" in given:
        written.append(weights_of(options.out))
    return Files([path for path in read if path is not None], written)


def costs(options: Namespace) -> None:
    """``priot costs``: print the cost table, write what was asked for."""
    clock_hz = clock_hz_of(options)
    check_figure(options)
    check_variant(options)
    methods = methods_of(options)
    backbone = _backbone(options)
    variants = variants_of(options)
    placements = placements_of(options)
    task = transfer_task(_transfer_source(options), options.angle, options.images, 0, options.seed)
    records = measure_costs(
        *(backbone, task, clock_hz, options.seed, options.elf, variants, placements, methods),
        *(purpose_of(options), Contention(options.contention)),
    )
    print(cost_table(records))
    if options.json is not None:
        write_json(options.json, records)
    if options.csv is not None:
        write_csv(options.csv, list(flat_rows(records)))
    if options.figure is not None:
        shown = [_with_placement(record) for record in records]
        write_figure(options.figure, lambda path: draw_costs(shown, path))


def methods_of(options: Namespace) -> tuple[Method, ...] | None:
    """The one that is described; None without a description."""
    described = {name: getattr(options, name) for name in method_setting_names()}
    if all(value is None for value in described.values()):
        return None
    return (Configuration.from_json(described).method,)


def purpose_of(options: Namespace) -> Purpose:
    """Predictions with --predict, else training."""
    return Purpose.PREDICTION if options.predict else Purpose.TRAINING


def variants_of(options: Namespace) -> tuple[Variant, ...]:
    """Those for one core, or what --variant names; that for two beside fast, its measure."""
    if options.variant is None:
        return ON_ONE_CORE
    variant = Variant(options.variant)
    return (Variant.FAST, variant) if variant.cores > 1 else (variant,)


def _backbone(options: Namespace) -> Backbone:
    """A trained one, or random weights of the network that --network names."""
    if options.network is None:
        return load_backbone(options.backbone)
    if options.backbone is not None:
        raise UserError(
            "--network stands for random weights, --backbone for trained ones: give one"
        )
    check_seed(options.seed)
    return untrained_backbone(network_of(options.network), options.seed)


def placements_of(options: Namespace) -> list[Placement]:
    """What --placement names, once or several times; the default without it."""
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
    configuration = configuration_of(options)
    inputs = load_inputs(
        configuration.dataset, options.data, options.backbone, configuration.network
    )
    configuration = inputs.fitted(configuration)
    check_variant(options)
    if options.backend == "reference" and (options.elf or options.variant):
        raise UserError("--elf and --variant choose what runs with --backend pico: add it")
    variant = Variant(options.variant or Variant.FAST)
    placement = _training_placement(options, configuration.method)
    on_device = options.backend == "pico"
    made_with = environment((options.elf or trainer_elf(variant, placement)) if on_device else None)
    with ProgressBar(
        configuration.epochs * configuration.images, "images", label=configuration.method.label
    ) as progress:
        record = run_training(
            configuration,
            inputs,
            learner_on(options.backend, options.elf, variant, placement),
            progress.update,
        )
    accuracy = zip(measured_epochs(record), accuracy_by_epoch(record), strict=True)
    rows = [[str(epoch), f"{percent:.2f}"] for epoch, percent in accuracy]
    print(format_table(("epoch", "test accuracy %"), rows))
    if options.json is not None:
        ours = on_device and options.elf is None
        trained_by = {
            "backend": options.backend,
            "variant": str(variant) if ours else None,
            "placement": placement.settings if ours else None,
        }
        write_json(options.json, record | trained_by | {"environment": made_with})


def _training_placement(options: Namespace, of_method: Method) -> Placement:
    """What --placement names, if it makes a difference to the run and suits its method."""
    if options.placement is None:
        return DEFAULT
    if options.backend != "pico":
        raise UserError("--placement says what lies where on the device: add --backend pico")
    if options.elf is not None:
        raise UserError("--placement is for the builds that ship: leave out --elf")
    placement = Placement.parse(options.placement)
    placement.check(of_method)
    return placement


def configuration_of(options: Namespace) -> Configuration:
    """The run that the options describe, and a TOML file where they are silent."""
    described = {} if options.config is None else read_table(options.config)
    for name, value in described.items():
        if isinstance(value, list):
            raise UserError(
                f"{options.config}: {name} is a list; priot sweep carries out many runs"
            )
    described.setdefault("dataset", _default_dataset(options))
    for name in setting_names():
        if getattr(options, name, None) is not None:
            described[name] = getattr(options, name)
    return Configuration.from_json(described)


def sweep(options: Namespace) -> None:
    """``priot sweep``: all runs that a TOML file describes."""
    defaults = {} if options.data is None else {"dataset": "mnist"}
    configurations = read_sweep(options.config, defaults, options.most_runs)
    datasets = {configuration.dataset for configuration in configurations}
    if len(datasets) > 1:
        raise UserError(f"{options.config}: {len(datasets)} datasets; make a sweep of each")
    backbones = read_backbones(options.config)
    if options.backbone is not None:
        if backbones != [None]:
            raise UserError(f"{options.config} and --backbone name backbones: leave one out")
        backbones = [options.backbone]
    # A network that differs is told by run_on_backbones, as are all that do not fit.
    network = configurations[0].network
    source = load_images(datasets.pop(), options.data)
    inputs = {str(name): Inputs(load_backbone(name, network), source) for name in backbones}
    runs = [Run(name, configuration) for name in inputs for configuration in configurations]
    workers = Workers(options.jobs, options.dask)
    records = run_on_backbones(runs, inputs, RunStore(options.runs), workers)
    varied = [
        name
        for name in setting_names()
        if len({configuration.to_json().get(name) for configuration in configurations}) > 1
    ]
    rows = [
        ({"backbone": run.backbone} if len(inputs) > 1 else {})
        | {name: record["configuration"].get(name, "") for name in varied}
        | {"final": accuracy_by_epoch(record)[-1], "best": max(accuracy_by_epoch(record))}
        for run, record in zip(runs, records, strict=True)
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
    check_seed(options.seed)
    kind = _pretraining_of(options)
    network = network_of(options.network or kind.network)
    if options.out.suffix != ".json":
        raise UserError(f"--out {options.out}: the record's name must end in .json")
    if options.threads is not None and options.threads < 1:
        raise UserError(f"--threads {options.threads}: take 1 or more")
    if options.images is not None:
        kind = replace(kind, images=options.images)
    make = float_backbone if kind.quantisation else _integer_backbone
    backbone = make(options, network, kind)
    save_backbone(options.out, backbone)
    rows = [
        [str(line["epoch"]), f"{line['test_accuracy']:.2f}"] for line in backbone.record["history"]
    ]
    print(format_table(("epoch", "upright test accuracy %"), rows))
    if options.json is not None:
        write_json(options.json, backbone.record)


def _integer_backbone(options: Namespace, network: Network, kind: Pretraining) -> Backbone:
    if options.quantisation is not None:
        raise UserError(
            "--quantisation makes int8 of float32 weights, and integers are trained here: add "
            "--arithmetic float32, or leave it out"
        )
    schedule = kind.schedule if options.schedule is None else _schedule(options.schedule)
    batch = kind.batch if options.batch is None else options.batch
    initial = kind.initial if options.initial is None else Initial.named(options.initial)
    plan = Plan(schedule, options.seed, batch, initial, kind.augmented)
    return run_pretraining(
        network,
        kind.training_images(options.data),
        kind.test(options.data),
        plan,
        options.checkpoint,
        options.threads or os.cpu_count() or 1,
    )


def _pretraining_of(options: Namespace) -> Pretraining:
    """The kind that --kind names, else the first of --dataset; trained in --arithmetic."""
    name = options.kind or kind_of(options.dataset or "mnist")
    if name not in KINDS:
        raise UserError(f"--kind {name}: choose from {', '.join(KINDS)}")
    kind = KINDS[name]
    if options.dataset not in (None, kind.dataset):
        raise UserError(f"--kind {name} is trained on {kind.dataset}: leave out --dataset")
    if options.arithmetic == "integer":
        return replace(kind, quantisation=None)
    if options.arithmetic == "float32":
        return replace(kind, quantisation=kind.quantisation or Quantisation.MIN_MAX)
    return kind


def download(options: Namespace) -> None:
    """``priot download``: fetch a data set and check it."""
    fetch = download_mnist if options.dataset == "mnist" else download_cifar10
    print(fetch(options.data))


def _transfer_source(options: Namespace) -> Images:
    """The images of the transfer task: the embedded sample, or those that the options name."""
    if not math.isfinite(options.angle):
        raise UserError(f"--angle {options.angle}: name a finite number of degrees")
    check_seed(options.seed)
    return load_images(options.dataset or _default_dataset(options), options.data)


def _default_dataset(options: Namespace) -> str:
    return "mnist-sample" if options.data is None else "mnist"


def clock_hz_of(options: Namespace) -> int:
    """What --clock names, in Hz. Raises UserError outside 1..1000 MHz."""
    megahertz: float = options.clock
    if not 1 <= megahertz <= 1000:
        raise UserError(f"--clock {megahertz:g}: the clock is given in MHz, 1..1000")
    return round(megahertz * 1e6)


def check_figure(options: Namespace) -> None:
    """Refuse a figure of an unknown format."""
    if options.figure is None or isinstance(options.figure, StandardOutput):
        return
    if options.figure.suffix not in FORMATS:
        raise UserError(
            f"--figure {options.figure}: the name must end in one of {', '.join(FORMATS)}"
        )


def check_variant(options: Namespace) -> None:
    """Refuse two builds of the trainer."""
    if options.elf is not None and options.variant is not None:
        raise UserError("--elf and --variant name a build of the trainer each: leave one out")


def check_seed(seed: int) -> None:
    """Refuse a negative seed."""
    if seed < 0:
        raise UserError(f"--seed {seed}: a seed is 0 or more")


def _schedule(text: str) -> tuple[int, ...]:
    """ "3x2,1" is 3,3,1."""
    steps = [re.fullmatch(r"(\d+)(?:x([1-9]\d*))?", step.strip()) for step in text.split(",")]
    if not all(steps):
        raise UserError(f"--schedule {text}: give bits per epoch, such as 3,2,1 or 3x2,1")
    return tuple(int(step[1]) for step in steps if step for _ in range(int(step[2] or 1)))
