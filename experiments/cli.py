"""The command line: ``priot COMMAND``; ``main`` is the entry point."""

from __future__ import annotations

import argparse
import importlib
import math
import os
import sys
from _thread import interrupt_main
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from threading import Timer
from typing import Any, NoReturn

from priot.experiments.clock import RATED_MHZ
from priot.experiments.files import (
    InputFile,
    check_files,
    input_or_dash,
    output_file,
    output_or_dash,
    results_on_output,
    runs_file,
)
from priot.experiments.limits import SWEEP_RUNS
from priot.experiments.output import STANDARD_OUTPUT
from priot.experiments.standard_streams import give_up_output, open_closed_streams, reason_of
from priot.sim.limits import FILES_MEGABYTES, OUTPUT_MEGABYTES

# Modules of commands that are not in priot.experiments.commands.
_PAPER = (
    *("accuracy", "history", "overflow", "tradeoff", "device", "paper"),
    *("widest", "tune"),
)
_MODULES = {
    "run": "priot.experiments.run",
    "diff": "priot.experiments.run",
    "explain": "priot.experiments.explain.commands",
    "plan": "priot.experiments.device.commands",
    "study": "priot.experiments.study.commands",
} | dict.fromkeys(_PAPER, "priot.experiments.paper.commands")
_PLACES = "what lies where: weights=flash, code=flash, edges=bitmap, or default"


class _Once(argparse.Action):
    """An option that is there once: of two values one would be ignored in silence."""

    _given = False

    def __call__(self, parser: Any, namespace: Any, values: Any, option: str | None = None) -> None:
        if self._given and option is not None:
            raise argparse.ArgumentError(self, "is given twice; leave one out")
        self._given = True
        super().__call__(parser, namespace, values, option)


class _StoreOnce(_Once, argparse._StoreAction):
    pass


class _TrueOnce(_Once, argparse._StoreTrueAction):
    pass


class _Parser(argparse.ArgumentParser):
    """Errors in one line, like those of every command; an option twice is one of them."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.register("action", None, _StoreOnce)
        self.register("action", "store_true", _TrueOnce)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code.

    0: done; 1: the result is void (device and reference differ, or the firmware faulted); 2: bad
    input, told in one line; 130: interrupted; 141: nobody reads the output. ``priot run`` ends
    with the program's own code, 124 after a timeout, 139 after a fault.
    """
    open_closed_streams()
    options = _parser().parse_args(arguments)
    # Before NumPy is loaded: runs and batches are what goes to several cores, not single products.
    for library in ("OPENBLAS", "OMP"):  # OpenMP's threads are PyTorch's
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    try:
        with _interrupts_heard():
            return _carry_out(options)
    except BrokenPipeError:
        # The reader has gone, as in `priot costs | head`: nothing is left to say.
        give_up_output()
        return 141
    except OSError as error:
        if options.debug:
            raise
        give_up_output()
        print(f"priot: {reason_of(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as interrupt:
        print("; ".join(["priot: interrupted", *map(str, interrupt.args)]), file=sys.stderr)
        return 130


@contextmanager
def _interrupts_heard() -> Iterator[None]:
    """Within it Ctrl-C counts although it came in a destructor or in a callback from C.

    Python only tells of what is raised there.
    """
    tell = sys.unraisablehook

    def again(raised: Any) -> None:
        if isinstance(raised.exc_value, KeyboardInterrupt):
            Timer(0.05, interrupt_main).start()  # in here it would be lost once more
        else:
            tell(raised)

    sys.unraisablehook = again
    try:
        yield
    finally:
        sys.unraisablehook = tell


def _carry_out(options: argparse.Namespace) -> int:
    # Imported here, since that compiles: --help answers at once, and compiling is announced.
    from priot.experiments.compilation import announced_compilation

    with announced_compilation(), _tables_aside(options):
        commands = importlib.import_module(
            _MODULES.get(options.command, "priot.experiments.commands")
        )
        try:
            check_files(options, commands.implied_files(options))
            code: int | None = getattr(commands, options.command)(options)
            sys.stdout.flush()
        except commands.EXPECTED_ERRORS as error:
            if options.debug:
                raise
            print(f"priot: {error}", file=sys.stderr)
            return 1 if isinstance(error, commands.VOID_RESULTS) else 2
    return code or 0


@contextmanager
def _tables_aside(options: argparse.Namespace) -> Iterator[None]:
    """Where a result has the standard output to itself, what is told beside it goes to the other.

    ``priot run`` tells nothing of its own there.
    """
    if options.command == "run" or not results_on_output(options):
        yield
        return
    with redirect_stdout(sys.stderr):
        yield


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="priot", description="Integer-only training on a simulated Pico.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    common = _Parser(add_help=False)
    common.add_argument("--debug", action="store_true", help="show the traceback of an error")
    common.add_argument(
        "--json",
        type=output_or_dash,
        metavar="FILE",
        help="write the record as JSON; - is stdout",
    )

    costs = commands.add_parser(
        "costs",
        parents=[
            *(common, _task_options(angle=30.0, seed=0)),
            *(_method_options(), _clock_option(), _row_options()),
        ],
        help="cycles and peak memory of every method",
        description="Trains every method on the simulated Pico and in the reference, compares "
        "every tensor after every operation, and reports cycles and peak memory. With --method, of "
        "that one alone.",
    )
    costs.add_argument("--images", type=int, default=8, metavar="N", help="to train on (8)")
    costs.add_argument("--csv", type=output_or_dash, metavar="FILE", help="write the table as CSV")
    costs.add_argument(
        "--network",
        metavar="NAME",
        help="instead of a backbone: random weights of tiny-cnn, vgg11-WIDTH, or a described one",
    )
    costs.add_argument(
        "--figure", type=output_or_dash, metavar="FILE", help="draw the table (.pdf, .png or .svg)"
    )
    costs.add_argument(
        "--contention",
        choices=("banks", "none", "one-bank"),
        default="banks",
        help="what both cores cost each other: a wait where they meet at one port of the bus "
        "(banks), nothing, or a wait for all that is simultaneous",
    )

    plan = commands.add_parser(
        "plan",
        parents=[common, _method_options(), _row_options()],
        help="what each method would need in SRAM and flash",
        description="Lays out a training step of a network by every method and placement and tells "
        "what it would need, without running it.",
    )
    plan.add_argument(
        "--network",
        default="tiny-cnn",
        metavar="NAME",
        help="tiny-cnn, vgg11, vgg11-WIDTH (1..64), or a file that describes a network (tiny-cnn)",
    )
    plan.add_argument("--csv", type=output_or_dash, metavar="FILE", help="write the table as CSV")
    plan.add_argument(
        "--buffers",
        action="store_true",
        help="print where every buffer lies, and when it is needed",
    )
    plan.add_argument(
        "--widths",
        action="store_true",
        help="vgg11 at every width, from the narrowest to the first that never fits a Pico",
    )
    plan.add_argument("--variant", choices=("plain", "fast"), help="a build of the trainer (both)")
    plan.add_argument("--seed", type=int, default=0, help="of the scored edges (0)")

    train = commands.add_parser(
        "train",
        parents=[
            *(common, _task_options(angle=None, seed=None)),
            *(_method_options(), _run_settings()),
        ],
        help="one training run",
        description="Trains one method on rotated images and reports the accuracy on others "
        "after each epoch.",
    )
    train.add_argument(
        "--config",
        type=InputFile,
        metavar="FILE",
        help="settings in TOML; an option goes before its setting",
    )
    train.add_argument(
        "--backend",
        choices=("pico", "reference"),
        default="reference",
        help="where to train: both give the same numbers (reference)",
    )
    train.add_argument(
        "--placement",
        metavar="NAME=PLACE,...",
        help=f"on the Pico, {_PLACES}",
    )
    train.add_argument("--images", type=int, metavar="N", help="to train on (1024)")
    train.add_argument("--network", choices=("tiny-cnn", "vgg11"), help="whose backbone (tiny-cnn)")

    sweep = commands.add_parser(
        "sweep",
        parents=[common, _run_options()],
        help="many training runs",
        description="Carries out every run that a TOML file describes, where a list of values "
        "stands for one run with each. Finished runs are kept: a sweep that was interrupted goes "
        "on where it stood.",
    )
    sweep.add_argument("config", type=InputFile, metavar="FILE", help="settings in TOML")
    sweep.add_argument("--csv", type=output_or_dash, metavar="FILE", help="write the table as CSV")
    sweep.add_argument(
        "--runs",
        type=runs_file,
        default="runs.jsonl",
        metavar="FILE",
        help="(runs.jsonl)",
    )
    sweep.add_argument(
        "--most-runs",
        type=int,
        default=SWEEP_RUNS,
        metavar="N",
        help=f"refuse a file that stands for more ({SWEEP_RUNS})",
    )

    _add_explain(commands, common)
    _add_pretrain(commands, common)
    _add_paper(commands)
    _add_run(commands)
    _add_diff(commands)

    download = commands.add_parser(
        "download",
        parents=[common],
        help="fetch full MNIST or CIFAR-10",
        description="Downloads MNIST's four files, or CIFAR-10, and checks that they are the "
        "published ones.",
    )
    download.add_argument(
        "--dataset", choices=("mnist", "cifar10"), default="mnist", help="(mnist)"
    )
    download.add_argument("data", type=Path, nargs="?", metavar="DIR", help="where to")
    return parser


def _add_explain(commands: argparse._SubParsersAction[_Parser], common: _Parser) -> None:
    task = _task_options(angle=None, seed=None)
    explain = commands.add_parser(
        "explain",
        parents=[common, task, _method_options(), _run_settings(), _clock_option()],
        help="one page about one configuration",
        description="Carries out the first steps of a run on the simulated Pico and in the "
        "reference, compares every tensor, and tells where cycles and memory went: by layer and "
        "pass, by buffer and by source line, with an estimate of the energy.",
    )
    explain.add_argument(
        "config",
        type=InputFile,
        nargs="?",
        metavar="CONFIG",
        help="settings in TOML, as for priot train; an option goes before its setting",
    )
    explain.add_argument(
        "--images", dest="steps", type=int, default=8, metavar="N", help="steps to measure (8)"
    )
    explain.add_argument(
        "--placement",
        default="default",
        metavar="NAME=PLACE,...",
        help=_PLACES,
    )
    explain.add_argument("--volts", type=float, metavar="V", help="of the supply (1.1, the core's)")
    explain.add_argument(
        "--milliamps",
        type=float,
        metavar="MA",
        help="drawn while the core runs (10.9 at 48 MHz, in proportion to the clock)",
    )
    explain.add_argument(
        "--figure",
        type=output_or_dash,
        metavar="FILE",
        help="draw the memory map (.pdf, .png or .svg)",
    )


def _add_pretrain(commands: argparse._SubParsersAction[_Parser], common: _Parser) -> None:
    pretrain = commands.add_parser(
        "pretrain",
        parents=[common],
        help="make a backbone",
        description="Trains a network on upright training images with dynamic-scale NITI, or in "
        "float32 with PyTorch: on MNIST's less the embedded sample, or on CIFAR-10's, shifted and "
        "mirrored. The record goes to --out, the int8 weights beside it.",
    )
    pretrain.add_argument(
        "--dataset", choices=("mnist", "cifar10"), help="what to train on (mnist)"
    )
    pretrain.add_argument(
        "--kind",
        metavar="NAME",
        help="what the other options are by default: integer-uniform, integer-normal, few-images, "
        "short, float32-minmax, float32-percentile, lenet or vgg11 (the first that fits the data)",
    )
    pretrain.add_argument("--data", type=Path, metavar="DIR", help="folder with the data's files")
    pretrain.add_argument(
        "--out", type=output_file, required=True, metavar="FILE", help="record to write (.json)"
    )
    pretrain.add_argument(
        "--network",
        metavar="NAME",
        help="tiny-cnn, lenet, vgg11, or a file that describes a network (the kind's)",
    )
    pretrain.add_argument(
        "--initial",
        choices=("glorot", "glorot-normal", "he"),
        help="how first weights are drawn (the kind's)",
    )
    pretrain.add_argument("--images", type=int, metavar="N", help="the first N to train on (all)")
    pretrain.add_argument(
        "--arithmetic",
        choices=("integer", "float32"),
        help="what is trained in: float32 needs PyTorch (the kind's: integer)",
    )
    pretrain.add_argument(
        "--quantisation",
        choices=("min-max", "percentile"),
        help="of float32 weights: all of a layer fit into int8, or 99 %% of them (the kind's)",
    )
    pretrain.add_argument(
        "--schedule",
        metavar="B,B,...",
        help="learning-rate bits of each epoch; BxE is E epochs of B (3x2,2x2,1x2); in "
        "float32 learning rates (0.001x4,0.0003x3,0.0001x3)",
    )
    pretrain.add_argument(
        "--batch", type=int, metavar="N", help="images of one update (1; 64; in float32 64; 128)"
    )
    pretrain.add_argument("--seed", type=int, default=0, help="of weights and order (0)")
    pretrain.add_argument(
        "--checkpoint",
        type=output_file,
        metavar="FILE",
        help="go on from here after an interruption",
    )
    pretrain.add_argument("--threads", type=int, metavar="N", help="(one per core; in float32 1)")


def _task_options(angle: float | None, seed: int | None) -> _Parser:
    """Options of a transfer task, with the defaults that a command needs."""
    options = _Parser(add_help=False)
    options.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="folder with the data's files (default: embedded sample)",
    )
    options.add_argument(
        "--dataset",
        choices=("mnist-sample", "mnist", "cifar10-sample", "cifar10"),
        help="(mnist-sample; mnist with --data)",
    )
    options.add_argument("--angle", type=float, default=angle, help="rotation in degrees (30)")
    options.add_argument("--seed", type=int, default=seed, help="of images, scores and order (0)")
    options.add_argument(
        "--backbone", type=InputFile, metavar="FILE", help="record of another backbone (.json)"
    )
    options.add_argument(
        "--elf", type=InputFile, metavar="FILE", help="another build of the trainer"
    )
    options.add_argument(
        "--variant",
        choices=("plain", "fast", "dual"),
        help="the build of the trainer (costs: plain and fast; train, explain: fast); dual takes "
        "both cores",
    )
    return options


def _row_options() -> _Parser:
    """Options that choose the rows of a table about the device."""
    options = _Parser(add_help=False)
    options.add_argument(
        "--predict", action="store_true", help="predictions after training instead of training"
    )
    options.add_argument(
        "--placement",
        action="append",
        metavar="NAME=PLACE,...",
        help=f"{_PLACES}, and scores=mask with --predict; may be given several times (costs: "
        "default; plan: all). Methods for which one is impossible are left out of it.",
    )
    return options


def _run_settings() -> _Parser:
    """Settings of one run beside its method's and its task's; ``configuration_of`` reads all."""
    options = _Parser(add_help=False)
    options.add_argument("--epochs", type=int, metavar="E", help="(10)")
    options.add_argument(
        "--learning-rate-schedule",
        metavar="B,B,...",
        help="learning-rate bits of equal parts of the epochs, instead of the same in all",
    )
    options.add_argument(
        "--measure-every", type=int, metavar="E", help="epochs between two measurements (1)"
    )
    options.add_argument(
        "--test-images", type=int, metavar="N", help="to measure accuracy on (all others)"
    )
    options.add_argument(
        "--calibration",
        help="rule for static scales: rotated or upright, each also with -headroom (the default), "
        "-all, -largest, -smallest, -p90, -p90-gradients, or -largest-forward, -errors, -gradients",
    )
    options.add_argument(
        "--calibration-images", type=int, metavar="N", help="that static scales come from (64)"
    )
    options.add_argument(
        "--logit-headroom", type=int, metavar="B", help="bits added to the shift of the logits (0)"
    )
    return options


def _clock_option() -> _Parser:
    options = _Parser(add_help=False)
    options.add_argument(
        "--clock", type=float, default=RATED_MHZ, metavar="MHZ", help="in MHz (133)"
    )
    return options


def _method_options() -> _Parser:
    """Options that describe a method."""
    options = _Parser(add_help=False)
    options.add_argument(
        "--method", help="niti-dynamic, niti-static, priot, priot-ternary or priot-s"
    )
    options.add_argument(
        "--learning-rate-bits", type=int, metavar="B", help="bits of an update, 0..7"
    )
    options.add_argument("--threshold", type=int, help="score from which an edge is kept")
    options.add_argument(
        "--double-threshold", type=int, help="score from which an edge counts twice (priot-ternary)"
    )
    options.add_argument("--score-spread", type=int, help="standard deviation of the first scores")
    options.add_argument(
        "--scored-fraction", type=float, help="share of edges with a score (priot-s)"
    )
    options.add_argument(
        "--selection", help="how scored edges are chosen (priot-s): random, magnitude or gradient"
    )
    options.add_argument(
        "--trained-layers",
        metavar="LAYERS",
        help="which layers niti-dynamic and niti-static train: all (default), dense or last",
    )
    options.add_argument("--rounding", help="pseudo-stochastic (default) or nearest")
    return options


def _run_options() -> _Parser:
    """Options of every command that carries out many runs."""
    options = _Parser(add_help=False)
    options.add_argument("--data", type=Path, metavar="DIR", help="folder with the data's files")
    options.add_argument(
        "--backbone", type=InputFile, metavar="FILE", help="record of another backbone (.json)"
    )
    options.add_argument(
        "--jobs", type=int, default=-1, metavar="N", help="processes (one per core)"
    )
    options.add_argument(
        "--dask", metavar="ADDRESS", help="run on the Dask cluster with this scheduler"
    )
    return options


def _reproduction_options() -> _Parser:
    """Options that choose what is trained on what; each follows from the other."""
    options = _Parser(add_help=False)
    options.add_argument("--network", choices=("tiny-cnn", "vgg11"), help="(tiny-cnn)")
    options.add_argument(
        "--dataset", choices=("mnist", "cifar10"), help="(mnist; cifar10 with vgg11)"
    )
    return options


def _add_paper(commands: argparse._SubParsersAction[_Parser]) -> None:
    debug = _Parser(add_help=False)
    debug.add_argument("--debug", action="store_true", help="show the traceback of an error")
    parents = [debug, _run_options()]
    on_both = [*parents, _reproduction_options()]
    for name, told, more in (
        ("accuracy", "Table 1", "The accuracy of every method at every angle."),
        ("history", "Figure 3", "Accuracy by epoch."),
        ("overflow", "Figure 2", "Logits of static NITI in the epoch in which accuracy drops."),
        ("paper", "everything", "All tables and figures."),
    ):
        _add_artefact(commands, on_both, name, told, more)
    truth = "Complete runs in the emulator, equal to the reference's."
    device = _add_artefact(commands, parents, "device", "the truth", truth)
    device.set_defaults(network=None, dataset=None)
    _add_study(commands, debug)
    _add_tradeoff(commands, parents).set_defaults(network=None, dataset=None)
    widest = commands.add_parser(
        "widest",
        parents=[debug],
        help="the widest VGG11 that a Pico can train",
        description="Plans VGG11 by every method at full width and by PRIOT-S at every width, and "
        "runs one training step of the widest that fits. Writes both tables with their records.",
    )
    widest.add_argument("--data", type=Path, metavar="DIR", help="folder with CIFAR-10's files")
    widest.add_argument("--results", type=Path, metavar="DIR", help="(results)")
    tune = commands.add_parser(
        "tune",
        parents=on_both,
        help="search the settings that these use",
        description="Searches each method's settings with equal effort, on training images alone: "
        "on MNIST's embedded sample, or on a sample of CIFAR-10's.",
    )
    tune.set_defaults(quick=False)
    tune.add_argument("--runs", type=runs_file, metavar="FILE", help="(results/runs/tuning*.jsonl)")
    tune.add_argument("--json", type=output_or_dash, metavar="FILE", help="write the whole search")
    tune.add_argument(
        "--settings", type=output_or_dash, metavar="FILE", help="write the settings that were found"
    )


def _add_study(commands: argparse._SubParsersAction[_Parser], debug: _Parser) -> None:
    study = commands.add_parser(
        "study",
        parents=[debug],
        help="does PRIOT win? the answer over backbones",
        description="Static NITI and PRIOT on every kind of backbone: the map over calibration, "
        "learning rate and angle (screening), one thing changed at a time (mechanisms), fresh "
        "seeds for what is claimed (confirmation), and every method on six backbones, beside "
        "float32 (methods). Some four hours of one core; finished runs are kept: start again after "
        "an interruption. Float32 needs PyTorch (pip install 'priot[torch]') where its runs are "
        "missing in the store; --quick leaves it out.",
    )
    study.add_argument("--data", type=Path, metavar="DIR", help="folder with MNIST's files")
    study.add_argument(
        "--part",
        choices=("screening", "mechanisms", "confirmation", "methods"),
        help="one of them (all)",
    )
    study.add_argument("--jobs", type=int, default=-1, metavar="N", help="processes (one per core)")
    study.add_argument("--dask", metavar="ADDRESS", help="compute on a Dask cluster instead")
    study.add_argument(
        "--quick", action="store_true", help="a reduced version on the embedded sample"
    )
    study.add_argument(
        "--results", type=Path, metavar="DIR", help="(results; out/quick with --quick)"
    )
    study.add_argument(
        "--runs", type=runs_file, metavar="FILE", help="finished runs (DIR/runs/backbones.jsonl)"
    )


def _add_artefact(
    commands: argparse._SubParsersAction[_Parser],
    parents: Sequence[_Parser],
    name: str,
    told: str,
    more: str,
) -> _Parser:
    """A command that makes a table or a figure."""
    command = commands.add_parser(
        name,
        parents=parents,
        help=f"{told}: {more[0].lower()}{more[1:-1]}",
        description=f"{more} Writes a table (CSV), its record (JSON), caption (TXT) and figure "
        "(PDF, PNG). Finished runs are kept: start again after an interruption.",
    )
    command.add_argument(
        "--quick", action="store_true", help="a reduced version; MNIST's on the embedded sample"
    )
    command.add_argument(
        "--results", type=Path, metavar="DIR", help="(results; out/quick with --quick)"
    )
    command.add_argument(
        "--runs", type=runs_file, metavar="FILE", help="finished runs (DIR/runs/DATASET.jsonl)"
    )
    command.add_argument(
        "--settings",
        type=InputFile,
        metavar="FILE",
        help="of every method, as priot tune found them",
    )
    return command


def _add_tradeoff(
    commands: argparse._SubParsersAction[_Parser], parents: Sequence[_Parser]
) -> _Parser:
    tradeoff = _add_artefact(
        commands,
        [*parents, _clock_option()],
        "tradeoff",
        "memory, time, accuracy",
        "Peak SRAM, time and accuracy of every method, placement and variant of the firmware.",
    )
    tradeoff.add_argument("--angle", type=float, default=30.0, help="rotation in degrees (30)")
    for option, metavar, told in (
        ("--sram-kb", "N", "the most accurate within N KB (of 1024 bytes) of SRAM"),
        ("--ms", "M", "the most accurate within M ms per training step"),
    ):
        tradeoff.add_argument(option, type=float, default=math.inf, metavar=metavar, help=told)
    return tradeoff


def _add_run(commands: argparse._SubParsersAction[_Parser]) -> None:
    run = commands.add_parser(
        "run",
        help="any program for the RP2040",
        description="Runs an ELF, UF2 or BIN file on the simulated Pico until it exits (by "
        "semihosting), halts at a breakpoint, sleeps for ever, faults, or meets a limit. What it "
        "writes to UART0, to a USB serial port or by semihosting goes to standard output.",
    )
    run.add_argument("program", type=InputFile, metavar="FILE")
    run.add_argument("--debug", action="store_true", help="show the traceback of an error")
    run.add_argument("--timeout", type=float, metavar="MS", help="limit in simulated milliseconds")
    run.add_argument("--expect-text", metavar="TEXT", help="end well once the output holds it")
    run.add_argument("--fail-text", metavar="TEXT", help="end with 1 once the output holds it")
    run.add_argument(
        "--json",
        type=output_or_dash,
        metavar="FILE",
        help="write the record; - is stdout",
    )
    for option, told in (
        (
            "--profile",
            "exact cycles: a table, or a file whose name ends in .txt, .lines.txt, "
            ".instructions.txt, .callgrind, .collapsed, .speedscope.json or .json",
        ),
        ("--memory", "where memory went: a table, or a .json, .png, .pdf or .svg file"),
    ):
        run.add_argument(
            option,
            type=output_or_dash,
            action="append",
            nargs="?",
            const=STANDARD_OUTPUT,
            default=[],
            metavar="FILE",
            help=told + "; may be given several times",
        )
    run.add_argument(
        "--clock",
        type=float,
        default=RATED_MHZ,
        metavar="MHZ",
        help="system clock until the program sets it (133)",
    )
    run.add_argument(
        "--xip-miss",
        type=int,
        metavar="N",
        help="cycles of a missed word of flash (as the program's second stage sets it up: 50)",
    )
    run.add_argument(
        "--xip-replacement",
        choices=("random", "lru"),
        default="random",
        help="which way of the XIP cache gives way (random)",
    )
    run.add_argument(
        "--xip-seed", type=int, default=0, metavar="N", help="seed of the random ways (0)"
    )
    run.add_argument("--no-xip-cache", action="store_true", help="flash as fast as SRAM")
    run.add_argument(
        "--resets",
        type=int,
        default=100,
        metavar="N",
        help="how often the chip may be reset and boot again (100)",
    )
    run.add_argument(
        "--engine",
        choices=("own", "unicorn"),
        default="own",
        help="what executes the program (own)",
    )
    run.add_argument(
        "--lenient",
        action="store_true",
        help="go on where the program touches what is not modelled, and list it",
    )
    run.add_argument(
        "--stack-limit",
        choices=("on", "off"),
        default="on",
        help="a stack that leaves its room: a fault where the program owns something, a warning "
        "where it does not (on); or let it (off)",
    )
    run.add_argument(
        "--uart-in",
        type=input_or_dash,
        metavar="FILE",
        help="what UART0 receives, at its baud rate; - is standard input",
    )
    run.add_argument(
        "--usb-in",
        type=input_or_dash,
        metavar="FILE",
        help="what the first USB serial port receives once it is open; - is standard input",
    )
    run.add_argument(
        "--wire",
        action="append",
        default=[],
        metavar="PIN:PIN",
        help="connect GPIOs, such as 0:1 or 0:1:5; may be given several times",
    )
    run.add_argument(
        "--vcd",
        type=output_or_dash,
        metavar="FILE",
        help="write what all GPIOs did, for a wave viewer",
    )
    run.add_argument("--files", type=Path, metavar="DIR", help="folder for semihosting's files")
    run.add_argument(
        "--files-limit",
        type=float,
        default=FILES_MEGABYTES,
        metavar="MB",
        help=f"by how much these may grow ({FILES_MEGABYTES})",
    )
    run.add_argument(
        "--output-limit",
        type=float,
        default=OUTPUT_MEGABYTES,
        metavar="MB",
        help=f"end with 124 once it has written more ({OUTPUT_MEGABYTES})",
    )
    run.add_argument("--arguments", default="", metavar="TEXT", help="command line it is told")
    run.add_argument(
        "--gdb",
        type=int,
        nargs="?",
        const=3333,
        metavar="PORT",
        help="wait for GDB on 127.0.0.1 (3333)",
    )


def _add_diff(commands: argparse._SubParsersAction[_Parser]) -> None:
    diff = commands.add_parser(
        "diff",
        help="what changed between two runs",
        description="Compares two records of priot run (--json), or two profiles (--profile "
        "FILE.json): each number before and after, the largest change first.",
    )
    diff.add_argument("before", type=InputFile, metavar="A")
    diff.add_argument("after", type=InputFile, metavar="B")
    diff.add_argument("--debug", action="store_true", help="show the traceback of an error")


if __name__ == "__main__":
    sys.exit(main())
