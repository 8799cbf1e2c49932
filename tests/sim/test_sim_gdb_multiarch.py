"""A real GDB at the simulator, in batch mode, with the trainer firmware."""

import re
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sim_programs import FLASH_BASE, ElfSource, assemble
from test_sim_interrupts import build

import firmware_elf
from experiments.device.host import Device
from kernels.methods import method
from kernels.model import initial_model, with_scores
from kernels.network import Conv2d, Dense, MaxPool2d, Network, ReLU
from sim import Pico, Stop, StopReason
from sim.gdb.server import Ending, SessionEnd, serve

_GDB = shutil.which("gdb-multiarch")
_SECONDS = 60  # until a test gives up
_TRAIN = 2  # command of firmware_elf/trainer/mailbox.h

pytestmark = pytest.mark.skipif(_GDB is None, reason="gdb-multiarch is not installed")


def ready() -> Pico:
    """The trainer about to train on an image that is none: a run of few cycles."""
    target = Pico(firmware_elf.TRAINER, trace=True)
    assert target.run().reason is StopReason.HALT
    arena = target.symbol("__arena_start__").address
    target.write(arena, bytes(64))
    target.write("mailbox", np.array([arena, _TRAIN], np.uint32))
    return target


def debugged(
    target: Pico,
    *commands: str,
    connect: str = "target remote",
    exit_code: Callable[[Stop], int | None] = lambda _: None,
) -> tuple[str, SessionEnd]:
    """What GDB says to its commands, and how the session ended."""
    lines: list[str] = []
    announced = threading.Event()
    ends: list[SessionEnd] = []

    def announce(line: str) -> None:
        lines.append(line)
        announced.set()

    def run() -> None:
        ends.append(serve(target, 0, max_cycles=10**9, exit_code=exit_code, announce=announce))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert announced.wait(_SECONDS)
    port = lines[0].rsplit(":", 1)[1]
    assert _GDB is not None
    elf = Path(target.program.path)
    all_commands = [f"directory {elf.parent}", f"{connect} 127.0.0.1:{port}", *commands]
    arguments = [each for command in all_commands for each in ("-ex", command)]
    done = subprocess.run(
        [_GDB, "-nx", "-batch", str(elf), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=_SECONDS,
        text=True,
        check=False,
    )
    thread.join(_SECONDS)
    assert not thread.is_alive(), done.stdout
    return done.stdout, ends[0]


def line_of(file: str, text: str) -> int:
    """The line of the firmware's source that holds a text."""
    lines = (Path(firmware_elf.TRAINER).parent / file).read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def cycles_told(said: str) -> list[int]:
    """The totals of all `monitor cycles`."""
    return [int(count) for count in re.findall(r"^(\d+) cycles \(", said, re.MULTILINE)]


def same(target: Pico, plain: Pico) -> bool:
    """Whether a run under GDB was the run without it, to the cycle of each instruction."""
    ours, theirs = target.profile(), plain.profile()
    assert ours.addresses.tolist() == theirs.addresses.tolist()
    assert ours.cycles.tolist() == theirs.cycles.tolist()
    assert ours.executions.tolist() == theirs.executions.tolist()
    return (target.cycles, target.registers, target.sram.tobytes()) == (
        *(plain.cycles, plain.registers),
        plain.sram.tobytes(),
    )


def test_break_step_read_and_watch() -> None:
    plain, target = ready(), ready()
    plain.run()
    line = line_of("trainer/main.c", "image->magic")
    said, end = debugged(
        target,
        *(f"break main.c:{line}", "continue", "backtrace", "print mailbox"),
        *("print/x image->magic", "info registers pc msp", "stepi", "stepi", "monitor cycles"),
        *("delete", "watch mailbox.status", "continue", "delete", "continue"),
        *("monitor cycles", "detach"),
    )
    stopped = re.search(
        rf"Breakpoint 1, check \(image=(0x2\w+)\) at trainer/main\.c:{line}\b", said
    )
    assert stopped, said
    assert f"{line}\t" + "    if (image->magic" in said
    assert re.search(r"#1 .*main \(\) at trainer/main\.c:\d+", said), said
    assert f"$1 = {{image = {stopped[1]}, command = 2, label = 0," in said
    assert "$2 = 0x0" in said
    assert "Hardware watchpoint 2: mailbox.status" in said
    assert re.search(r"Old value = 0\s+New value = 1\b", said), said
    assert "halted by BKPT #0" in said
    first, last = cycles_told(said)
    assert 0 < first < last == plain.cycles
    assert end == SessionEnd(Ending.DETACHED)
    assert same(target, plain)


def about_to_train() -> Pico:
    """The trainer about to train a small network on one image."""
    network = Network("small", (1, 8, 8), (Conv2d(2), ReLU(), MaxPool2d(), Dense(3)))
    settings = method("niti-dynamic")
    model = with_scores(initial_model(network, 0), settings, 0)
    target = Pico(firmware_elf.TRAINER, trace=True)
    image = np.arange(64, dtype=np.int8).reshape(1, 8, 8)
    Device(target, model, settings, None)._send(_TRAIN, image, 1, checkpoints=False)
    return target


def test_a_training_step_under_gdb_costs_the_same() -> None:
    plain, target = about_to_train(), about_to_train()
    assert plain.run().reason is StopReason.HALT
    said, end = debugged(
        target,
        *("tbreak conv2d_forward", "continue", "backtrace", "next", "finish"),
        *("rwatch mailbox.label", "continue", "delete", "break conv2d_update", "continue"),
        *("next", "next", "step", "info locals", "monitor profile", "delete", "continue"),
        *("monitor cycles", "monitor memory", "detach"),
    )
    assert re.search(r"breakpoint 1, conv2d_forward \(.*\) at trainer/conv2d\.c:\d+", said), said
    assert re.search(r"#1 .* forward \(.*\) at trainer/main\.c:\d+", said), said
    assert re.search(r"#2 .* main \(\) at trainer/main\.c:\d+", said), said
    assert re.search(r"Value returned is \$1 = \d", said), said
    assert re.search(r"read watchpoint 2: mailbox.label\s+Value = 1\s.*backward \(", said), said
    assert re.search(r"Breakpoint 3, conv2d_update \(", said), said
    assert re.search(r"\d+ +\d+\.\d %  conv2d_forward", said), said
    assert cycles_told(said) == [plain.cycles], said
    assert re.search(rf"^stack +{plain.memory_use().stack}$", said, re.MULTILINE), said
    assert end == SessionEnd(Ending.DETACHED)
    assert same(target, plain)


def test_variables_registers_and_monitor() -> None:
    said, end = debugged(
        ready(),
        "print mailbox.label = 77",
        "x/dw &mailbox.label",
        "print $r6 = 0x123",
        "print $r6",
        "info mem",
        "monitor help",
        "monitor nonsense",
        "kill",
    )
    assert "$1 = 77" in said
    assert re.search(r"<mailbox\+8>:\s+77", said), said
    assert "$3 = 291" in said
    assert re.search(r"0x10000000\s+0x10200000\s+flash blocksize 0x1000", said), said
    assert "monitor cycles" in said
    assert "no command 'nonsense'" in said
    assert end == SessionEnd(Ending.KILLED)


def test_fault_is_told_and_run_begins_again() -> None:
    target = ready()
    target.write("mailbox", np.array([0x6000_0000, _TRAIN], np.uint32))
    said, end = debugged(
        target, "continue", "kill", "run", "continue", connect="target extended-remote"
    )
    assert "read from no memory: 4 bytes at 0x60000000" in said
    assert "Program received signal SIGSEGV" in said
    assert "halted by BKPT #0" in said.split("SIGSEGV")[1]
    assert end == SessionEnd(Ending.KILLED)


def test_exit_code() -> None:
    said, end = debugged(
        ready(), "continue", exit_code=lambda stop: 3 if stop.immediate == 0 else None
    )
    assert "exited with code 03" in said
    assert end == SessionEnd(Ending.EXITED, 3)


def test_backtrace_through_an_exception(tmp_path: Path) -> None:
    built = build("push {r4, lr}; svc #1; nop; pop {r4, pc}", svc="nop; bx lr")
    path = tmp_path / "svc.elf"
    path.write_bytes(built.program.image)
    svc = built.registers.pc + 2
    said, _ = debugged(Pico(path), "stepi", "stepi", "stepi", "backtrace", "info registers xpsr")
    handler = svc + 6 + 2  # its second instruction
    assert re.search(
        rf"#0 +{handler:#x} in .*\n#1 +<signal handler called>\n#2 +{svc + 2:#x}", said
    )
    assert re.search(r"xpsr +0x\d00000b", said), said


def test_load_into_flash_and_break_there(tmp_path: Path) -> None:
    """`load`, as development environments begin; GDB takes a hardware breakpoint by itself."""
    code = assemble("movs r0, #1; movs r0, #2; movs r0, #3; bkpt #7", FLASH_BASE)
    path = tmp_path / "flash.elf"
    path.write_bytes(ElfSource(code, FLASH_BASE, functions={"main": (FLASH_BASE, 8)}).build())
    target = Pico(path)
    target.write(FLASH_BASE, bytes(8))
    said, _ = debugged(
        target,
        *("load", f"break *{FLASH_BASE + 4:#x}", "continue", "print $r0", "continue", "detach"),
    )
    assert "Loading section .text, size 0x8" in said, said
    assert "Breakpoint 1, 0x10000004 in main ()" in said
    assert "$1 = 2" in said
    assert "halted by BKPT #7" in said
    assert target.read(FLASH_BASE, count=9).tobytes() == code + b"\xff"
