"""A real GDB at the simulator, in batch mode, with the trainer firmware."""

import re
import shutil
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest
from sim_programs import FLASH_BASE, LAUNCH, SRAM_BASE, ElfSource, assemble
from test_sim_interrupts import build

from priot import firmware_elf
from priot.experiments.device.host import Device
from priot.kernels.methods import method
from priot.kernels.model import initial_model, with_scores
from priot.kernels.network import Network
from priot.kernels.operations import Conv2d, Dense, MaxPool2d, ReLU
from priot.sim import Pico, StopReason
from priot.sim.gdb.server import Ending, Server, SessionEnd
from priot.sim.semihosting import Semihosting

_GDB = shutil.which("gdb-multiarch")
_SECONDS = 300  # until a test gives up: the loop may have to be compiled
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
) -> tuple[str, SessionEnd]:
    """What GDB says to its commands, behind it what the program says, and how the session ended."""
    lines: list[str] = []
    output = bytearray()
    announced = threading.Event()
    ends: list[SessionEnd] = []

    def announce(line: str) -> None:
        lines.append(line)
        announced.set()

    def run() -> None:
        semihosting = Semihosting(target, output.extend)
        with Server(0, announce) as server:
            ends.append(server.debug(target, semihosting, 10**9))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert announced.wait(_SECONDS)
    port = lines[0].rsplit(":", 1)[1]
    assert _GDB is not None
    file = Path(target.program.path)
    commands = tuple(command.replace("PORT", port) for command in commands)
    all_commands = [f"directory {file.parent}", f"{connect} 127.0.0.1:{port}", *commands]
    arguments = [each for command in all_commands for each in ("-ex", command)]
    done = subprocess.run(
        [_GDB, "-nx", "-batch", str(file), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=_SECONDS,
        text=True,
        check=False,
    )
    thread.join(_SECONDS)
    assert not thread.is_alive(), done.stdout
    return done.stdout + output.decode(), ends[0]


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


def elf(path: Path, source: str, **fields: object) -> Pico:
    """A program that GDB can read, at the start of SRAM, SP at the end of its banks."""
    code = assemble(source, SRAM_BASE)
    path.write_bytes(ElfSource(code, SRAM_BASE, **fields).build())  # type: ignore[arg-type]
    target = Pico(path, trace=True)
    target.set_registers(sp=0x2004_2000)
    return target


_SAYS_TWICE = """
    movs r0, #4; adr r1, one; bkpt #0xab
    movs r0, #4; adr r1, two; bkpt #0xab
    movs r0, #0x20; adr r1, exit; bkpt #0xab
    .align 2
exit:
    .word 0x20026, 3
one:
    .asciz "one "
    .align 2
two:
    .asciz "two"
"""


def test_semihosting_does_not_stop_the_program(tmp_path: Path) -> None:
    said, end = debugged(elf(tmp_path / "says.elf", _SAYS_TWICE), "continue")
    assert "exited with code 03" in said
    assert "SIGTRAP" not in said
    assert said.endswith("one two")
    assert end == SessionEnd(Ending.EXITED, 3)


def test_steps_over_a_semihosting_call(tmp_path: Path) -> None:
    target = elf(tmp_path / "says.elf", _SAYS_TWICE)
    said, _ = debugged(target, *["stepi"] * 3, "print $pc", "kill")
    assert re.search(rf"= .*{SRAM_BASE + 6:#x}", said), said
    assert said.endswith("one ")


def test_each_core_is_a_thread(tmp_path: Path) -> None:
    loops = "both: nop; l: adds r6, #1; b l; work: nop; m: adds r6, #1; b m"
    source = LAUNCH + loops
    code = assemble(source, SRAM_BASE)
    loop0, loop1 = SRAM_BASE + len(code) - 10, SRAM_BASE + len(code) - 4
    assert code[-10:-8] == code[-4:-2] == b"\x01\x36"
    said, _ = debugged(
        elf(tmp_path / "two.elf", source),
        *("info threads", f"break *{loop1:#x}", "continue", "info threads", "delete"),
        *(f"break *{loop0:#x} thread 1", "continue", "thread", "thread 2", "set $r6 = 100"),
        *("set scheduler-locking on", "print $pc", "stepi", "stepi", "print $r6 < 110"),
        *("thread 1", "print $r6 < 90", "print $pc", "detach"),
    )
    first, *_ = said.split("Breakpoint 1")
    assert "core 0" in first
    assert "core 1" not in first
    assert re.search(rf"Thread 2 .*hit Breakpoint 1, {loop1:#010x}", said), said
    assert re.search(r"\* 2 +Thread 2 \(core 1\)", said), said
    assert re.search(rf"Thread 1 .*hit Breakpoint 2, {loop0:#010x}", said), said
    assert re.search(r"Current thread is 1 ", said), said
    assert len(re.findall(r"^\$\d = 1$", said, re.MULTILINE)) == 2, said


def test_registers_of_the_chip(tmp_path: Path) -> None:
    """Read without effect, written, watched, in the order of a session.

    GDB takes an ARM for one that stops ahead of the access, and steps once more.
    """
    source = (
        "ldr r0, =0xd0000100; ldr r1, =0x40058000; ldr r2, [r0]; movs r3, #7; str r3, [r1, #12];"
        "ldr r2, [r0]; nop; bkpt #0"
    )
    said, _ = debugged(
        elf(tmp_path / "registers.elf", source),
        *("print/x *(int*)0x40000000", "print *(int*)0xd0000104", "print *(int*)0xd0000104"),
        *("set var *(int*)0x40058010 = 55", "print *(int*)0x40058010"),
        *("rwatch *(int*)0xd0000100", "continue", "print/x $pc"),
        *("watch *(int*)0x4005800c", "continue", "print/x $pc", "detach"),
    )
    told = re.findall(r"^\$\d+ = (\w+)$", said, re.MULTILINE)
    chip, *rest = told
    assert int(chip, 16) & 0xFFF_FFFF == 0x0002927  # SYSINFO.CHIP_ID: datasheet, 2.20.1
    assert rest == ["2", "2", "55", f"{SRAM_BASE + 8:#x}", f"{SRAM_BASE + 12:#x}"], said
    assert "New value = 7" in said


def test_gdb_comes_again_after_disconnecting(tmp_path: Path) -> None:
    source = "movs r0, #1; movs r0, #2; movs r0, #3; bkpt #0"
    said, end = debugged(
        elf(tmp_path / "again.elf", source),
        *("stepi", "disconnect", "target remote 127.0.0.1:PORT", "print $r0", "stepi"),
        *("print $r0", "detach"),
    )
    assert re.findall(r"^\$\d+ = (\d)$", said, re.MULTILINE) == ["1", "2"], said
    assert end == SessionEnd(Ending.DETACHED)


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
