"""``priot run``: any program for the RP2040, to its end."""

from __future__ import annotations

import math
import os
import sys
from argparse import Namespace
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from priot.experiments.cli.command import Command
from priot.experiments.cli.options.clock import add_clock, clock_hz_of
from priot.experiments.cli.options.files import add_record
from priot.experiments.cli.parser import Parser
from priot.experiments.errors import UserError
from priot.experiments.files import (
    STANDARD_INPUT,
    InputFile,
    input_or_dash,
    output_or_dash,
    results_on_output,
)
from priot.experiments.limits import SERIAL_INPUT
from priot.experiments.output import STANDARD_OUTPUT
from priot.sim.limits import FILES_MEGABYTES, OUTPUT_MEGABYTES

if TYPE_CHECKING:
    from priot.sim import Pico, Program
    from priot.sim.gdb.server import SessionEnd
    from priot.sim.semihosting import Semihosting
    from priot.sim.session import Console, Keyboard, Outcome

RESETS = 100
GDB_PORT = 3333


def _add_options(parser: Parser) -> None:
    parser.add_argument("program", type=InputFile, metavar="FILE", help="ELF, UF2 or BIN")
    _add_ends(parser)
    _add_results(parser)
    _add_chip(parser)
    _add_inputs(parser)
    parser.add_argument(
        "--gdb",
        type=int,
        nargs="?",
        const=GDB_PORT,
        metavar="PORT",
        help=f"wait for GDB on 127.0.0.1 ({GDB_PORT})",
    )


def _add_ends(parser: Parser) -> None:
    group = parser.add_argument_group("when it ends")
    group.add_argument(
        "--timeout", type=float, metavar="MS", help="limit in simulated milliseconds"
    )
    group.add_argument("--expect-text", metavar="TEXT", help="end well once the output holds it")
    group.add_argument("--fail-text", metavar="TEXT", help="end with 1 once the output holds it")
    group.add_argument(
        "--output-limit",
        type=float,
        default=OUTPUT_MEGABYTES,
        metavar="MB",
        help="end with 124 once it has written more",
    )
    group.add_argument(
        "--resets",
        type=int,
        default=RESETS,
        metavar="N",
        help="how often the chip may be reset and boot again",
    )


def _add_results(parser: Parser) -> None:
    add_record(parser)
    for option, told in (
        (
            "--profile",
            "exact cycles: a table, or a file whose name ends in .txt, .lines.txt, "
            ".instructions.txt, .callgrind, .collapsed, .speedscope.json or .json",
        ),
        ("--memory", "where memory went: a table, or a .json, .png, .pdf or .svg file"),
    ):
        parser.add_argument(
            option,
            type=output_or_dash,
            action="append",
            nargs="?",
            const=STANDARD_OUTPUT,
            default=[],
            metavar="FILE",
            help=told + "; may be given several times",
        )
    parser.add_argument(
        "--vcd",
        type=output_or_dash,
        metavar="FILE",
        help="write what all GPIOs did, for a wave viewer",
    )


def _add_chip(parser: Parser) -> None:
    add_clock(parser, "of the system until the program sets it, in MHz")
    group = parser.add_argument_group("the simulated chip")
    group.add_argument(
        "--xip-miss",
        type=int,
        metavar="N",
        help="cycles of a missed word of flash (as the program's second stage sets it up: 50)",
    )
    group.add_argument(
        "--xip-replacement",
        choices=("random", "lru"),
        default="random",
        help="which way of the XIP cache gives way",
    )
    group.add_argument(
        "--xip-seed", type=int, default=0, metavar="N", help="seed of the random ways"
    )
    group.add_argument("--no-xip-cache", action="store_true", help="flash as fast as SRAM")
    group.add_argument(
        "--engine", choices=("own", "unicorn"), default="own", help="what executes the program"
    )
    group.add_argument(
        "--lenient",
        action="store_true",
        help="go on where the program touches what is not modelled, and list it",
    )
    group.add_argument(
        "--stack-limit",
        choices=("on", "off"),
        default="on",
        help="a stack that leaves its room: a fault where the program owns something, a warning "
        "where it does not; off lets it",
    )


def _add_inputs(parser: Parser) -> None:
    group = parser.add_argument_group("what it is connected to")
    group.add_argument(
        "--uart-in",
        type=input_or_dash,
        metavar="FILE",
        help="what UART0 receives, at its baud rate; - is standard input",
    )
    group.add_argument(
        "--usb-in",
        type=input_or_dash,
        metavar="FILE",
        help="what the first USB serial port receives once it is open; - is standard input",
    )
    group.add_argument(
        "--wire",
        action="append",
        default=[],
        metavar="PIN:PIN",
        help="connect GPIOs, such as 0:1 or 0:1:5; may be given several times",
    )
    group.add_argument("--files", type=Path, metavar="DIR", help="folder for semihosting's files")
    group.add_argument(
        "--files-limit",
        type=float,
        default=FILES_MEGABYTES,
        metavar="MB",
        help="by how much these may grow",
    )
    group.add_argument("--arguments", default="", metavar="TEXT", help="command line it is told")


def _check(options: Namespace) -> None:
    clock_hz_of(options)
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


def _run(options: Namespace) -> int:
    """Returns the exit code: the program's own where it gave one."""
    from priot.experiments.programs.messages import told_of
    from priot.experiments.programs.profiles import check_memory_file, profile_writer
    from priot.sim import Engine, load_program
    from priot.sim.semihosting import Semihosting
    from priot.sim.session import Console, Outcome

    for path in options.profile:
        profile_writer(path)
    for path in options.memory:
        check_memory_file(path)
    wires = [_wired(text) for text in options.wire]
    program = load_program(options.program)
    if options.profile:
        program.line_at(program.entry)  # damaged line tables are told before anything is run
    console = Console(None if results_on_output(options) else _print_bytes)
    pico = _pico(options, program, console)
    if wires:
        pico.wire(*wires)
    semihosting = Semihosting(
        pico, console.write, options.files, options.arguments, options.files_limit
    )
    with closing(semihosting):
        end = _run_program(options, pico, console, semihosting)
    if not isinstance(end, Outcome):
        return end.exit_code or 0
    engine, limits = Engine(options.engine), (options.output_limit, options.files_limit)
    for line in told_of(pico, engine, end, semihosting, *limits):
        print(f"priot: {line}", file=sys.stderr)
    _write(options, pico, console, end)
    return end.exit_code


def _pico(options: Namespace, program: Program, console: Console) -> Pico:
    from priot.sim import Engine, Pico, Replacement

    return Pico(
        program,
        clock_hz=clock_hz_of(options),
        strict=not options.lenient,
        uart=console.uart,
        uart_input=_input("--uart-in", options.uart_in),
        usb_serial=console.write,
        usb_input=_input("--usb-in", options.usb_in),
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


def _run_program(
    options: Namespace, pico: Pico, console: Console, semihosting: Semihosting
) -> Outcome | SessionEnd:
    """How it ended: by itself, or by the debugger."""
    from priot.sim.gdb.server import Ending as GdbEnding
    from priot.sim.gdb.server import Server
    from priot.sim.session import Ending, Limits, run_session

    limits = Limits(options.timeout, options.expect_text, options.fail_text, options.output_limit)
    keyboard = _keyboard(options, pico)
    if options.gdb is None:
        return run_session(pico, console, limits, keyboard, semihosting)
    with Server(options.gdb) as server:
        while True:  # between two times that GDB has it the program runs alone
            end = server.debug(pico, semihosting)
            if end.ending is not GdbEnding.DETACHED:
                return end
            outcome = run_session(
                pico, console, limits, keyboard, semihosting, lambda: server.is_called
            )
            if outcome.ending is not Ending.CALLED:
                return outcome


def _write(options: Namespace, pico: Pico, console: Console, outcome: Outcome) -> None:
    from priot.experiments.output import write_bytes
    from priot.experiments.programs.profiles import profile_writer, write_memory
    from priot.experiments.programs.record import record_of
    from priot.experiments.records.files import write_record
    from priot.sim.reports.vcd import vcd

    for path in options.profile:
        write_bytes(path, profile_writer(path)(pico.profiles()).encode())
    for path in options.memory:
        write_memory(pico.memory_report(), path)
    if options.vcd is not None:
        write_bytes(options.vcd, vcd(pico.pin_changes()).encode())
    if options.json is not None:
        write_record(options.json, record_of(pico, console, outcome))


def _wired(text: str) -> list[int]:
    """The GPIOs that one --wire connects."""
    from priot.sim.peripherals.serial_pins import GPIOS

    pins = [int(number) if number.isdecimal() else -1 for number in text.split(":")]
    if not all(0 <= pin < GPIOS for pin in pins):
        raise UserError(f"--wire {text}: name GPIOs from 0 to {GPIOS - 1}, as in 0:1")
    if len(set(pins)) < 2:
        raise UserError(f"--wire {text}: a wire connects two GPIOs or more, as in 0:1")
    return pins


def _input(option: str, path: Path | None) -> bytes:
    """All that a serial port is to receive; what is typed by hand comes later."""
    from priot.sim.reading import megabytes, read_file

    if path is None or (path == STANDARD_INPUT and sys.stdin.isatty()):
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


def _keyboard(options: Namespace, pico: Pico) -> Keyboard | None:
    """What is typed goes to a serial port, if one has the terminal."""
    from priot.sim.session import Keyboard

    if STANDARD_INPUT not in (options.uart_in, options.usb_in) or not sys.stdin.isatty():
        return None
    return Keyboard(_typed, pico.send if options.uart_in == STANDARD_INPUT else pico.usb.type)


def _typed(waits: bool) -> bytes:
    """What came from the terminal since the last call, or what comes next."""
    import select

    ready, _, _ = select.select([sys.stdin], [], [], None if waits else 0)
    return os.read(sys.stdin.fileno(), 4096) if ready else b""


def _print_bytes(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


COMMAND = Command(
    "run",
    "any program for the RP2040",
    "Runs an ELF, UF2 or BIN file on the simulated Pico until it exits (by semihosting), halts at "
    "a breakpoint, sleeps for ever, faults, or meets a limit. What it writes to UART0, to a USB "
    "serial port or by semihosting goes to standard output.",
    (
        "run firmware.elf --timeout 500 --expect-text PASS --json run.json",
        "run firmware.elf --profile --memory",
    ),
    _add_options,
    _run,
    _check,
    tells_on_output=False,
)
