"""The debugger: stops where it should, and a program under it runs as without it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sim_programs import FLASH_BASE, SRAM_BASE, pico, set_registers
from test_sim_interrupts import build, noting

from priot.sim import AddressError, FaultReason, Pico, StopReason
from priot.sim.gdb.debugger import Cause, Debugger, Halt, Watch, Watchpoint

_DATA = SRAM_BASE + 0x1000
_ONE = range(0)  # of `begin`: a single step
_CALLS = (
    "movs r0, #3; again: subs r0, #1; adds r1, #1; bl f; cmp r0, #0; bne again; bkpt #3;"
    "nop; bkpt #4; f: push {r1, lr}; pop {r1, pc}"
)


def go(debugger: Debugger, stepping: range | None = None, most: int = 10**9) -> Halt:
    """One motion to its end."""
    debugger.begin(stepping)
    halt = debugger.advance(most)
    assert halt is not None
    return halt


def state(target: Pico) -> tuple[object, ...]:
    """All that must not depend on a debugger."""
    profile = target.profile()
    sums = np.stack([profile.addresses, profile.cycles, profile.executions])
    return (target.cycles, target.instructions, target.registers, sums.tolist()), bytes(target.sram)


@pytest.mark.parametrize("base", [SRAM_BASE, FLASH_BASE])
@pytest.mark.parametrize("places", [(2, 4), (4,)])
def test_breakpoints_stop_ahead_and_cost_nothing(base: int, places: tuple[int, ...]) -> None:
    plain, target = pico(_CALLS, base), pico(_CALLS, base)
    plain.run()
    debugger = Debugger(target)
    code = target.read(base, count=24).tobytes()
    for at in (*places, 4):
        debugger.add_breakpoint(base + at)
    seen = []
    while go(debugger).cause is Cause.BREAKPOINT:
        seen.append((target.registers.pc - base, target.cycles))
        assert target.read(base, count=24).tobytes() == code
    assert [at for at, _ in seen] == [*places] * 3
    if base == SRAM_BASE:
        loop = plain.cycles // 3
        assert [now for _, now in seen] == [n * loop + at // 2 for n in range(3) for at in places]
    assert state(target) == state(plain)


def test_removed_breakpoints_are_gone() -> None:
    target = pico(_CALLS)
    debugger = Debugger(target)
    for at in (2, 4, 0x10):
        debugger.add_breakpoint(SRAM_BASE + at)
    assert go(debugger).cause is Cause.BREAKPOINT
    debugger.remove_breakpoint(SRAM_BASE + 2)
    assert go(debugger).cause is Cause.BREAKPOINT
    assert target.registers.pc == SRAM_BASE + 4
    debugger.close()
    halt = go(debugger)
    assert halt.stop is not None
    assert (halt.cause, halt.stop.immediate) == (Cause.PROGRAM, 3)


def test_breakpoint_in_code_that_is_written_later() -> None:
    """As in an image that copies itself to RAM: what is written over does not lose it."""
    target = pico("strh r1, [r0]; b next; next: nop; movs r2, #7; bkpt #0")
    set_registers(target, r0=SRAM_BASE + 4, r1=0x2209)  # movs r2, #9
    debugger = Debugger(target)
    debugger.add_breakpoint(SRAM_BASE + 4)
    assert go(debugger).cause is Cause.BREAKPOINT
    assert target.read(SRAM_BASE + 4, np.uint16)[0] == 0x2209
    assert go(debugger, _ONE).cause is Cause.STEP
    assert target.registers.r2 == 9


def test_every_step_is_one_instruction() -> None:
    target = pico(_CALLS)
    debugger = Debugger(target)
    path = []
    while go(debugger, _ONE).cause is Cause.STEP:
        path.append(target.registers.pc - SRAM_BASE)
    loop = [4, 6, 0x14, 0x16, 0xA, 0xC]
    assert path == [2, *loop, 2, *loop, 2, *loop, 0xE]
    assert target.instructions == len(path)
    plain = pico(_CALLS)
    plain.run()
    assert target.cycles == plain.cycles
    steps = [go(debugger, _ONE).cause for _ in range(3)]  # behind the BKPT, NOP, the next BKPT
    assert steps == [Cause.STEP, Cause.STEP, Cause.PROGRAM]
    assert target.registers.pc == SRAM_BASE + 0x12


def test_step_over_wide_instructions() -> None:
    mrs, dmb = ".short 0xF3EF; .short 0x8005", ".short 0xF3BF; .short 0x8F5F"
    target = pico(f"{mrs}; nop; {dmb}; nop; bkpt #0")
    path = []
    for _ in range(4):
        assert go(Debugger(target), _ONE).cause is Cause.STEP
        path.append((target.registers.pc - SRAM_BASE, target.cycles))
    assert path == [(4, 3), (6, 4), (10, 7), (12, 8)]


def test_range_is_left_at_its_end_or_at_a_breakpoint() -> None:
    target = pico(_CALLS)
    debugger = Debugger(target)
    inside = range(SRAM_BASE, SRAM_BASE + 10)
    assert go(debugger, inside).cause is Cause.STEP
    assert target.registers.pc == SRAM_BASE + 0x14
    debugger.add_breakpoint(SRAM_BASE + 4)
    assert go(debugger, range(1 << 32)).cause is Cause.BREAKPOINT
    assert target.registers.pc == SRAM_BASE + 4


_W, _R, _A = Watch.WRITE, Watch.READ, Watch.ACCESS


@pytest.mark.parametrize(
    ("kind", "at", "size", "stops"),  # of each: offset of PC, address that was hit
    [
        (_W, 0, 4, [(4, 0), (8, 0)]),
        (_R, 0, 4, [(12, 0), (16, 0)]),
        (_A, 1, 1, [(4, 1), (12, 1), (16, 1)]),
        (_A, 8, 4, [(16, 8)]),
        (_W, 8, 4, []),
        (_A, 2, 0x20, [(4, 2), (12, 2), (16, 2)]),
    ],
)
def test_watchpoint_stops_behind_the_access(
    kind: Watch, at: int, size: int, stops: list[tuple[int, int]]
) -> None:
    source = (
        "movs r1, #5; str r1, [r0]; movs r2, #6; strb r2, [r0]; adds r2, #1;"
        "ldr r3, [r0]; nop; ldm r0!, {r4, r5, r6}; nop; bkpt #0"
    )
    plain, target = pico(source), pico(source)
    for each in (plain, target):
        set_registers(each, r0=_DATA)
    plain.run()
    debugger = Debugger(target)
    debugger.add_watchpoint(Watchpoint(kind, _DATA + at, size))
    seen = []
    for _ in stops:
        halt = go(debugger)
        assert halt.cause is Cause.WATCHPOINT
        registers = target.registers
        seen.append((registers.pc - SRAM_BASE, halt.address - _DATA))
        if kind is not Watch.WRITE and registers.pc == SRAM_BASE + 12:
            assert registers.r3 == 6
    assert seen == stops
    assert go(debugger).cause is Cause.PROGRAM
    debugger.close()
    assert state(target) == state(plain)


@pytest.mark.parametrize(
    ("address", "size"), [(0x6000_0000, 4), (SRAM_BASE, 0), (SRAM_BASE, 1 << 20)]
)
def test_watched_bytes_lie_in_memory(address: int, size: int) -> None:
    debugger = Debugger(pico("bkpt #0"))
    with pytest.raises(AddressError):
        debugger.add_watchpoint(Watchpoint(Watch.WRITE, address, size))
    with pytest.raises(AddressError):
        debugger.add_breakpoint(0x6000_0000)


@pytest.mark.parametrize("stepping", [None, range(1 << 32)])
def test_budget_and_slices(stepping: range | None) -> None:
    target = pico("again: adds r0, #1; b again")
    debugger = Debugger(target, max_cycles=1000)
    debugger.begin(stepping)
    slices = 0
    while (halt := debugger.advance(100)) is None:
        slices += 1
    assert (slices, target.cycles) == (9, pytest.approx(1000, abs=3))
    assert halt.stop is not None
    assert halt.stop.reason is StopReason.BUDGET


def test_fault_while_running_and_stepping() -> None:
    for stepping in (None, range(1 << 32)):
        target = pico("movs r1, #1; push {r1}; adds r1, #1; ldr r2, [r0]; bkpt #0")
        set_registers(target, r0=0x6000_0000)
        halt = go(Debugger(target), stepping)
        assert halt.fault is not None
        assert (halt.cause, halt.fault.reason) == (Cause.FAULT, FaultReason.READ)
        assert target.registers.pc == SRAM_BASE + 6
        assert target.cycles == 1 + 2 + 1


def test_breakpoint_in_a_block_with_an_undefined_instruction() -> None:
    """Such a block is walked, not run: the breakpoint in it stops the walk."""
    target = pico("movs r1, #1; movs r1, #2; movs r1, #3; it eq; moveq r1, #7; bkpt #0")
    debugger = Debugger(target)
    debugger.add_breakpoint(SRAM_BASE + 2)
    assert go(debugger).cause is Cause.BREAKPOINT
    assert (target.registers.r1, target.cycles) == (1, 1)
    assert go(debugger).cause is Cause.FAULT
    assert (target.registers.r1, target.cycles) == (3, 3)


def _waits() -> Pico:
    systick = "ldr r0, =0xE000E010; ldr r1, =50000; str r1, [r0, #4]; str r1, [r0, #8]"
    return build(f"{systick}; movs r1, #7; str r1, [r0]; wfi; nop; bkpt #0", systick="bx lr")


def test_steps_through_a_wait_and_its_handler() -> None:
    plain, target = _waits(), _waits()
    plain.run()
    debugger = Debugger(target)
    path = []
    while go(debugger, _ONE).cause is Cause.STEP:
        path.append((target.registers.pc, target.cycles))
    (wait,) = (now for now in range(1, len(path)) if path[now][1] - path[now - 1][1] > 40_000)
    nop = path[wait - 1][0]  # behind the WFI
    # The sleep ends, the handler's one instruction is executed; the next is the NOP.
    assert [pc for pc, _ in path[wait:]] == [nop, nop + 2]
    assert state(target) == state(plain)


def test_interrupted_in_its_sleep() -> None:
    plain, target = _waits(), _waits()
    plain.run()
    debugger = Debugger(target)
    debugger.begin()
    assert debugger.advance(10_000) is None
    asleep = target.registers.pc
    assert go(debugger, _ONE).cause is Cause.STEP
    assert target.registers.pc == asleep
    assert target.cycles > 40_000
    assert go(debugger).cause is Cause.PROGRAM
    assert state(target) == state(plain)


_SNIPPETS = st.sampled_from(
    [
        "adds r4, r4, #1",
        "push {r4, r5, r6}; pop {r4, r5, r6}",
        "movs r6, #5; o@: subs r6, #1; bne o@",
        "bl f@; b g@; f@: nop; bx lr; g@:",
        "cmp r4, r5; bhi h@; adds r5, #1; h@:",
        "cpsid i; nop; adds r4, #1; cpsie i; nop",
        "svc #1",
        "ldr r0, =0xE000ED04; ldr r1, =0x10000000; str r1, [r0]",  # pends PendSV
        "ldr r0, =0x20003000; str r4, [r0, #4]; ldr r5, [r0]; ldm r0!, {r1, r2, r3}",
        "wfi",
    ]
)
_MOTIONS = st.sampled_from(["run", "step", "slice", "range"])


@settings(max_examples=25)
@given(
    st.lists(_SNIPPETS, min_size=1, max_size=8),
    st.integers(150, 500),
    st.sets(st.integers(0, 60), max_size=5),
    st.sampled_from([None, *Watch]),
    st.lists(_MOTIONS, min_size=1, max_size=6),
)
def test_any_session_leaves_the_run_as_it_is(
    body: list[str], reload: int, places: set[int], watch: Watch | None, motions: list[str]
) -> None:
    """Breakpoints in code and handlers, a watchpoint, steps and slices, among interrupts."""
    systick = f"ldr r0, =0xE000E010; ldr r1, ={reload}; str r1, [r0, #4]; str r1, [r0, #8]"
    lines = [line.replace("@", str(number)) for number, line in enumerate(body)]
    main = "; ".join([systick, "movs r1, #7; str r1, [r0]", *lines, "bkpt #0; .align 2"])
    plain, target = (build(main, systick=noting(), pendsv=noting(), svc=noting()) for _ in range(2))
    for each in (plain, target):
        each.write(0x2000_3000, bytes(16))
    assert plain.run().reason is StopReason.HALT
    debugger = Debugger(target)
    for place in places:
        debugger.add_breakpoint(plain.program.entry + 2 * place & ~1)
    if watch is not None:
        debugger.add_watchpoint(Watchpoint(watch, 0x2000_3002, 4))
    turn, halt = 0, None
    while halt is None or halt.cause is not Cause.PROGRAM:
        motion = motions[turn % len(motions)]
        turn += 1
        pc = target.registers.pc
        debugger.begin({"step": _ONE, "range": range(pc, pc + 8)}.get(motion))
        halt = debugger.advance(37 if motion == "slice" else 10**6)
    profile = target.profile()
    assert profile.total == target.cycles
    debugger.close()
    assert state(target) == state(plain)
