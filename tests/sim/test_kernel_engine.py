"""Unicorn as an engine for kernels in SRAM: the same as the own core, to the cycle."""

import numpy as np
import pytest
from sim_programs import FLASH_BASE, SRAM_BASE, msr, program

from benchmarks.training import training
from priot import firmware_elf
from priot.experiments.device.costs import compared_methods
from priot.experiments.device.host import Device
from priot.experiments.device.variants import Variant
from priot.sim import (
    AddressError,
    CallError,
    Engine,
    Fault,
    FaultReason,
    Pico,
    Program,
    SimError,
    Stop,
    StopReason,
)
from priot.sim.gdb.debugger import Debugger
from priot.sim.kernel_engine import books


def pair(loaded: Program) -> tuple[Pico, Pico]:
    """The program on both engines."""
    own = Pico(loaded, engine=Engine.OWN, trace=True)  # so that it counts instructions
    return own, Pico(loaded, engine=Engine.UNICORN)


def assert_equal(own: Pico, kernel: Pico) -> None:
    """All that a Pico tells of a run."""
    assert kernel.registers == own.registers
    assert (kernel.cycles, kernel.instructions) == (own.cycles, own.instructions)
    assert kernel.seconds == own.seconds
    assert np.array_equal(kernel.sram, own.sram)
    assert kernel.memory_use() == own.memory_use()
    found, expected = kernel.profile(), own.profile()
    assert np.array_equal(found.addresses, expected.addresses)
    assert np.array_equal(found.executions, expected.executions)
    assert np.array_equal(found.cycles, expected.cycles)
    assert found.total == kernel.cycles


PROGRAMS = {
    "loop": "movs r0, #5; l: subs r0, r0, #1; bne l; bkpt #3",
    "loop within a block": "movs r0, #5; l: subs r0, r0, #1; beq out; b l; out: bkpt #3",
    "branch to the next": "beq a; a: movs r0, #1; bne b; b: bkpt #0",
    "stack": "push {r0-r7, lr}; sub sp, #32; add sp, #32; pop {r0-r7}; bkpt #0",
    "call": "bl f; bl f; bkpt #0; f: push {r4, lr}; movs r4, #1; pop {r4, pc}",
    "SP set twice": "mov r1, sp; subs r1, #64; mov sp, r1; push {r0}; mov sp, r1; bkpt #0",
    "SP added to": "movs r0, #6; mvns r0, r0; add sp, r0; mov r1, sp; push {r0, r1}; bkpt #0",
    "MSP written": f"mov r0, sp; subs r0, #72; {msr('msp', 0)}; push {{r0}}; bkpt #0",
    "PSP in use": f"""
        ldr r0, =0x20010000; movs r1, #2; {msr("psp", 0)}; {msr("control", 1)}
        push {{r0, r1}}; mov r2, sp; subs r2, #16; mov sp, r2; push {{r0}}; bkpt #0""",
    "hints": "yield; nop; sev; yield; bkpt #0",
    "WFI": "movs r0, #1; wfi; movs r0, #2",
    "WFE": "movs r0, #1; wfe; movs r0, #2",
    "code that writes code": """
        ldr r0, =0x200a; ldr r1, =patched; bl patched; strh r0, [r1]; bl patched; bkpt #0
        patched: movs r2, #1; bx lr""",
    "boot ROM": "movs r0, #0; ldrh r1, [r0, #20]; ldrh r2, [r0, #24]; bkpt #0",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_is_the_same_on_both_engines(name: str) -> None:
    own, kernel = pair(program(PROGRAMS[name]))
    assert kernel.run(10_000) == own.run(10_000)
    assert_equal(own, kernel)
    kernel.reset()
    own.reset()
    assert kernel.run(10_000) == own.run(10_000)
    assert_equal(own, kernel)


@pytest.mark.parametrize("name", PROGRAMS)
def test_it_steps_as_it_runs(name: str) -> None:
    own, kernel = pair(program(PROGRAMS[name]))
    for _ in range(100):
        stop = own.step()
        assert kernel.step() == stop
        assert kernel.registers == own.registers
        if stop:
            break
    assert_equal(own, kernel)


FAULTS = {
    "undefined": "movs r1, #1; udf #1",
    "undefined, 32 bits": "movs r1, #1; .short 0xF000; .short 0x0000; nop",
    "unpredictable": "push {r1}; .short 0xB400; nop",
    "unaligned word": "ldr r0, =0x20001002; ldr r1, [r0]",
    "unaligned halfword": "ldr r0, =0x20001001; movs r1, #4; strh r1, [r0, r1]",
    "unaligned with offset": "ldr r0, =0x20001001; ldr r1, [r0, #4]",
    "unaligned halfword with offset": "ldr r0, =0x20001001; ldrh r1, [r0, #6]",
    "unaligned several": "ldr r0, =0x20001002; stm r0!, {r1, r2}",
    "no memory to read": "ldr r0, =0x60000000; ldrb r1, [r0]",
    "no memory to write": "ldr r0, =0x60000000; str r1, [r0]",
    "no code": "ldr r0, =0x60000001; bx r0",
    "peripheral as code": "ldr r0, =0x40000001; bx r0",
    "ARM state": "ldr r0, =0x20000000; bx r0",
    "earlier one first": "movs r1, #1; ldr r0, =0x60000000; ldr r1, [r0]; udf #0",
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_the_same_on_both_engines(name: str) -> None:
    top = SRAM_BASE + 0x2000
    objects = {"__StackTop": (top, 0), "__StackBottom": (top - 256, 0)}
    targets = pair(program(FAULTS[name], objects=objects))
    assert _report(targets[0]) == _report(targets[1])
    assert_equal(*targets)


@pytest.mark.parametrize(
    ("source", "sp"),
    [
        ("l: movs r0, #1; push {r0-r7}; b l", 0x2000_1EE0),
        ("ldr r0, =0x20000001; movs r1, #1; mov sp, r0; movs r1, #2; bkpt #0", 0x2000_0000),
    ],
)
def test_a_stack_that_leaves_its_room_ends_a_run_of_unicorn(source: str, sp: int) -> None:
    """The core of our own looks whether it does harm; here it is a fault in any case."""
    top = SRAM_BASE + 0x2000
    objects = {"__StackTop": (top, 0), "__StackBottom": (top - 256, 0)}
    _, kernel = pair(program(source, objects=objects))
    assert f"SP would be {sp:#010x}, limit {top - 256:#010x}" in _report(kernel)


def _report(target: Pico) -> str:
    with pytest.raises(Fault) as caught:
        target.run()
    return caught.value.report()


def test_words_before_a_fault_count_on_the_own_core_alone() -> None:
    own, kernel = pair(program("ldr r0, =0x20041ff8; stm r0!, {r1, r2, r3}"))
    assert _report(own) == _report(kernel)
    assert kernel.registers == own.registers
    assert np.array_equal(kernel.sram, own.sram)
    assert (kernel.cycles, own.cycles) == (2, 2 + 2)


@pytest.mark.parametrize(
    "address",
    [0x4005_4028, 0x4000_0000, 0x5000_0000, 0xD000_0000, 0xE000_E100, FLASH_BASE, 0x2100_0000],
)
@pytest.mark.parametrize("access", ["ldr r1, [r0]", "str r1, [r0]"])
def test_peripherals_and_flash_are_refused(address: int, access: str) -> None:
    target = Pico(program(f"ldr r0, ={address}; {access}; bkpt #0"), engine=Engine.UNICORN)
    with pytest.raises(Fault) as caught:
        target.run()
    assert caught.value.reason is FaultReason.NOT_HERE
    assert caught.value.address == address
    assert str(caught.value) == (
        "the engine unicorn has no peripherals, flash or floating point; use the engine own: "
        f"4 bytes at {address:#010x} at PC 0x20000002"
    )


def test_a_store_to_the_rom_is_refused() -> None:
    target = Pico(program("movs r0, #16; str r1, [r0]; bkpt #0"), engine=Engine.UNICORN)
    with pytest.raises(Fault, match="use the engine own: 4 bytes at 0x00000010"):
        target.run()


def test_the_boot_roms_floating_point_is_refused() -> None:
    add = program("bkpt #0").symbols["fadd (boot ROM)"].address
    target = Pico(program(f"ldr r4, ={add | 1}; blx r4; bkpt #0"), engine=Engine.UNICORN)
    with pytest.raises(Fault, match=r"unicorn has no .* floating point.*fadd \(boot ROM\)"):
        target.run()


@pytest.mark.parametrize("number", [0xF0, 0xF1])
def test_the_boot_roms_flash_functions_are_refused(number: int) -> None:
    target = Pico(program("bkpt #0"), engine=Engine.UNICORN)
    rom = target._chip.copy_of(0, 0x4000)
    found = np.flatnonzero(rom.view(np.uint16) == 0xBE00 | number)
    target.set_registers(pc=2 * int(found[0]))
    with pytest.raises(Fault, match="no peripherals, flash"):
        target.run()


def test_an_svc_is_a_fault() -> None:
    target = Pico(program("movs r1, #1; svc #2; bkpt #0"), engine=Engine.UNICORN)
    with pytest.raises(Fault, match="SVC without a handler: df02 at PC 0x20000002"):
        target.run()
    assert (target.cycles, target.instructions) == (1, 1)


def test_a_budget_ends_ahead_of_a_block() -> None:
    target = Pico(program("l: nop; nop; nop; b l"), engine=Engine.UNICORN)
    assert target.run(6) == Stop(StopReason.BUDGET, 10)
    assert target.registers.pc == SRAM_BASE
    assert target.run(0) == Stop(StopReason.BUDGET, 0)


def test_calls_return_to_the_host() -> None:
    source = "bkpt #0; f: adds r0, r0, r1; bx lr; g: wfi; bx lr"
    functions = {"f": (SRAM_BASE + 2, 4), "g": (SRAM_BASE + 6, 4)}
    own, kernel = pair(program(source, functions=functions))
    for target in (own, kernel):
        assert target.call("f", 40, 2) == 42
        with pytest.raises(CallError, match=r"g did not return: sleep at 0x20000008"):
            target.call("g")
    assert_equal(own, kernel)


def test_returning_without_a_host_is_a_fault() -> None:
    target = Pico(program("ldr r0, =0xEFFFFFFF; bx r0"), engine=Engine.UNICORN)
    with pytest.raises(Fault) as caught:
        target.run()
    assert caught.value.reason is FaultReason.FETCH


def test_code_that_the_host_writes_is_executed() -> None:
    target = Pico(program("l: movs r0, #1; bkpt #0; b l"), engine=Engine.UNICORN)
    target.run()
    target.write(SRAM_BASE, b"\x02\x20")  # movs r0, #2
    target.run()
    assert target.registers.r0 == 2


def test_full_books_lose_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """More blocks than there is room for."""
    count = 3000
    branches = "".join(f"b l{n}; l{n}: adds r0, r0, #1;" for n in range(count))
    own, kernel = pair(program(f"movs r0, #0; {branches} bkpt #0"))
    monkeypatch.setattr("priot.sim.kernel_engine.tally.MAX_BLOCKS", count // 2)
    assert count < books.MAX_BLOCKS
    assert kernel.run() == own.run()
    for _ in range(4):  # each folds what is there
        for target in (own, kernel):
            target.set_registers(pc=SRAM_BASE)
            target.run()
    assert_equal(own, kernel)


def test_memory_is_sram_and_rom() -> None:
    target = Pico(program("bkpt #0"), engine=Engine.UNICORN)
    assert target.read(0, count=16).any()
    for address in (FLASH_BASE, 0x2100_0000, 0x4000_0000):
        with pytest.raises(AddressError):
            target.read(address, count=4)
    with pytest.raises(AddressError):
        target.view(FLASH_BASE, count=4)


def test_what_lies_elsewhere_is_refused() -> None:
    with pytest.raises(SimError, match="runs what lies in SRAM"):
        Pico(program("bkpt #0", FLASH_BASE + 0x100), engine=Engine.UNICORN)
    with pytest.raises(SimError, match="has no memory there"):
        Pico(program("bkpt #0", 0x2100_0000), engine=Engine.UNICORN)
    with pytest.raises(SimError, match="no debugger"):
        Debugger(Pico(program("bkpt #0"), engine=Engine.UNICORN))


@pytest.mark.parametrize("variant", [Variant.PLAIN, Variant.FAST])
def test_a_training_step_is_the_same_on_both_engines(variant: Variant) -> None:
    method = next(one for one in compared_methods() if one.label.lower() == "priot")
    task = training(method, images=1)
    targets = pair(Program.parse(firmware_elf.TRAINERS[variant].read_bytes()))
    for target in targets:
        task.steps(Device(target, task.model, task.settings, task.scales, variant))
    assert_equal(*targets)
