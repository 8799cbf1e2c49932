"""A stack that leaves its room: a fault where the program owns something, else a warning."""

import json
from pathlib import Path

import numpy as np
import pytest
from sim_programs import LAUNCH, SRAM_BASE, ElfSource, assemble, msr, pico, program
from test_sim_interrupts import build

from priot.experiments.cli import main
from priot.sim import Fault, FaultReason, Pico, StopReason
from priot.sim.cpu.state import Core

_TOP = SRAM_BASE + 0x2000
_ROOM = {"__StackTop": (_TOP, 0), "__StackBottom": (_TOP - 64, 0)}
_PUSHES = "movs r0, #{}; l: push {{r1, r2}}; subs r0, #1; bne l; bkpt #0"


def over(target: Pico, fault: FaultReason = FaultReason.STACK_OVERFLOW) -> int:
    """The SP that a run ends with, in a fault of the stack."""
    with pytest.raises(Fault) as caught:
        target.run()
    assert caught.value.reason is fault
    return target.registers.sp


def test_nothing_below_is_a_warning() -> None:
    target = pico(_PUSHES.format(200), objects=_ROOM, functions={"deep": (SRAM_BASE, 16)})
    assert target.run().reason is StopReason.HALT
    (warning,) = target.stack_warnings
    assert (warning.core, warning.sp, warning.limit) == (0, _TOP - 72, _TOP - 64)
    assert (warning.pc, warning.function) == (SRAM_BASE + 2, "deep")
    assert "core 0" in str(warning)
    assert "0x20000002 (deep)" in str(warning)
    assert target.memory_use().stack == 200 * 8
    plain = pico(_PUSHES.format(200))
    plain.run()
    assert target.cycles == plain.cycles
    target.reset()
    assert target.stack_warnings == []


def test_what_the_program_owns_is_not_overwritten() -> None:
    """.bss, although it holds what SRAM held: the push that would reach it does not happen."""
    target = pico(_PUSHES.format(200), objects=_ROOM, bss=(_TOP - 0x400, 0x84))
    before = target.read(_TOP - 0x400, count=0x84).tobytes()
    assert over(target) == _TOP - 0x400 + 0x88
    assert target.read(_TOP - 0x400, count=0x84).tobytes() == before
    assert len(target.stack_warnings) == 1


def test_what_somebody_wrote_is_not_overwritten() -> None:
    """As a heap, which no section tells of; one that is written after the stack passed too."""
    target = pico(_PUSHES.format(200), objects=_ROOM)
    target.write(_TOP - 0x300, bytes(4))
    assert over(target) == _TOP - 0x300 + 8
    store = f"ldr r3, ={_TOP - 0x300}; str r0, [r3]"
    target = pico(f"push {{r1}}; {store}; {_PUSHES.format(200)}; .pool", objects=_ROOM)
    assert over(target) in (_TOP - 0x300 + 4, _TOP - 0x300 + 8)


@pytest.mark.parametrize(
    "lower", ["sub sp, #256", "add sp, r7", "mov r6, sp; add r6, r7; mov sp, r6"]
)
def test_room_made_for_variables(lower: str) -> None:
    """It counts as written: an array that lies on the program's data is an overflow."""
    for bss, harm in (((_TOP - 0x200, 4), False), ((_TOP - 0x100, 4), True), ((0, 0), False)):
        target = pico(f"{lower}; push {{r1}}; bkpt #0", objects=_ROOM, bss=bss)
        target.set_registers(r7=-256 & 0xFFFF_FFFF)
        if harm:
            assert over(target) == _TOP
        else:
            target.run()
            assert target.stack_warnings[0].sp == _TOP - 256


def test_another_stack_is_no_overflow() -> None:
    """Of a coroutine, in the program's own data; behind it the first stack is followed again."""
    other = SRAM_BASE + 0x400
    switch = f"mov r5, sp; ldr r6, ={other}; mov sp, r6; push {{r1, r2}}; sub sp, #32; mov sp, r5"
    moved = f"mov r5, sp; ldr r6, ={other}; {msr('msp', 6)}; push {{r1, r2}}; mov sp, r5"
    for elsewhere in (switch, moved):
        target = pico(f"{elsewhere}; push {{r1}}; bkpt #0", objects=_ROOM, bss=(other - 64, 64))
        target.run()
        assert target.stack_warnings == []
        assert target.memory_use().stack == 4
        assert target.registers.sp == _TOP - 4


def test_the_end_of_sram_is_an_overflow() -> None:
    room = {"__StackTop": (SRAM_BASE + 64, 0), "__StackBottom": (SRAM_BASE + 32, 0)}
    target = pico(_PUSHES.format(200), SRAM_BASE + 0x1000, objects=room)
    assert over(target) == SRAM_BASE


def test_an_exception_leaves_the_room() -> None:
    """The frame is stacked and taken back as ever; with data below it is an overflow."""
    svc = "adds r4, #1; bx lr"
    plain, target = build("svc #0; bkpt #0", svc=svc), build("svc #0; bkpt #0", svc=svc)
    (core, *_) = target._chip.processors  # type: ignore[attr-defined]
    core.core[Core.SP_LIMIT] = target.registers.sp - 16
    for each in (plain, target):
        each.set_registers(r4=7, r0=0x1234)
        each.run()
    assert target.registers == plain.registers
    assert target.registers.r4 == 8
    assert target.cycles == plain.cycles
    assert [warning.sp for warning in target.stack_warnings] == [plain.registers.sp - 32]


def test_off_says_nothing() -> None:
    source = program(_PUSHES.format(200), objects=_ROOM, bss=(_TOP - 0x400, 0x84))
    target = Pico(source, stack_limit=False)
    assert target.run().reason is StopReason.HALT
    assert target.stack_warnings == []


_WAITS = "both: b both; work: "
_DATA = 0x2003_0000


@pytest.mark.parametrize(
    ("objects", "limit"),
    [
        ({"__StackOneBottom": (0x2004_0F00, 0), "__StackOneTop": (0x2004_1000, 0)}, 0x2004_0F00),
        ({"stack": (0x2004_0800, 0x800)}, 0x2004_0800),
        ({}, 0x2004_0000),  # the bank
    ],
)
def test_core_1_leaves_its_room(objects: dict[str, tuple[int, int]], limit: int) -> None:
    deep = "movs r0, #255; lsls r0, #2; l: push {r1, r2}; subs r0, #1; bne l; bkpt #1"
    source = LAUNCH + _WAITS + deep
    target = Pico(program(source, objects=objects))
    target.set_registers(sp=0x2004_2000)
    assert target.run(1_000_000).immediate == 1
    (warning,) = target.stack_warnings
    assert (warning.core, warning.sp, warning.limit) == (1, limit - 8, limit)
    target = Pico(program(source, objects=objects, bss=(limit - 0x200, 0x100)))
    target.set_registers(sp=0x2004_2000)
    assert over(target) == limit - 0x100


def test_core_0_meets_the_stack_of_core_1() -> None:
    """Which core 1 uses only in part: what it has not used is free."""
    deep = "both: movs r0, #1; lsls r0, #12; m: push {r1}; subs r0, #1; bne m; bkpt #0;"
    work = "work: movs r0, #16; l: push {r1}; subs r0, #1; bne l; w: b w"
    room = {"__StackBottom": (0x2004_1800, 0), "__StackTop": (0x2004_2000, 0)}
    target = Pico(program(f"{LAUNCH}{deep}{work}", objects=room))
    target.set_registers(sp=0x2004_2000)
    assert over(target) == 0x2004_1000
    assert np.all(target.read(0x2004_1000 - 64, np.uint32, 16) == target.registers.r1)


def test_the_command_warns_and_records(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code = assemble(_PUSHES.format(20))
    functions = {"deep": (SRAM_BASE, len(code))}
    path, told = tmp_path / "deep.elf", tmp_path / "run.json"
    path.write_bytes(ElfSource(code, objects=_ROOM, functions=functions).build())
    assert main(["run", str(path), "--json", str(told)]) == 0
    said = capfd.readouterr().err
    assert "stack of core 0 left its room" in said
    assert "(deep)" in said
    (warning,) = json.loads(told.read_text())["stack_warnings"]
    assert (warning["core"], warning["function"], warning["sp"]) == (0, "deep", _TOP - 72)
    assert main(["run", str(path), "--json", str(told), "--stack-limit", "off"]) == 0
    assert capfd.readouterr().err == ""
    assert json.loads(told.read_text())["stack_warnings"] == []
