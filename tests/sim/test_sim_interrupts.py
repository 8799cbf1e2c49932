"""Exceptions: cycles, order and registers against a model that steps every cycle."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_interrupts import Interrupted
from sim_programs import FLASH_BASE, SRAM_BASE, ElfSource, assemble, mrs, msr

from priot.sim import Fault, FaultReason, Pico, Program, StopReason
from priot.sim.cpu.state import Core

_CYCLES_PER_TICK = 4
_VECTORS = 48
_STACK, _PROCESS = SRAM_BASE + 0x8000, SRAM_BASE + 0x6000
_LOG = SRAM_BASE + 0x4000
_POINTER = SRAM_BASE + 0x3FF8

# R4-R7 survive: the handlers use what the exception frame holds. Each notes its number and what
# SysTick shows.
_NOTE = """
    ldr r0, =0xE000E010
    ldr r1, [r0, #8]
    ldr r2, ={pointer}
    ldr r3, [r2]
    str r1, [r3]
    mrs_ipsr
    str r0, [r3, #4]
    adds r3, #8
    str r3, [r2]
"""


def build(main: str, base: int = SRAM_BASE, trace: bool = False, **handlers: str) -> Pico:
    """A Pico with a vector table at `base`, behind which its code follows.

    Handlers come by name: "irq0" to "irq31", "systick", "pendsv", "svc".
    """
    numbers = {"svc": 11, "pendsv": 14, "systick": 15} | {f"irq{n}": 16 + n for n in range(32)}
    start = base + 4 * _VECTORS
    code = assemble(main + "; .align 2", start)
    vectors = [_STACK, start | 1] + [0] * (_VECTORS - 2)
    for name, source in handlers.items():
        at = start + len(code)
        vectors[numbers[name]] = at | 1
        code += assemble(source + "; .align 2", at)
    image = np.array(vectors, np.uint32).tobytes() + code
    program = Program.parse(ElfSource(image, base, entry=start).build())
    target = Pico(program, trace=True)
    target.write(_POINTER, np.array([_LOG], np.uint32))
    return target


def noting(ending: str = "", first: str = "") -> str:
    """A handler that appends SysTick's value and its exception number to the log."""
    text = _NOTE.format(pointer=_POINTER).replace("mrs_ipsr", mrs(0, "ipsr"))
    body = "; ".join(line.strip() for line in text.strip().splitlines())
    return f"push {{r4, lr}}; {first}; {body}; {ending}; pop {{r4, pc}}"


def _agree(target: Pico) -> Interrupted:
    reference = Interrupted()
    reference.run(target, SRAM_BASE)
    stop = target.run()
    assert stop.reason is StopReason.HALT
    log = target.read(_LOG, np.uint32, 2 * len(reference.entries) + 2)
    theirs = np.frombuffer(reference.uc.mem_read(_LOG, log.nbytes), np.uint32)
    assert log.tolist() == theirs.tolist()
    assert target.cycles == reference.cycles
    assert target.profile().total == target.cycles
    assert target.registers.pc == reference.pc
    size = target.sram.size
    assert target.sram.tobytes() == bytes(reference.uc.mem_read(SRAM_BASE, size))
    return reference


def _set(address: int, value: int) -> str:
    return f"ldr r0, ={address:#x}; ldr r1, ={value:#x}; str r1, [r0]"


_CSR, _RVR, _CVR = 0xE000E010, 0xE000E014, 0xE000E018
_ISER, _ISPR, _IPR0, _ICSR = 0xE000E100, 0xE000E200, 0xE000E400, 0xE000ED04
_SHPR2, _SHPR3 = 0xE000ED1C, 0xE000ED20
_TICK = 0x4005802C
_ALARM0, _RAWL, _INTR, _INTE = 0x40054010, 0x40054028, 0x40054034, 0x40054038


@pytest.mark.parametrize("reload", range(60, 100))
def test_systick_interrupts_at_every_phase(reload: int) -> None:
    setup = "; ".join(_set(a, v) for a, v in ((_RVR, reload), (_CVR, 0), (_CSR, 7)))
    body = "movs r4, #40; o: subs r4, #1; nop; push {r4, r5, r6}; pop {r4, r5, r6}; bne o"
    target = build(f"{setup}; {body}; bkpt #0", systick=noting())
    seen = _agree(target)
    assert len(seen.entries) > 3


_BODY = st.sampled_from(
    [
        "adds r4, r4, #1",
        "muls r5, r4, r5",
        "push {r4, r5, r6}; pop {r4, r5, r6}",
        "push {r4}; adds r5, #3; pop {r4}",
        "movs r6, #9; o@: subs r6, #1; bne o@",
        "bl f@; b g@; f@: nop; bx lr; g@:",
        "cmp r4, r5; bhi h@; adds r5, #1; h@:",
        "cpsid i; nop; nop; adds r4, #1; cpsie i",
        "cpsid i; movs r6, #20; o@: subs r6, #1; bne o@; cpsie i; nop",
        "svc #1",
        _set(_ICSR, 1 << 28),
        _set(_ISPR, 1 << 5),
        f"ldr r0, ={_CVR:#x}; ldr r5, [r0]",
        f"ldr r0, ={_RAWL:#x}; ldr r5, [r0]; ldr r6, [r0]",
        "wfi",
    ]
)
# What a handler does with its mask before it returns, unmasked.
_MASKING = st.sampled_from(
    [
        "",
        "cpsid i; nop; cpsie i",
        f"{mrs(4, 'primask')}; cpsid i; nop; {msr('primask', 4)}",
        "cpsid i; push {r5, r6}; pop {r5, r6}; movs r4, #0; " + msr("primask", 4),
    ]
)


@st.composite
def _interrupted(draw: st.DrawFn) -> tuple[str, dict[str, str]]:
    """A program in a loop, and the handlers of what interrupts it."""
    body = draw(st.lists(_BODY, min_size=1, max_size=12))
    alarms = draw(st.lists(st.integers(40, 300), min_size=2, max_size=2))
    p = draw(st.lists(st.integers(0, 3), min_size=6, max_size=6))
    writes = [
        (_TICK, 1 << 9 | _CYCLES_PER_TICK),
        (_SHPR2, p[0] << 30),
        (_SHPR3, p[1] << 22 | p[2] << 30),
        (_IPR0, p[3] << 6 | p[4] << 14),
        (_IPR0 + 4, p[5] << 14),
        (_ISER, 0b100011),
        (_INTE, 0b11),
        (_ALARM0, alarms[0]),
        (_ALARM0 + 4, alarms[1]),
        (_RVR, draw(st.integers(150, 700))),
        (_CVR, 0),
        (_CSR, 7),
    ]
    lines = [line.replace("@", str(at)) for at, line in enumerate(body)]
    main = (
        draw(st.sampled_from(["", "push {r7}; "]))
        + "; ".join(_set(a, v) for a, v in writes)
        + f"; movs r7, #6; again: {'; '.join(lines)}; subs r7, #1; bne again; bkpt #0"
    )

    def alarm(number: int, after: int) -> str:
        return noting(
            f"ldr r0, ={_INTR:#x}; movs r1, #{1 << number}; str r1, [r0];"
            f"ldr r0, ={_RAWL:#x}; ldr r1, [r0]; adds r1, #{after};"
            f"ldr r0, ={_ALARM0 + 4 * number:#x}; str r1, [r0]",
            draw(_MASKING),
        )

    simple = {name: noting(draw(_MASKING)) for name in ("systick", "svc", "pendsv", "irq5")}
    return main, simple | {"irq0": alarm(0, 100), "irq1": alarm(1, 77)}


@settings(max_examples=60)
@given(_interrupted(), st.booleans())
def test_random_programs_with_random_interrupts(
    case: tuple[str, dict[str, str]], trace: bool
) -> None:
    main, handlers = case
    target = build(main, trace=trace, **handlers)
    _agree(target)
    if trace:
        assert target.call_graph().cycles == target.cycles


def _step_to_the_end(target: Pico) -> None:
    while target.step() is None:
        assert target.instructions < 50_000


@settings(max_examples=25)
@given(_interrupted())
def test_random_programs_in_flash_stepped_and_run(case: tuple[str, dict[str, str]]) -> None:
    """With the XIP cache: what a run does in blocks, single steps do at every instruction."""
    main, handlers = case
    steps, target = (build(main, FLASH_BASE, **handlers) for _ in range(2))
    assert target.run().reason is StopReason.HALT
    assert target.xip.stall_cycles > 0
    _step_to_the_end(steps)
    assert steps.cycles == target.cycles == target.profile().total
    assert steps.registers == target.registers
    assert steps.sram.tobytes() == target.sram.tobytes()


def _log(target: Pico, count: int) -> list[int]:
    """The exception numbers that the handlers noted."""
    return target.read(_LOG, np.uint32, 2 * count)[1::2].tolist()


def test_equal_priorities_chain_by_number() -> None:
    """One entry, two chained, one return: beside the handlers' own instructions."""
    writes = [(_ISER, 0x22), (_ISPR, 0x22), (_ICSR, 1 << 28)]
    setup = "; ".join(_set(a, v) for a, v in writes)
    target = build(
        f"cpsid i; {setup}; cpsie i; nop; bkpt #0",
        irq1=noting(),
        irq5=noting(),
        pendsv=noting(),
    )
    seen = _agree(target)
    assert _log(target, 3) == [14, 17, 21]
    times = [when for _, when in seen.entries]
    handler = 3 + 2 + 2 + 2 + 2 + 2 + 3 + 2 + 1 + 2 + 5
    assert np.diff(times).tolist() == [handler + 6] * 2


def test_more_urgent_one_preempts() -> None:
    """irq5 is taken inside of irq1's handler, right behind the store that makes it pending."""
    setup = "; ".join(_set(a, v) for a, v in [(_IPR0, 3 << 14), (_ISER, 0x22), (_ISPR, 2)])
    target = build(
        f"{setup}; bkpt #0",
        irq1=noting(first=_set(_ISPR, 0x20)),
        irq5=noting(),
    )
    _agree(target)
    assert _log(target, 2) == [21, 17]


def test_pendsv_waits_for_the_end_of_others() -> None:
    target = build(
        f"{_set(_SHPR3, 3 << 22)}; {_set(_ISER, 2)}; {_set(_ISPR, 2)}; nop; bkpt #0",
        irq1=noting(first=_set(_ICSR, 1 << 28)),
        pendsv=noting(),
    )
    _agree(target)
    assert _log(target, 2) == [17, 14]


def test_supervisor_call_passes_and_returns_registers() -> None:
    """The handler finds the SVC's number and the arguments in the frame, and answers there."""
    handler = (
        "mov r2, sp; ldr r1, [r2, #24]; subs r1, #2; ldrb r1, [r1]; ldr r3, [r2];"
        "adds r3, r3, r1; str r3, [r2]; bx lr"
    )
    target = build("movs r0, #100; svc #23; bkpt #0", svc=handler)
    _agree(target)
    assert target.registers.r0 == 123


def test_threads_on_the_process_stack() -> None:
    setup = f"ldr r0, ={_PROCESS}; {msr('psp', 0)}; movs r0, #2; {msr('control', 0)}; isb"
    target = build(f"{setup}; push {{r0}}; svc #1; pop {{r1}}; mov r2, sp; bkpt #0", svc=noting())
    lowest = target.registers.sp
    assert target.run().reason is StopReason.HALT
    values = target.registers
    assert (values.r1, values.r2, values.sp) == (2, _PROCESS, _PROCESS)
    frame = target.read(_PROCESS - 4 - 32 - 4, np.uint32, 9)
    assert frame[0] == 2  # R0, below the word that keeps SP at a multiple of 8
    assert frame[7] & 1 << 9
    assert target.memory_use().stack == lowest - (_STACK - 8)  # the handler's PUSH alone


_SPECIAL = ("msp", "psp", "control", "primask")
# What a handler does, its cycles (DDI0484C, table 3-1), and what that leaves in PRIMASK.
_MASKS = {
    "nothing": ("nop", 1, 0),
    "cpsid": ("cpsid i", 1, 1),
    "cpsid, cpsie": ("cpsid i; cpsie i", 1 + 1, 0),
    "msr": (f"movs r0, #1; {msr('primask', 0)}", 1 + 3, 1),
    "mrs, cpsid, msr": (
        f"{mrs(0, 'primask')}; cpsid i; {msr('primask', 0)}; isb",
        3 + 1 + 3 + 3,
        0,
    ),
    "msr psp": (f"{mrs(0, 'psp')}; {msr('psp', 0)}", 3 + 3, 0),
    "msr control": (f"movs r0, #2; {msr('control', 0)}; isb", 1 + 3 + 3, 0),  # in vain: B1.4.4
}


@pytest.mark.parametrize("stack", ["msp", "psp"])
@pytest.mark.parametrize("masking", _MASKS)
def test_return_restores_what_was_interrupted(masking: str, stack: str) -> None:
    """All of the state (Arm DDI0419E, B1.5.8), whatever the handler did to its mask."""
    what, cycles, primask = _MASKS[masking]
    spoil = "movs r0, #0; mov r12, r0; movs r1, #1; movs r2, #2; movs r3, #3"
    branch = f"{what}; {spoil}; bx lr", cycles + 5 + 2
    pop = f"push {{r4, lr}}; {what}; {spoil}; mov lr, r0; pop {{r4, pc}}", cycles + 3 + 6 + 5
    handlers = {"pendsv": branch, "irq1": branch, "systick": pop, "irq2": pop, "svc": pop}
    trigger = {
        "pendsv": (_ICSR, 1 << 28),
        "systick": (_ICSR, 1 << 26),
        "irq1": (_ISPR, 1 << 1),
        "irq2": (_ISPR, 1 << 2),
    }
    setup = f"{_set(_ISER, 6)}; ldr r0, ={_PROCESS}; {msr('psp', 0)}"
    if stack == "psp":
        setup += f"; movs r0, #2; {msr('control', 0)}; isb"
    target = build(
        f"{setup}; bkpt #0; svc #0; bkpt #1; str r1, [r0]; bkpt #2",
        **{name: source for name, (source, _) in handlers.items()},
    )
    assert target.run().immediate == 0
    core, at = target._core, target.registers.pc
    for name, (_, cost) in handlers.items():
        address, bit = trigger.get(name, (0x7070_7070, 0x7171_7171))
        begin = at + (2 if name == "svc" else 6)
        target.set_registers(
            **{f"r{n}": 0x0101_0101 * n for n in range(13)},
            lr=0x5555_5555,
            xpsr=0xA100_0000,
            pc=begin,
        )
        target.set_registers(r0=address, r1=bit, sp=core.register(stack) & ~7 | 4)
        core.set_registers(primask=0)
        before, special = target.registers, {name: core.register(name) for name in _SPECIAL}
        start = target.cycles
        stop = target.run()
        assert stop.immediate == (1 if name == "svc" else 2), name
        assert target.registers == replace(before, pc=begin + 2), name
        after = {name: core.register(name) for name in _SPECIAL}
        assert after == special | {"primask": primask}, name
        store = 0 if name == "svc" else 2
        assert target.cycles - start == store + 15 + cost + 11, name


@pytest.mark.parametrize("stack", ["main", "process"])
def test_handlers_find_themselves_on_the_main_stack(stack: str) -> None:
    """There CONTROL.SPSEL is 0 (B1.5.6) and writes do not change it (B1.4.4)."""
    spsel = 2 * (stack == "process")
    look = f"{mrs(0, 'control')}; movs r1, #2; {msr('control', 1)}; {mrs(1, 'control')}"
    inner = f"{look}; mov r8, r0; mov r9, r1; bx lr"
    outer = f"push {{r4, lr}}; {look}; mov r10, r0; mov r11, r1; svc #0; pop {{r4, pc}}"
    target = build(
        f"ldr r0, ={_PROCESS}; {msr('psp', 0)}; movs r0, #{spsel}; {msr('control', 0)}; isb;"
        f"{_set(_SHPR3, 3 << 22)}; {_set(_ICSR, 1 << 28)}; {mrs(7, 'control')}; bkpt #0",
        pendsv=outer,
        svc=inner,
    )
    assert target.run().reason is StopReason.HALT
    seen = target.registers
    assert (seen.r8, seen.r9, seen.r10, seen.r11, seen.r7) == (0, 0, 0, 0, spsel)


def test_masked_handler_returns_before_what_waits() -> None:
    """No tail-chaining under PRIMASK: the second one is taken when the thread allows it."""
    writes = "; ".join(_set(a, v) for a, v in [(_ISER, 0x22), (_ISPR, 0x22)])
    target = build(
        f"{writes}; nop; nop; movs r7, #7; cpsie i; nop; bkpt #0",
        irq1=noting("cpsid i"),
        irq5=noting("mov r6, r7"),
    )
    first, second = _agree(target).entries
    assert _log(target, 2) == [17, 21]
    handler = 3 + 2 + 2 + 2 + 2 + 2 + 3 + 2 + 1 + 2 + 1 + 5
    assert second[1] - first[1] == handler + 11 + 4 + 15
    assert target.registers.r6 == 7


def test_unmasked_handler_chains_to_what_waits() -> None:
    writes = [(_ISER, 0x22), (_ISPR, 0x22)]
    target = build(
        "; ".join(_set(a, v) for a, v in writes) + "; nop; bkpt #0",
        irq1=noting("cpsid i; nop; cpsie i"),
        irq5=noting("cpsid i; nop; cpsie i"),
    )
    first, second = _agree(target).entries
    handler = 3 + 2 + 2 + 2 + 2 + 2 + 3 + 2 + 1 + 2 + 3 + 5
    assert second[1] - first[1] == handler + 6


def test_wfi_in_a_masked_handler() -> None:
    """It ends with what would preempt; that is taken once the handler allows it."""
    writes = [(_IPR0, 3 << 14), (_RVR, 500), (_CVR, 0), (_CSR, 7), (_ISER, 2), (_ISPR, 2)]
    target = build(
        "; ".join(_set(a, v) for a, v in writes) + "; nop; bkpt #0",
        irq1=noting(first="cpsid i; wfi; movs r7, #7; cpsie i; nop"),
        systick=noting("cpsid i; cpsie i; mov r6, r7"),
    )
    _agree(target)
    assert _log(target, 2) == [15, 17]
    assert target.registers.r6 == 7


def test_thread_cannot_return_from_an_exception() -> None:
    """B1.5.8: in thread mode such a branch goes to its address, which holds no code."""
    target = build(
        f"{_set(_ICSR, 1 << 28)}; nop; ldr r0, =0xFFFFFFF9; bx r0",
        pendsv="cpsid i; cpsie i; bx lr",
    )
    with pytest.raises(Fault, match="execution from no memory: 2 bytes at 0xfffffff8") as caught:
        target.run()
    assert caught.value.reason is FaultReason.FETCH


@pytest.mark.parametrize("budget", [None, 100])
def test_wfi_skips_to_the_next_event(budget: int | None) -> None:
    reload = 1_000_000
    setup = "; ".join(_set(a, v) for a, v in ((_RVR, reload), (_CVR, 0), (_CSR, 7)))
    target = build(f"{setup}; wfi; bkpt #0", systick=noting())
    stop = target.run(budget)
    while stop.reason is StopReason.BUDGET:
        assert stop.cycles <= budget + 5
        stop = target.run(budget := 100_000)
    assert stop.reason is StopReason.HALT
    assert target.read(_LOG, np.uint32, 2).tolist() == [reload - (15 + 3 + 2) + 1, 15]
    assert target.cycles == target.profile().total


def test_masked_interrupt_ends_a_sleep_and_waits() -> None:
    setup = "; ".join(_set(a, v) for a, v in ((_RVR, 500), (_CVR, 0), (_CSR, 7)))
    target = build(f"{setup}; cpsid i; wfi; movs r6, #7; cpsie i; nop; bkpt #0", systick=noting())
    _agree(target)
    assert target.registers.r6 == 7
    assert _log(target, 1) == [15]


@pytest.mark.parametrize(("event_on_pend", "reason"), [(0, "SLEEP"), (1 << 4, "HALT")])
def test_masked_interrupt_ends_no_wfe_unless_pending_is_an_event(
    event_on_pend: int, reason: str
) -> None:
    writes = [(0xE000ED10, event_on_pend), (_RVR, 500), (_CVR, 0), (_CSR, 7)]
    setup = "; ".join(_set(a, v) for a, v in writes)
    target = build(f"{setup}; cpsid i; wfe; bkpt #0", systick=noting())
    assert target.run().reason is StopReason[reason]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("wfe; bkpt #0", StopReason.SLEEP),
        ("sev; wfe; bkpt #0", StopReason.HALT),
        ("sev; wfe; wfe; bkpt #0", StopReason.SLEEP),
        ("wfi; bkpt #0", StopReason.SLEEP),
        ("sev; wfi; bkpt #0", StopReason.SLEEP),
    ],
)
def test_sleep_that_nothing_can_end(source: str, reason: StopReason) -> None:
    target = build(source)
    assert target.run().reason is reason
    assert target.profile().total == target.cycles


def test_sleep_on_exit() -> None:
    """Behind the handler the core sleeps, and the instruction behind WFI never runs."""
    scr, sleep_on_exit = 0xE000ED10, 2
    writes = [(scr, sleep_on_exit), (_RVR, 700), (_CVR, 0), (_CSR, 7)]
    target = build(
        "; ".join(_set(a, v) for a, v in writes) + "; wfi; movs r6, #7; bkpt #0",
        systick=noting(),
    )
    assert target.run(max_cycles=10_000).reason is StopReason.BUDGET
    assert target.registers.r6 == 0
    assert _log(target, 10) == [15] * 10


def test_reset_request_ends_the_run() -> None:
    target = build(f"{_set(0xE000ED0C, 0x05FA0004)}; movs r6, #7; bkpt #0")
    stop = target.run()
    assert (stop.reason, target.registers.r6) == (StopReason.RESET, 0)


def test_interrupt_without_a_vector() -> None:
    target = build(f"{_set(_ISER, 2)}; {_set(_ISPR, 2)}; bkpt #0")
    with pytest.raises(Fault, match="exception without a vector"):
        target.run()


def test_no_room_for_the_frame() -> None:
    target = build(f"{_set(_ICSR, 1 << 28)}; bkpt #0", pendsv=noting())
    target._chip.processors[0].core[Core.SP_LIMIT] = _STACK - 16
    target.write(_STACK - 32, bytes(4))  # which is somebody's
    with pytest.raises(Fault, match="stack overflow"):
        target.run()


def test_stepping_equals_running() -> None:
    writes = [(_RVR, 100), (_CVR, 0), (_CSR, 7)]
    main = (
        "; ".join(_set(a, v) for a, v in writes)
        + "; movs r4, #9; o: subs r4, #1; push {r4}; pop {r5}; bl f; wfi; bne o; bkpt #0; f: bx lr"
    )
    steps, target = build(main, systick=noting()), build(main, systick=noting())
    target.run()
    _step_to_the_end(steps)
    assert steps.cycles == target.cycles
    assert steps.registers == target.registers
    assert steps.sram.tobytes() == target.sram.tobytes()
    assert steps.profile().cycles.tolist() == target.profile().cycles.tolist()
