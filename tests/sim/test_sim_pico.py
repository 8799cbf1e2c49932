"""The Pico's public face: runs, calls, memory, memory use, profile."""

import numpy as np
import pytest
from sim_programs import FLASH_BASE, SRAM_BASE, ElfSource, assemble, pico, set_registers

from priot.sim import AddressError, Pico, Program, StopReason, SymbolError

_LOOP = "movs r0, #100; again: subs r0, #1; bne again; bkpt #3; movs r1, #5; bkpt #4"
_LOOP_CYCLES = 1 + 99 * 3 + 2


def test_halt_and_resume_behind_it() -> None:
    target = pico(_LOOP)
    first, second = target.run(), target.run()
    assert (first.reason, first.immediate, first.cycles) == (StopReason.HALT, 3, _LOOP_CYCLES)
    assert (second.reason, second.immediate, second.cycles) == (StopReason.HALT, 4, 1)
    assert target.cycles == _LOOP_CYCLES + 1
    assert target.seconds == target.cycles / 133_000_000


def test_budget_ends_at_the_next_instruction_and_resumes() -> None:
    target = pico(_LOOP)
    stop = target.run(max_cycles=50)
    assert stop.reason is StopReason.BUDGET
    assert stop.cycles == target.cycles == 50
    assert target.run().reason is StopReason.HALT
    assert target.cycles == _LOOP_CYCLES


def test_sleep_ends_a_run() -> None:
    target = pico("movs r0, #1; wfi; movs r0, #2; bkpt #0")
    stop = target.run()
    assert (stop.reason, stop.cycles, target.registers.r0) == (StopReason.SLEEP, 3, 1)
    assert target.run().reason is StopReason.HALT


def test_reset_repeats_the_run() -> None:
    target = pico("ldr r1, [r0]; adds r1, #1; str r1, [r0]; bkpt #0")
    runs = []
    for _ in range(2):
        set_registers(target, r0=SRAM_BASE + 0x1000)
        target.run()
        runs.append((target.cycles, target.registers, target.sram.tobytes()))
        target.reset()
        assert target.cycles == target.instructions == 0
        assert target.profile().cycles.size == 0
    assert runs[0] == runs[1]


def test_call_passes_arguments_and_restores_registers() -> None:
    source = (
        "bkpt #0; f: push {r4, lr}; adds r0, r0, r1; adds r2, r2, r3; subs r0, r0, r2; pop {r4, pc}"
    )
    target = pico(source, functions={"f": (SRAM_BASE + 2, 10)})
    set_registers(target, r4=44, r5=55)
    before = target.registers
    assert target.call("f", 10, 20, 3, 4) == 23
    assert target.call("f", 0, 0, 1, 0) == 0xFFFF_FFFF
    assert target.call("f", -1, 0, 0, 0) == 0xFFFF_FFFF
    assert target.registers == before
    assert target.cycles == 3 * (3 + 3 + 5)
    assert target.run().reason is StopReason.HALT
    with pytest.raises(ValueError, match="at most 4"):
        target.call("f", 1, 2, 3, 4, 5)


def test_unknown_symbol_names_near_ones() -> None:
    target = pico("bkpt #0", functions={"forward_pass": (SRAM_BASE, 2)})
    with pytest.raises(SymbolError, match="no symbol 'forward_pas'; did you mean forward_pass"):
        target.symbol("forward_pas")


def test_memory_by_symbol_and_address() -> None:
    target = pico("bkpt #0", objects={"data": (SRAM_BASE + 0x100, 8)})
    target.write("data", np.array([1, -2], np.int32))
    assert target.read("data", np.int32, 2).tolist() == [1, -2]
    view = target.view(SRAM_BASE + 0x104, np.int32, 1)
    view[0] = 7
    assert target.sram[0x104] == 7
    copy = target.read("data", np.int32, 2)
    copy[0] = 9
    assert view.base is not None
    assert target.read("data", np.int32, 1)[0] == 1
    target.write(FLASH_BASE, b"\1\2")
    assert target.read(FLASH_BASE, np.uint16, 1)[0] == 0x0201
    assert target.sram.shape == (270336,)


@pytest.mark.parametrize("address", [SRAM_BASE, SRAM_BASE + 270336, FLASH_BASE, 0, 0xFFFF_FFFF])
def test_no_bytes_lie_anywhere(address: int) -> None:
    target = pico("bkpt #0")
    before = target.sram.copy()
    target.write(address, b"")
    target.write(address, np.zeros(0, np.int32))
    assert target.read(address, count=0).shape == (0,)
    assert target.view(address, np.int32, 0).dtype == np.int32
    assert (target.sram == before).all()


@pytest.mark.parametrize("address", [0x4000, 0x2004_1FFD, 0x4000_0000, 0xFFFF_FFFE])
def test_bytes_outside_memory(address: int) -> None:
    with pytest.raises(AddressError):
        pico("bkpt #0").read(address, np.uint32, 1)


@pytest.mark.parametrize("function", ["f", "main"])
def test_host_writes_replace_code_that_ran(function: str) -> None:
    """Both where the new code comes first (f) and where other blocks lead to it (main)."""
    source = "f: movs r0, #1; bx lr; main: push {r4, lr}; bl f; pop {r4, pc}"
    target = pico(source, functions={"f": (SRAM_BASE, 4), "main": (SRAM_BASE + 4, 8)})
    set_registers(target, sp=SRAM_BASE + 0x2000)
    assert target.call(function) == 1
    before = target.cycles
    target.write(SRAM_BASE, assemble("ldr r0, [r1]; bx lr"))
    target.write(SRAM_BASE + 0x1000, np.uint32(77))
    assert target.call(function, 0, SRAM_BASE + 0x1000) == 77
    assert target.cycles - before == before + 1
    assert target.profile().cycles.sum() == target.cycles


def test_host_writes_replace_the_very_first_block() -> None:
    target = pico("movs r0, #1; bkpt #0; bkpt #1")
    for source, cycles in (("muls r0, r0, r0", 1), ("ldr r0, [r1]", 2), ("push {r0, r1}", 3)):
        target.write(SRAM_BASE, assemble(f"{source}; bkpt #0"))
        set_registers(target, pc=SRAM_BASE | 1, r1=SRAM_BASE)
        assert target.run().cycles == cycles


def test_code_that_rewrites_itself() -> None:
    """A call runs f, replaces its first instruction (1 cycle) by a load (2), and runs it again."""
    source = (
        "push {r4, lr}; bl f; strh r1, [r0]; bl f; pop {r4, pc};"
        "nop; f: movs r2, #1; bx lr; g: ldr r2, [sp]"
    )
    code = assemble(source)
    at = SRAM_BASE + len(code) - 6
    image = ElfSource(code, functions={"main": (SRAM_BASE, 2)}).build()
    target = Pico(Program.parse(image), trace=True)
    load = int.from_bytes(code[-2:], "little")
    for number, cost in enumerate((1, 2)):
        before = target.cycles
        target.call("main", at, load)
        assert target.cycles - before == 3 + 3 + (cost + 2) + 2 + 3 + (2 + 2) + 5, number
    profile = target.profile()
    assert profile.cycles.sum() == target.cycles
    here = profile.addresses == at
    assert (profile.executions[here].item(), profile.cycles[here].item()) == (4, 1 + 2 + 2 + 2)


def test_profile_by_function_sums_to_the_total() -> None:
    source = "push {r4, lr}; bl f; bl f; pop {r4, pc}; f: movs r0, #5; o: subs r0, #1; bne o; bx lr"
    size = len(assemble(source))
    start = SRAM_BASE + size - 8
    target = pico(source, functions={"main": (SRAM_BASE, size - 8), "f": (start, 8)})
    target.call("main")
    entries = {entry.name: entry for entry in target.profile().by_function()}
    assert entries["main"].cycles == 3 + 3 + 3 + 5
    assert entries["f"].cycles == 2 * (1 + 4 * 3 + 2 + 2)
    assert entries["f"].instructions == 2 * (1 + 10 + 1)
    assert sum(entry.cycles for entry in entries.values()) == target.cycles
    lines = target.profile().by_line()
    assert [(line.name, line.cycles) for line in lines] == [("?", target.cycles)]


def test_memory_use() -> None:
    arena = SRAM_BASE + 0x1000
    target = pico(
        "push {r0, r1, lr}; str r1, [r0]; pop {r0, r1, r2}; bkpt #0",
        objects={"__arena_start__": (arena, 0), "__arena_end__": (arena + 0x1000, 0)},
        bss=(SRAM_BASE + 0x800, 0x40),
    )
    assert target.memory_use().total == 8 + 0x40
    set_registers(target, r0=arena + 0x100, r1=0)
    target.view(arena + 0x100, np.uint32)[0] = 0xFFFFFFFF  # differs from what is stored
    target.run()
    use = target.memory_use()
    assert (use.code, use.static_data, use.stack, use.capacity) == (8, 0x40, 12, 270336)
    assert use.arena == 0x104
    assert use.total == 8 + 0x40 + 12 + 0x104


@pytest.mark.parametrize("address", [0x2000_0000, 0, 0x1000_0000, 0x5000_0000, 0xFFFF_FFFF])
def test_nothing_is_read_and_written_anywhere(address: int) -> None:
    target = pico("bkpt #0")
    target.write(address, b"")
    target.write(address, np.zeros(0, np.uint32))
    assert target.read(address, np.uint8, 0).size == 0
