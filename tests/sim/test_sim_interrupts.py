"""Exceptions: cycles, order and registers against a model that steps every cycle."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_interrupts import Interrupted
from sim_programs import SRAM_BASE, ElfSource, assemble

from sim import Pico, Program, StopReason

_CYCLES_PER_TICK = 4
_VECTORS = 48
_CODE = SRAM_BASE + 4 * _VECTORS
_STACK = SRAM_BASE + 0x8000
_LOG = SRAM_BASE + 0x4000
_POINTER = SRAM_BASE + 0x3FF8

# R4-R7 survive: the handlers use what the exception frame holds. Each notes its number and what
# SysTick shows.
_NOTE = """
    push {{r4, lr}}
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


def build(main: str, **handlers: str) -> Pico:
    """A Pico with a vector table in SRAM; handlers by name, "irq0", "systick", "pendsv", "svc"."""
    numbers = {"svc": 11, "pendsv": 14, "systick": 15} | {f"irq{n}": 16 + n for n in range(32)}
    code = assemble(main + "; .align 2", _CODE)
    vectors = [_STACK, _CODE | 1] + [0] * (_VECTORS - 2)
    for name, source in handlers.items():
        at = _CODE + len(code)
        vectors[numbers[name]] = at | 1
        code += assemble(source + "; .align 2", at)
    image = np.array(vectors, np.uint32).tobytes() + code
    program = Program.parse(ElfSource(image, SRAM_BASE, entry=_CODE).build())
    target = Pico(program)
    target.write(_POINTER, np.array([_LOG], np.uint32))
    return target


def noting(ending: str = "") -> str:
    """A handler that appends SysTick's value and its exception number to the log."""
    mrs_ipsr = ".short 0xF3EF; .short 0x8005"
    text = _NOTE.format(pointer=_POINTER).replace("mrs_ipsr", mrs_ipsr)
    return "; ".join(line.strip() for line in text.strip().splitlines()) + (
        f"; {ending}; pop {{r4, pc}}"
    )


def _agree(target: Pico) -> Interrupted:
    reference = Interrupted()
    reference.run(target, SRAM_BASE)
    stop = target.run()
    assert stop.reason is StopReason.HALT
    log = target.read(_LOG, np.uint32, 2 * len(reference.entries) + 2)
    theirs = np.frombuffer(reference.uc.mem_read(_LOG, log.nbytes), np.uint32)
    assert log.tolist() == theirs.tolist()
    assert target.cycles == reference.cycles
    assert target.profile().cycles.sum() == target.cycles
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


@settings(max_examples=30, deadline=None)
@given(
    st.lists(_BODY, min_size=1, max_size=12),
    st.integers(150, 700),
    st.lists(st.integers(40, 300), min_size=2, max_size=2),
    st.lists(st.integers(0, 3), min_size=6, max_size=6),
    st.integers(0, 1),
)
def test_random_programs_with_random_interrupts(
    body: list[str], reload: int, alarms: list[int], priorities: list[int], odd_stack: int
) -> None:
    p = priorities
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
        (_RVR, reload),
        (_CVR, 0),
        (_CSR, 7),
    ]
    # A program whose SVC cannot be taken would be at fault.
    if p[0] >= 1 or "svc #1" not in body:
        body = [line for line in body if line != "svc #1"]
    lines = [line.replace("@", str(at)) for at, line in enumerate(body)]
    main = (
        ("push {r7}; " if odd_stack else "")
        + "; ".join(_set(a, v) for a, v in writes)
        + f"; movs r7, #6; again: {'; '.join(lines)}; subs r7, #1; bne again; bkpt #0"
    )
    clear = f"ldr r0, ={_INTR:#x}; movs r1, #{{bit}}; str r1, [r0]"
    arm = (
        (
            f"; ldr r0, ={_RAWL:#x}; ldr r1, [r0]; adds r1, #{{after}};"
            " ldr r0, ={alarm:#x}; str r1, [r0]"
        )
        .replace("{{", "{")
        .replace("}}", "}")
    )
    target = build(
        main,
        systick=noting(),
        svc=noting(),
        pendsv=noting(),
        irq0=noting((clear + arm).format(bit=1, after=100, alarm=_ALARM0)),
        irq1=noting((clear + arm).format(bit=2, after=77, alarm=_ALARM0 + 4)),
        irq5=noting(),
    )
    _agree(target)
