"""``main``, the entry point: reads the options, carries out a command, and says how it ended."""

from __future__ import annotations

import os
import sys
from _thread import interrupt_main
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from threading import Timer
from typing import Any

from priot.experiments.cli.command import Command
from priot.experiments.cli.errors import exit_code_of
from priot.experiments.cli.help import parser
from priot.experiments.cli.registry import COMMANDS
from priot.experiments.files import check_files, check_named, results_on_output
from priot.experiments.standard_streams import give_up_output, open_closed_streams, reason_of


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code.

    0: done; 1: the result is void (device and reference differ, or the firmware faulted); 2: bad
    input, told in one line; 130: interrupted; 141: nobody reads the output. ``priot run`` ends
    with the program's own code, 124 after a timeout, 139 after a fault.
    """
    open_closed_streams()
    options = parser().parse_args(arguments)
    # Before NumPy is loaded: runs and batches are what goes to several cores, not single products.
    for library in ("OPENBLAS", "OMP"):  # OpenMP's threads are PyTorch's
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    try:
        with _interrupts_heard():
            return _carry_out(COMMANDS[options.command], options)
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
    heard: list[Timer] = []

    def again(raised: Any) -> None:
        if isinstance(raised.exc_value, KeyboardInterrupt):
            heard.append(Timer(0.05, interrupt_main))  # in here it would be lost once more
            heard[-1].start()
        else:
            tell(raised)

    sys.unraisablehook = again
    try:
        yield
    except Exception as error:
        if heard:  # it follows from the interrupted callback, as of the compiler's
            raise KeyboardInterrupt from error
        raise
    finally:
        for timer in heard:
            timer.cancel()
        sys.unraisablehook = tell


def _carry_out(command: Command, options: Namespace) -> int:
    try:
        check_named(options)
        command.check(options)
        # Loads Numba, which a mistake in the options need not wait for.
        from priot.experiments.compilation import announced_compilation

        with announced_compilation(), _tables_aside(command, options):
            check_files(options, command.implied_files(options))
            code = command.run(options)
            sys.stdout.flush()
    except Exception as error:
        expected = exit_code_of(error)
        if expected is None or options.debug:
            raise
        print(f"priot: {error}", file=sys.stderr)
        return expected
    return code or 0


@contextmanager
def _tables_aside(command: Command, options: Namespace) -> Iterator[None]:
    """Where a result has the standard output to itself, other words go to the other."""
    if not command.tells_on_output or not results_on_output(options):
        yield
        return
    with redirect_stdout(sys.stderr):
        yield
