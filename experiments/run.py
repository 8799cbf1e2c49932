"""``priot run`` and ``priot diff``: any program for the RP2040, and what changed in a run."""

from __future__ import annotations

import json
import math
import os
import select
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from priot.experiments.errors import UserError
from priot.experiments.files import STANDARD_INPUT, Files, results_on_output
from priot.experiments.limits import SERIAL_INPUT
from priot.experiments.output import StandardOutput, write_bytes, write_figure, write_json
from priot.experiments.reading import read_json
from priot.plots.memory import draw_memory
from priot.plots.style import FORMATS
from priot.sim import Engine, Pico, Replacement, SimError, load_program
from priot.sim.gdb import server as gdb_server
from priot.sim.peripherals.serial_pins import GPIOS
from priot.sim.reading import megabytes, read_file
from priot.sim.reports import profile_formats, record_diff
from priot.sim.reports.memory_report import memory_table
from priot.sim.reports.profile_formats import CoreProfile
from priot.sim.reports.vcd import vcd
from priot.sim.semihosting import Semihosting
from priot.sim.session import Console, Ending, Keyboard, Limits, Outcome, run_session

EXPECTED_ERRORS = (UserError, SimError)
VOID_RESULTS: tuple[type[Exception], ...] = ()

# Suffix of a profile's file -> its text. The longest suffix that fits counts.
PROFILES: dict[str, Callable[[Sequence[CoreProfile]], str]] = {
    ".txt": profile_formats.function_table,
    ".lines.txt": profile_formats.line_table,
    ".instructions.txt": profile_formats.instruction_table,
    ".callgrind": profile_formats.callgrind,
    ".collapsed": profile_formats.collapsed,
    ".speedscope.json": lambda cores: json.dumps(profile_formats.speedscope(cores)) + "\n",
    ".json": lambda cores: json.dumps(profile_formats.record(cores), indent=2) + "\n",
}


def implied_files(_: Namespace) -> Files:
    """All files are named by options."""
    return Files()


def run(options: Namespace) -> int:
    """``priot run``: run a program to its end; returns the exit code, its own where it gave one."""
    _check(options)
    wires = [_wired(text) for text in options.wire]
    program = load_program(options.program)
    if options.profile:
        program.line_at(program.entry)  # damaged line tables are told before anything is run
    by_hand = sys.stdin.isatty()
    on_stdout = not results_on_output(options)
    console = Console(_print_bytes if on_stdout else None)
    pico = Pico(
        program,
        clock_hz=round(options.clock * 1e6),
        strict=not options.lenient,
        uart=console.uart,
        uart_input=_input("--uart-in", options.uart_in, by_hand),
        usb_serial=console.write,
        usb_input=_input("--usb-in", options.usb_in, by_hand),
        xip_cache=not options.no_xip_cache,
        xip_miss=options.xip_miss,
        xip_replacement=Replacement(options.xip_replacement),
        xip_seed=options.xip_seed,
        trace=bool(options.profile or options.memory),
        engine=Engine(options.engine),
        resets=options.resets,
        stack_limit=options.stack_limit == "on",
        log_pins=options.vcd is not None,
    )
    if wires:
        pico.wire(*wires)
    limits = Limits(options.timeout, options.expect_text, options.fail_text, options.output_limit)
    semihosting = Semihosting(
        pico, console.write, options.files, options.arguments, options.files_limit
    )
    keyboard = None
    if by_hand and STANDARD_INPUT in (options.uart_in, options.usb_in):
        keyboard = Keyboard(
            _typed, pico.send if options.uart_in == STANDARD_INPUT else pico.usb.type
        )
    with closing(semihosting):
        if options.gdb is None:
            outcome = run_session(pico, console, limits, keyboard, semihosting)
        else:
            end = _debug(pico, console, limits, keyboard, semihosting, options.gdb)
            if not isinstance(end, Outcome):
                return end.exit_code or 0
            outcome = end
    if outcome.fault is not None:
        print(f"priot: {outcome.fault.report()}", file=sys.stderr)
    if outcome.ending in (Ending.SLEEP, Ending.TIMEOUT):
        told = "sleeps for ever" if outcome.ending is Ending.SLEEP else "ran out of time"
        for place in pico.whereabouts():
            print(f"priot: {told}: {place}", file=sys.stderr)
    if outcome.ending is Ending.OUTPUT:
        print(
            f"priot: wrote more than {options.output_limit:g} MB; allow more with --output-limit",
            file=sys.stderr,
        )
    if semihosting.files_are_full:
        print(
            f"priot: could not write more than {options.files_limit:g} MB into files; allow more "
            "with --files-limit",
            file=sys.stderr,
        )
    for warning in pico.stack_warnings:
        print(f"priot: {warning}; silence this with --stack-limit off", file=sys.stderr)
    for register in pico.unmodelled:
        print(f"priot: not modelled: {register}", file=sys.stderr)
    for problem in _usb_problems(pico, options):
        print(f"priot: USB: {problem}", file=sys.stderr)
    for path in options.profile:
        write_bytes(path, _profile_writer(path)(pico.profiles()).encode())
    for path in options.memory:
        _write_memory(pico, path)
    if options.vcd is not None:
        write_bytes(options.vcd, vcd(pico.pin_changes()).encode())
    if options.json is not None:
        write_json(options.json, _record(pico, console, outcome))
    return outcome.exit_code


def _wired(text: str) -> list[int]:
    """The GPIOs that one --wire connects."""
    pins = [int(number) if number.isdecimal() else -1 for number in text.split(":")]
    if not all(0 <= pin < GPIOS for pin in pins):
        raise UserError(f"--wire {text}: name GPIOs from 0 to {GPIOS - 1}, as in 0:1")
    if len(set(pins)) < 2:
        raise UserError(f"--wire {text}: a wire connects two GPIOs or more, as in 0:1")
    return pins


def _input(option: str, path: Path | None, by_hand: bool) -> bytes:
    """All that a serial port is to receive; what is typed by hand comes later."""
    if path is None or (path == STANDARD_INPUT and by_hand):
        return b""
    if path == STANDARD_INPUT:
        content = sys.stdin.buffer.read(SERIAL_INPUT + 1)
        if len(content) > SERIAL_INPUT:
            raise UserError(f"{option} -: larger than {megabytes(SERIAL_INPUT)}; send less")
        return content
    try:
        return read_file(path, SERIAL_INPUT)
    except OSError as error:
        raise UserError(f"{option} {path}: cannot be read ({error.strerror})") from error


def _usb_problems(pico: Pico, options: Namespace) -> list[str]:
    if Engine(options.engine) is not Engine.OWN:
        return []
    usb = pico.usb
    if usb.obstacle:
        return [f"the program pulls up D+, but the host sees no device: {usb.obstacle}"]
    return usb.problems


def _typed(waits: bool) -> bytes:
    """What came from the terminal since the last call, or what comes next."""
    ready, _, _ = select.select([sys.stdin], [], [], None if waits else 0)
    return os.read(sys.stdin.fileno(), 4096) if ready else b""


def _debug(
    pico: Pico,
    console: Console,
    limits: Limits,
    keyboard: Keyboard | None,
    semihosting: Semihosting,
    port: int,
) -> gdb_server.SessionEnd | Outcome:
    """Let GDB run the program, and between two times that GDB has it the program run alone.

    An Outcome if it ended alone.
    """
    with gdb_server.Server(port) as server:
        while True:
            end = server.debug(pico, semihosting)
            if end.ending is not gdb_server.Ending.DETACHED:
                return end
            outcome = run_session(
                pico, console, limits, keyboard, semihosting, lambda: server.is_called
            )
            if outcome.ending is not Ending.CALLED:
                return outcome


def diff(options: Namespace) -> int:
    """``priot diff``: what changed between two records or profiles (JSON)."""
    before, after = (_read_record(path) for path in (options.before, options.after))
    _print(record_diff.table(record_diff.diff(before, after)))
    return 0


def _check(options: Namespace) -> None:
    if not 1 <= options.clock <= 1000:
        raise UserError(f"--clock {options.clock:g}: the clock is given in MHz, 1..1000")
    if options.timeout is not None and not options.timeout > 0:
        raise UserError(f"--timeout {options.timeout:g}: give simulated milliseconds above 0")
    for option, megabytes_allowed in (
        ("--output-limit", options.output_limit),
        ("--files-limit", options.files_limit),
    ):
        if not 0 < megabytes_allowed < math.inf:
            raise UserError(f"{option} {megabytes_allowed:g}: give megabytes above 0")
    if options.xip_miss is not None and options.xip_miss < 0:
        raise UserError(f"--xip-miss {options.xip_miss}: give cycles, 0 or more")
    if not 0 <= options.xip_seed < 1 << 32:
        raise UserError(f"--xip-seed {options.xip_seed}: give 0 to {(1 << 32) - 1}")
    if options.uart_in == options.usb_in == STANDARD_INPUT:
        raise UserError("--uart-in - and --usb-in -: one of them can have the standard input")
    if options.files is not None and not options.files.is_dir():
        raise UserError(f"--files {options.files}: is not a folder; make it first")
    for path in options.profile:
        _profile_writer(path)
    for path in options.memory:
        if not isinstance(path, StandardOutput) and path.suffix not in (".json", *FORMATS):
            raise UserError(
                f"--memory {path}: the name must end in one of .json, {', '.join(FORMATS)}"
            )


def _profile_writer(path: Path) -> Callable[[Sequence[CoreProfile]], str]:
    if isinstance(path, StandardOutput):
        return PROFILES[".txt"]
    for suffix in sorted(PROFILES, key=len, reverse=True):
        if path.name.endswith(suffix):
            return PROFILES[suffix]
    raise UserError(f"--profile {path}: the name must end in one of {', '.join(PROFILES)}")


def _write_memory(pico: Pico, path: Path) -> None:
    report = pico.memory_report()
    if isinstance(path, StandardOutput):
        write_bytes(path, memory_table(report).encode())
    elif path.suffix == ".json":
        write_json(path, report.to_json())
    else:
        write_figure(path, lambda file: draw_memory(report.to_json(), file))


def _record(pico: Pico, console: Console, outcome: Outcome) -> dict[str, Any]:
    use = pico.memory_use()
    fault = outcome.fault
    return {
        "program": pico.program.path,
        "exit_code": outcome.exit_code,
        "halt_reason": outcome.ending.value,
        "fault": None if fault is None else str(fault),
        "output": console.output.decode(errors="replace"),
        "output_bytes": console.written,
        "cycles": pico.cycles,
        "instructions": pico.instructions,
        "clock_hz": pico.clock_hz,
        "seconds": pico.seconds,
        "xip": {
            "accesses": pico.xip.accesses,
            "hits": pico.xip.hits,
            "misses": pico.xip.misses,
            "stall_cycles": pico.xip.stall_cycles,
        },
        "xip_model": None if pico.xip_model is None else asdict(pico.xip_model),
        "bus_stalls": list(pico.bus_stalls),
        "peak_sram_bytes": use.total,
        "stack_high_water_bytes": use.stack,
        "stack_warnings": [asdict(warning) for warning in pico.stack_warnings],
        "unmodelled": [str(register) for register in pico.unmodelled],
    }


def _read_record(path: Path) -> dict[str, Any]:
    try:
        record = read_json(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); name a record") from error
    except ValueError as error:
        raise UserError(
            f"{path}: not JSON ({error}); name what --json or --profile wrote"
        ) from error
    if not isinstance(record, dict):
        raise UserError(f"{path}: not the record of one run; name what priot run --json wrote")
    return record


def _print_bytes(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def _print(text: str) -> None:
    _print_bytes(text.encode())
