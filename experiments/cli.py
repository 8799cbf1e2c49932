"""The command line: ``priot COMMAND``; ``main`` is the entry point."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

# Modules of commands that need none of the training kernels, which take a second to load.
_MODULES = {"run": "experiments.run", "diff": "experiments.run"}
DEFAULT_CLOCK_MHZ = 133.0  # what the RP2040 is rated for (datasheet 1.1)


class _Parser(argparse.ArgumentParser):
    """Errors in one line, like those of every command."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code.

    0: done; 1: the result is void (device and reference differ, or the firmware faulted); 2: bad
    input, told in one line; 130: interrupted; 141: nobody reads the output. ``priot run`` ends
    with the program's own code, 124 after a timeout, 139 after a fault.
    """
    options = _parser().parse_args(arguments)
    from experiments.compilation import announced_compilation

    with announced_compilation():
        # Imported here, since that compiles: --help answers at once, and compiling is announced.
        commands = importlib.import_module(_MODULES.get(options.command, "experiments.commands"))
        try:
            code: int | None = getattr(commands, options.command)(options)
            sys.stdout.flush()
        except BrokenPipeError:
            # The reader has gone, as in `priot costs | head`: nothing is left to say, and the
            # interpreter must not try to flush the rest.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 141
        except KeyboardInterrupt:
            print("priot: interrupted", file=sys.stderr)
            return 130
        except commands.EXPECTED_ERRORS as error:
            if options.debug:
                raise
            print(f"priot: {error}", file=sys.stderr)
            return 1 if isinstance(error, commands.VOID_RESULTS) else 2
    return code or 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="priot", description="Integer-only training on a simulated Pico.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    common = _Parser(add_help=False)
    common.add_argument("--debug", action="store_true", help="show the traceback of an error")
    common.add_argument("--json", type=Path, metavar="FILE", help="write the record as JSON")

    images = _Parser(add_help=False)
    images.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="folder with MNIST's IDX files: use its test images (default: embedded sample)",
    )
    images.add_argument("--angle", type=float, default=30.0, help="rotation in degrees (30)")
    images.add_argument("--seed", type=int, default=0, help="of images, scores and order (0)")
    images.add_argument(
        "--backbone", type=Path, metavar="FILE", help="record of another backbone (.json)"
    )
    images.add_argument("--elf", type=Path, metavar="FILE", help="another build of the trainer")
    images.add_argument(
        "--variant",
        choices=("plain", "fast"),
        help="the build of the trainer (costs: both; train: fast)",
    )

    costs = commands.add_parser(
        "costs",
        parents=[common, images],
        help="cycles and peak memory of every method",
        description="Trains every method on the simulated Pico and in the reference, compares "
        "every tensor after every operation, and reports cycles and peak memory.",
    )
    costs.add_argument("--images", type=int, default=8, metavar="N", help="to train on (8)")
    costs.add_argument("--csv", type=Path, metavar="FILE", help="write the table as CSV")
    costs.add_argument(
        "--figure", type=Path, metavar="FILE", help="draw the table (.pdf, .png or .svg)"
    )
    costs.add_argument(
        "--clock", type=float, default=DEFAULT_CLOCK_MHZ, metavar="MHZ", help="in MHz (133)"
    )

    train = commands.add_parser(
        "train",
        parents=[common, images],
        help="one training run",
        description="Trains one method on rotated images and reports the accuracy on others "
        "after each epoch.",
    )
    train.add_argument(
        "--method", required=True, help="niti-dynamic, niti-static, priot or priot-s"
    )
    train.add_argument(
        "--backend",
        choices=("pico", "reference"),
        default="reference",
        help="where to train: both give the same numbers (reference)",
    )
    train.add_argument("--images", type=int, default=1024, metavar="N", help="to train on (1024)")
    train.add_argument("--epochs", type=int, default=10, metavar="E", help="(10)")
    train.add_argument(
        "--test-images", type=int, metavar="N", help="to measure accuracy on (all others)"
    )
    train.add_argument(
        "--learning-rate-bits", type=int, metavar="B", help="bits of an update, 1..7"
    )
    train.add_argument("--threshold", type=int, help="score from which an edge is kept")
    train.add_argument("--score-spread", type=int, help="standard deviation of the first scores")
    train.add_argument(
        "--scored-fraction", type=float, help="share of edges with a score (priot-s)"
    )
    train.add_argument(
        "--selection", help="how scored edges are chosen (priot-s): random or magnitude"
    )
    train.add_argument("--rounding", help="pseudo-stochastic (default) or nearest")

    pretrain = commands.add_parser(
        "pretrain",
        parents=[common],
        help="make a backbone",
        description="Trains a network on MNIST's upright training images, less the embedded "
        "sample, with dynamic-scale NITI. The record goes to --out, the weights beside it.",
    )
    pretrain.add_argument("--data", type=Path, metavar="DIR", help="folder with MNIST's IDX files")
    pretrain.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="record to write (.json)"
    )
    pretrain.add_argument(
        "--network", type=Path, metavar="FILE", help="description of a network (tiny CNN)"
    )
    pretrain.add_argument(
        "--schedule",
        default="3,3,2,2,1,1",
        metavar="B,B,...",
        help="learning-rate bits of each epoch (3,3,2,2,1,1)",
    )
    pretrain.add_argument("--seed", type=int, default=0, help="of weights and order (0)")

    _add_run(commands)
    _add_diff(commands)

    download = commands.add_parser(
        "download",
        parents=[common],
        help="fetch full MNIST",
        description="Downloads MNIST's four files and checks their SHA-256.",
    )
    download.add_argument("data", type=Path, nargs="?", metavar="DIR", help="where to")
    return parser


def _add_run(commands: argparse._SubParsersAction[_Parser]) -> None:
    run = commands.add_parser(
        "run",
        help="any program for the RP2040",
        description="Runs an ELF, UF2 or BIN file on the simulated Pico until it exits (by "
        "semihosting), halts at a breakpoint, sleeps for ever, faults, or meets a limit. What it "
        "writes to UART0 or by semihosting goes to standard output.",
    )
    run.add_argument("program", type=Path, metavar="FILE")
    run.add_argument("--debug", action="store_true", help="show the traceback of an error")
    run.add_argument("--timeout", type=float, metavar="MS", help="limit in simulated milliseconds")
    run.add_argument("--expect-text", metavar="TEXT", help="end well once the output holds it")
    run.add_argument("--fail-text", metavar="TEXT", help="end with 1 once the output holds it")
    run.add_argument("--json", type=Path, metavar="FILE", help="write the record; - is stdout")
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
            type=Path,
            action="append",
            nargs="?",
            const=Path("-"),
            default=[],
            metavar="FILE",
            help=told + "; may be given several times",
        )
    run.add_argument(
        "--clock",
        type=float,
        default=DEFAULT_CLOCK_MHZ,
        metavar="MHZ",
        help="system clock until the program sets it (133)",
    )
    run.add_argument("--xip-miss", type=int, metavar="N", help="cycles of a missed word of flash")
    run.add_argument("--no-xip-cache", action="store_true", help="flash as fast as SRAM")
    run.add_argument(
        "--strict", action="store_true", help="a register that is not modelled is a fault"
    )
    run.add_argument("--files", type=Path, metavar="DIR", help="folder for semihosting's files")
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
    diff.add_argument("before", type=Path, metavar="A")
    diff.add_argument("after", type=Path, metavar="B")
    diff.add_argument("--debug", action="store_true", help="show the traceback of an error")


if __name__ == "__main__":
    sys.exit(main())
