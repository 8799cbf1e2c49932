"""``priot run`` and ``priot diff``: any program for the RP2040, and what changed in a run."""

from __future__ import annotations

import json
import os
import select
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

from experiments.errors import UserError
from experiments.files import STANDARD_INPUT, STANDARD_OUTPUT, Files
from experiments.output import write_bytes, write_figure, write_json
from plots.memory import draw_memory
from plots.style import FORMATS
from sim import Engine, Pico, SimError, Stop, StopReason, load_program
from sim.gdb import server as gdb_server
from sim.reports import profile_formats, record_diff
from sim.reports.call_graph import CallGraph
from sim.reports.memory_report import memory_table
from sim.reports.profile import Profile
from sim.semihosting import BREAKPOINT, Semihosting
from sim.session import Console, Limits, Outcome, run_session
from sim.xip_cache import DEFAULT_MISS_CYCLES

EXPECTED_ERRORS = (UserError, SimError)
VOID_RESULTS: tuple[type[Exception], ...] = ()

# Suffix of a profile's file -> its text. The longest suffix that fits counts.
PROFILES: dict[str, Callable[[Profile, CallGraph], str]] = {
    ".txt": profile_formats.function_table,
    ".lines.txt": lambda profile, _: profile_formats.line_table(profile),
    ".instructions.txt": lambda profile, _: profile_formats.instruction_table(profile),
    ".callgrind": profile_formats.callgrind,
    ".collapsed": profile_formats.collapsed,
    ".speedscope.json": lambda *run: json.dumps(profile_formats.speedscope(*run)) + "\n",
    ".json": lambda *run: json.dumps(profile_formats.record(*run), indent=2) + "\n",
}


def implied_files(_: Namespace) -> Files:
    """All files are named by options."""
    return Files()


def run(options: Namespace) -> int:
    """``priot run``: run a program to its end; returns the exit code, its own where it gave one."""
    _check(options)
    program = load_program(options.program)
    by_hand = options.uart_in == STANDARD_INPUT and sys.stdin.isatty()
    on_stdout = options.json != STANDARD_OUTPUT
    console = Console(_print_bytes if on_stdout else None)
    pico = Pico(
        program,
        clock_hz=round(options.clock * 1e6),
        strict=options.strict,
        uart=console.uart,
        uart_input=b"" if by_hand else _uart_input(options.uart_in),
        xip_cache=not options.no_xip_cache,
        xip_miss=DEFAULT_MISS_CYCLES if options.xip_miss is None else options.xip_miss,
        trace=bool(options.profile or options.memory),
        engine=Engine(options.engine),
        resets=options.resets,
    )
    if options.gdb is not None:
        end = _debug(pico, console, options)
        if end.ending is not gdb_server.Ending.DETACHED:  # then the program runs on alone
            return end.exit_code or 0
    limits = Limits(
        options.timeout, options.expect_text, options.fail_text, options.files, options.arguments
    )
    outcome = run_session(pico, console, limits, *([_typed] if by_hand else []))
    if outcome.fault is not None:
        print(f"priot: {outcome.fault.report()}", file=sys.stderr)
    for register in pico.unmodelled:
        print(f"priot: not modelled: {register}", file=sys.stderr)
    for path in options.profile:
        text = _profile_writer(path)(pico.profile(), pico.call_graph())
        _print(text) if path == STANDARD_OUTPUT else write_bytes(path, text.encode())
    for path in options.memory:
        _write_memory(pico, path)
    record = _record(pico, console, outcome)
    if options.json == STANDARD_OUTPUT:
        _print(json.dumps(record, indent=2) + "\n")
    elif options.json is not None:
        write_json(options.json, record)
    return outcome.exit_code


def _uart_input(path: Path | None) -> bytes:
    """All that UART0 is to receive."""
    if path is None:
        return b""
    if path == STANDARD_INPUT:
        return sys.stdin.buffer.read()
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"--uart-in {path}: cannot be read ({error.strerror})") from error


def _typed(waits: bool) -> bytes:
    """What came from the terminal since the last call, or what comes next."""
    ready, _, _ = select.select([sys.stdin], [], [], None if waits else 0)
    return os.read(sys.stdin.fileno(), 4096) if ready else b""


def _debug(pico: Pico, console: Console, options: Namespace) -> gdb_server.SessionEnd:
    """Let GDB run the program, until that ends or GDB leaves."""
    semihosting = Semihosting(pico, console.write, options.files, options.arguments)

    def exit_code(stop: Stop) -> int | None:
        if stop.reason is StopReason.HALT and stop.immediate == BREAKPOINT:
            semihosting.serve()
        return semihosting.exit_code

    try:
        return gdb_server.serve(pico, options.gdb, exit_code=exit_code)
    finally:
        semihosting.close()


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
    if options.xip_miss is not None and options.xip_miss < 0:
        raise UserError(f"--xip-miss {options.xip_miss}: give cycles, 0 or more")
    if options.files is not None and not options.files.is_dir():
        raise UserError(f"--files {options.files}: is not a folder; make it first")
    for path in options.profile:
        _profile_writer(path)
    for path in options.memory:
        if path != STANDARD_OUTPUT and path.suffix not in (".json", *FORMATS):
            raise UserError(
                f"--memory {path}: the name must end in one of .json, {', '.join(FORMATS)}"
            )


def _profile_writer(path: Path) -> Callable[[Profile, CallGraph], str]:
    if path == STANDARD_OUTPUT:
        return PROFILES[".txt"]
    for suffix in sorted(PROFILES, key=len, reverse=True):
        if path.name.endswith(suffix):
            return PROFILES[suffix]
    raise UserError(f"--profile {path}: the name must end in one of {', '.join(PROFILES)}")


def _write_memory(pico: Pico, path: Path) -> None:
    report = pico.memory_report()
    if path == STANDARD_OUTPUT:
        _print(memory_table(report))
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
        "bus_stalls": list(pico.bus_stalls),
        "peak_sram_bytes": use.total,
        "stack_high_water_bytes": use.stack,
        "unmodelled": [str(register) for register in pico.unmodelled],
    }


def _read_record(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text())
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
