"""Cycles: every row of the instruction table against the manual, and whole programs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_counter import count
from sim_programs import SRAM_BASE, msr, pico, set_registers

from priot.sim import StopReason
from priot.sim.instructions import INSTRUCTIONS_16, INSTRUCTIONS_32, KIND, Kind, instruction_at

# Arm DDI0484C (Cortex-M0+ r0p1), table 3-1. In each text the first instruction is the one
# measured; R7 points into SRAM, R6 to the BKPT at the end, and both are odd or even as needed.
MANUAL = {
    "LSLS (imm)": ("lsls r0, r1, #3", 1),
    "LSRS (imm)": ("lsrs r0, r1, #3", 1),
    "ASRS (imm)": ("asrs r0, r1, #3", 1),
    "ADDS (reg)": ("adds r0, r1, r2", 1),
    "SUBS (reg)": ("subs r0, r1, r2", 1),
    "ADDS (imm3)": ("adds r0, r1, #3", 1),
    "SUBS (imm3)": ("subs r0, r1, #3", 1),
    "MOVS (imm)": ("movs r0, #3", 1),
    "CMP (imm)": ("cmp r0, #3", 1),
    "ADDS (imm8)": ("adds r0, #200", 1),
    "SUBS (imm8)": ("subs r0, #200", 1),
    "ANDS": ("ands r0, r1", 1),
    "EORS": ("eors r0, r1", 1),
    "LSLS (reg)": ("lsls r0, r1", 1),
    "LSRS (reg)": ("lsrs r0, r1", 1),
    "ASRS (reg)": ("asrs r0, r1", 1),
    "ADCS": ("adcs r0, r1", 1),
    "SBCS": ("sbcs r0, r1", 1),
    "RORS": ("rors r0, r1", 1),
    "TST": ("tst r0, r1", 1),
    "RSBS": ("rsbs r0, r1, #0", 1),
    "CMP (reg)": ("cmp r0, r1", 1),
    "CMN": ("cmn r0, r1", 1),
    "ORRS": ("orrs r0, r1", 1),
    "MULS": ("muls r0, r1, r0", 1),
    "BICS": ("bics r0, r1", 1),
    "MVNS": ("mvns r0, r1", 1),
    "ADD (high)": ("add r8, r1", 1),
    "ADD SP": ("add sp, r0", 1),
    "ADD PC": ("add pc, r0; nop", 2),
    "CMP (high)": ("cmp r8, r1", 1),
    "MOV (high)": ("mov r8, r1", 1),
    "MOV SP": ("mov sp, r7", 1),
    "MOV PC": ("mov pc, r6", 2),
    "BX": ("bx r6", 2),
    "BLX": ("blx r6", 2),
    "LDR (literal)": ("ldr r0, [pc, #4]", 2),
    "STR (reg)": ("str r0, [r7, r4]", 2),
    "STRH (reg)": ("strh r0, [r7, r4]", 2),
    "STRB (reg)": ("strb r0, [r7, r4]", 2),
    "LDRSB (reg)": ("ldrsb r0, [r7, r4]", 2),
    "LDR (reg)": ("ldr r0, [r7, r4]", 2),
    "LDRH (reg)": ("ldrh r0, [r7, r4]", 2),
    "LDRB (reg)": ("ldrb r0, [r7, r4]", 2),
    "LDRSH (reg)": ("ldrsh r0, [r7, r4]", 2),
    "STR (imm)": ("str r0, [r7, #4]", 2),
    "LDR (imm)": ("ldr r0, [r7, #4]", 2),
    "STRB (imm)": ("strb r0, [r7, #4]", 2),
    "LDRB (imm)": ("ldrb r0, [r7, #4]", 2),
    "STRH (imm)": ("strh r0, [r7, #4]", 2),
    "LDRH (imm)": ("ldrh r0, [r7, #4]", 2),
    "STR (SP)": ("str r0, [sp, #4]", 2),
    "LDR (SP)": ("ldr r0, [sp, #4]", 2),
    "ADR": ("adr r0, #4", 1),
    "ADD (Rd, SP)": ("add r0, sp, #8", 1),
    "ADD SP (imm)": ("add sp, #8", 1),
    "SUB SP (imm)": ("sub sp, #8", 1),
    "SXTH": ("sxth r0, r1", 1),
    "SXTB": ("sxtb r0, r1", 1),
    "UXTH": ("uxth r0, r1", 1),
    "UXTB": ("uxtb r0, r1", 1),
    "PUSH": ("push {r0, r1, lr}", 1 + 3),
    "CPS": ("cpsid i", 1),
    "REV": ("rev r0, r1", 1),
    "REV16": ("rev16 r0, r1", 1),
    "REVSH": ("revsh r0, r1", 1),
    "POP": ("pop {r0, r1}", 1 + 2),
    "POP (PC)": ("pop {r0, pc}", 3 + 2),
    "BKPT": ("bkpt #1", 0),
    "NOP": ("nop", 1),
    "YIELD": ("yield", 1),
    "WFE": ("wfe", 2),
    "WFI": ("wfi", 2),
    "SEV": ("sev", 1),
    "STM": ("stm r7!, {r0, r1, r2}", 1 + 3),
    "LDM": ("ldm r7!, {r0, r1}", 1 + 2),
    "B": ("b end", 2),
    "BL": ("bl end", 3),
    "MSR": ("msr apsr, r0", 3),
    "MSR (MSP)": (msr("msp", 7), 3),
    "MRS": ("mrs r0, apsr", 3),
    "DSB": ("dsb", 3),
    "DMB": ("dmb", 3),
    "ISB": ("isb", 3),
}
TESTED_ELSEWHERE = {
    "B<cond>",
    "B<cond> (next)",
    "UDF",
    "SVC",
    "32-bit",
    "hint (unallocated)",
    "MSR (PSP)",
    "MSR (CONTROL)",
}


def _ready(source: str):
    target = pico(f"{source}; end: bkpt #9")
    halt = SRAM_BASE + len(target.program.segments[0].data) - 2
    stack = SRAM_BASE + 0x2000
    set_registers(target, r0=0, r1=1, r2=2, r4=8, r6=halt | 1, r7=SRAM_BASE + 0x1000, sp=stack)
    target.write(stack, np.array([halt | 1, halt | 1, halt | 1], np.uint32))
    return target


@pytest.mark.parametrize("name", MANUAL)
def test_cycles_of_each_instruction(name: str) -> None:
    source, cycles = MANUAL[name]
    target = _ready(source)
    first, second = target.read(SRAM_BASE, np.uint16, 2).tolist()
    row = instruction_at(first, second)
    assert row is not None
    assert row.name == name
    assert target.run().cycles == cycles


def test_every_row_is_pinned() -> None:
    rows = {
        row.name for row in INSTRUCTIONS_16 + INSTRUCTIONS_32 if row.kind is not Kind.UNPREDICTABLE
    }
    assert rows == MANUAL.keys() | TESTED_ELSEWHERE


@pytest.mark.parametrize("source", [msr("psp", 7), msr("control", 0)])
def test_msr_of_stack_registers_costs_three(source: str) -> None:
    assert _ready(source).run().cycles == 3


@pytest.mark.parametrize(
    ("flags", "branch", "cycles"),
    [
        ("cmp r0, r0", "beq", 2),
        ("cmp r0, r0", "bne", 1),
        ("cmp r1, r2", "blt", 2),
        ("cmp r1, r2", "bge", 1),
        ("cmp r1, r2", "blo", 2),
        ("cmp r1, r2", "bhi", 1),
        ("cmp r2, r1", "bhi", 2),
        ("cmp r2, r1", "bls", 1),
        ("cmp r2, r1", "bgt", 2),
        ("cmp r2, r1", "ble", 1),
        ("cmp r1, r2", "bmi", 2),
        ("cmp r1, r2", "bpl", 1),
        ("cmp r1, r2", "bvc", 2),
        ("cmp r1, r2", "bvs", 1),
        ("cmp r2, r1", "bhs", 2),
    ],
)
@pytest.mark.parametrize("target", ["far", "next"])
def test_conditional_branch(flags: str, branch: str, cycles: int, target: str) -> None:
    """Taken costs 2 even where the target is the next instruction, and so cannot be told by PC."""
    middle = "b out; far: nop; out:" if target == "far" else "next:"
    seen = _ready(f"{flags}; {branch} {target}; {middle} nop").run().cycles - 1
    after = 1 if target == "next" else 2 if cycles == 2 else 3  # nop; nop, nop; b, nop
    assert seen - after == cycles


def test_not_an_armv6m_halfword() -> None:
    cbz, it_eq, ldrd = 0xB100, 0xBF08, 0xE8D0
    assert KIND[cbz] == KIND[it_eq] == Kind.UNDEFINED
    assert instruction_at(ldrd, 0x0102) is None


_CONDITIONS = ["eq", "ne", "cs", "cc", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le"]
_REGISTERS = st.integers(0, 5)


@st.composite
def _programs(draw: st.DrawFn) -> str:
    """Loop-free blocks and bounded loops; branches go forwards into the middle of anything."""
    lines: list[str] = []
    length = draw(st.integers(1, 24))
    for number in range(length):
        a, b = draw(_REGISTERS), draw(_REGISTERS)
        condition = draw(
            st.sampled_from(
                ["eq", "ne", "cs", "cc", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le"]
            )
        )
        ahead = draw(st.integers(number + 1, length))
        lines.append(f"l{number}:")
        lines.append(
            draw(
                st.sampled_from(
                    [
                        f"adds r{a}, r{b}, #1",
                        f"muls r{a}, r{b}, r{a}",
                        f"cmp r{a}, r{b}",
                        f"subs r{a}, #77",
                        f"str r{a}, [r7, #8]",
                        f"ldrb r{a}, [r7, #3]",
                        f"push {{r{a}, r6, lr}}; cmp r{a}, r{b}; pop {{r{a}}}; add sp, #8",
                        f"sub sp, #16; mov r6, sp; str r{a}, [sp]; add sp, #16",
                        "mov r6, sp; mov sp, r6; push {r0, r1}; pop {r0, r1}",
                        f"b{condition} l{ahead}",
                        f"b{condition} n{number}; n{number}: adds r{a}, #1",
                        f"b l{ahead}",
                        f"bl l{ahead}",
                        f"movs r6, #{a + 1}; o{number}: subs r6, #1; bne o{number}",
                        f"stm r7!, {{r{a}}}; subs r7, #4",
                        "nop",
                        "mrs r6, apsr",
                    ]
                )
            )
        )
    # The outer loop counts in R8, so that every block runs more than once.
    body = "; ".join(lines)
    return (
        f"movs r6, #3; mov r8, r6; again: {body}; l{length}: mov r6, r8; subs r6, #1; "
        "mov r8, r6; beq stop; b again; stop: bkpt #0"
    )


def _equal(source: str, budget: int | None) -> None:
    target = pico(source)
    set_registers(target, r0=5, r1=0x80000000, r2=7, r3=0xFFFFFFFF, r7=SRAM_BASE + 0x1000)
    seen = count(target)
    before = target.cycles
    stop = target.run(budget)
    while stop.reason is StopReason.BUDGET:
        assert target.cycles - before == stop.cycles >= 1
        before = target.cycles
        stop = target.run(budget)
    assert stop.reason is StopReason.HALT
    assert target.cycles == seen.cycles
    assert target.instructions == seen.instructions
    profile = target.profile()
    assert dict(zip(profile.addresses, profile.executions, strict=True)) == seen.executions
    assert dict(zip(profile.addresses, profile.cycles, strict=True)) == seen.costs
    assert target.memory_use().stack == SRAM_BASE + target.sram.size - seen.lowest_sp


@settings(max_examples=150)
@given(_programs(), st.sampled_from([None, 1, 7, 50]))
def test_random_programs_equal_the_slow_counter(source: str, budget: int | None) -> None:
    _equal(source, budget)


def test_two_settings_of_sp_in_one_block() -> None:
    deep = "mov r6, sp; mov sp, r6; push {r0, r1, r2}; pop {r0, r1, r2}; mov r6, sp; mov sp, r6"
    _equal(f"{deep}; push {{r0}}; pop {{r0}}; bkpt #0", None)
    _equal(f"{deep}; push {{r0}}; pop {{r0}}; {deep}; bkpt #0", None)


def test_program_over_several_pages() -> None:
    """Unicorn splits blocks at page ends and at its own size limit."""
    _equal("nop; " * 5000 + "push {r0, lr}; " + "adds r0, #1; " * 3000 + "bkpt #0", None)


def test_stack_between_two_settings_of_sp() -> None:
    """Within one block, and in one that a breakpoint ends early."""
    _equal("mov r6, sp; mov sp, r6; push {r0, r1}; pop {r0, r1}; mov sp, r6; nop; bkpt #0", None)
    deep = "mov r6, sp; subs r6, #64; mov sp, r6; push {r0}; adds r6, #64; mov sp, r6; mov sp, r6"
    for budget in (None, 1):
        _equal(f"movs r5, #3; o: {deep}; subs r5, #1; bne o; bkpt #0", budget)
