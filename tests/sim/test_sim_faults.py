"""Faults: each reason with its PC, address, registers and report, and exact cycles up to it."""

import pytest
from sim_programs import FLASH_BASE, SRAM_BASE, pico, set_registers

from priot.sim import CallError, Fault, FaultReason, Pico

_DATA = SRAM_BASE + 0x1000
# source (the third instruction faults), reason, address, R0
_FAULTS = [
    ("ldr r2, [r0]", FaultReason.READ, 0x60000000, 0x60000000),
    ("str r2, [r0]", FaultReason.WRITE, 0x60000000, 0x60000000),
    ("str r2, [r0]", FaultReason.WRITE_FLASH, FLASH_BASE + 0x300_0008, FLASH_BASE + 0x300_0008),
    ("ldr r2, [r0]", FaultReason.UNALIGNED, _DATA + 2, _DATA + 2),
    ("ldrh r2, [r0]", FaultReason.UNALIGNED, _DATA + 1, _DATA + 1),
    ("stm r0!, {r2, r3}", FaultReason.UNALIGNED, _DATA + 2, _DATA + 2),
    ("svc #1", FaultReason.SUPERVISOR_CALL, None, 0),
    ("udf #1", FaultReason.UNDEFINED, None, 0),
    ("it eq; moveq r1, #7", FaultReason.UNDEFINED, None, 0),
    ("cbz r0, out; nop; nop", FaultReason.UNDEFINED, None, 0),
    ("movw r0, #513", FaultReason.UNDEFINED, None, 0),
    ("clz r0, r1", FaultReason.UNDEFINED, None, 0),
    ("ldrd r2, r3, [r0]", FaultReason.UNDEFINED, None, _DATA),
    ("ldr.w r2, [r0, #4]", FaultReason.UNDEFINED, None, _DATA),
    ("push {r1}; .short 46080", FaultReason.UNPREDICTABLE, None, 0),
]


@pytest.mark.parametrize(("source", "reason", "address", "r0"), _FAULTS)
@pytest.mark.parametrize("budget", [None, 100])
def test_fault_inside_a_block(
    source: str, reason: FaultReason, address: int | None, r0: int, budget: int | None
) -> None:
    target = pico(
        f"movs r1, #1; movs r1, #2; {source}; out: movs r1, #9; bkpt #0",
        functions={"main": (SRAM_BASE, 64)},
    )
    set_registers(target, r0=r0)
    with pytest.raises(Fault) as caught:
        target.run(budget)
    fault = caught.value
    pushed = source.startswith("push")
    at = SRAM_BASE + (6 if pushed else 4)
    assert fault.reason is reason
    assert fault.address == address
    assert (fault.registers.pc, fault.registers.r1) == (at, 2)
    assert fault.function == f"main+{at - SRAM_BASE:#x}"
    assert target.cycles == (4 if pushed else 2)
    assert target.instructions == (3 if pushed else 2)
    profile = target.profile()
    assert profile.cycles.sum() == target.cycles
    assert profile.executions.sum() == target.instructions
    assert "\n" not in str(fault)
    assert reason.value in str(fault)
    assert f"{at:#010x}" in str(fault)
    assert "r1 00000002" in fault.report()


@pytest.mark.parametrize("branch", ["bx r0", "blx r0"])
def test_branch_to_arm_state(branch: str) -> None:
    target = pico(f"movs r1, #1; {branch}; nop; nop; bkpt #0")
    set_registers(target, r0=SRAM_BASE + 4)
    with pytest.raises(Fault) as caught:
        target.run()
    assert caught.value.reason is FaultReason.ARM_STATE
    assert caught.value.registers.pc == SRAM_BASE + 4
    assert target.cycles == 3
    assert target.profile().cycles.sum() == 3


@pytest.mark.parametrize(
    "address", [0x40000000, 0xD0000000, 0x60000000, 0xEFFFFFFE, 0xFFFFFFF8, 0x00004000]
)
def test_execution_from_no_memory(address: int) -> None:
    target = pico("movs r1, #1; bx r0; bkpt #0")
    set_registers(target, r0=address | 1)
    with pytest.raises(Fault) as caught:
        target.run()
    assert caught.value.reason is FaultReason.FETCH
    assert caught.value.address == caught.value.registers.pc == address
    assert target.cycles == 3


def _stacked(source: str) -> Pico:
    """The stack's limit lies 64 bytes below its top."""
    top = SRAM_BASE + 0x2000
    return pico(
        source,
        objects={"__StackTop": (top, 0), "__StackBottom": (top - 64, 0)},
    )


def test_stack_overflow_is_caught_before_it_writes() -> None:
    target = _stacked("again: movs r1, #7; push {r1, lr}; b again")
    target.write(SRAM_BASE + 0x2000 - 72, bytes(8))
    with pytest.raises(Fault, match="stack overflow: SP would be 0x20001fb8, limit 0x20001fc0"):
        target.run()
    assert target.cycles == 8 * (1 + 3 + 2) + 1
    assert target.registers.pc == SRAM_BASE + 2
    assert not target.read(SRAM_BASE + 0x2000 - 72, count=8).any()
    assert target.memory_use().stack == 64


def test_stack_overflow_by_computed_sp() -> None:
    target = _stacked("add sp, r0; b next; next: nop; bkpt #0")
    set_registers(target, r0=-128 & 0xFFFFFFFF)
    target.write(SRAM_BASE + 0x2000 - 100, bytes(8))
    with pytest.raises(Fault) as caught:
        target.run()
    assert caught.value.reason is FaultReason.STACK_OVERFLOW


def test_full_stack_is_no_overflow() -> None:
    target = _stacked("sub sp, #64; add sp, #64; bkpt #0")
    target.run()
    assert target.memory_use().stack == 64


def test_earlier_fault_wins_over_a_refused_instruction() -> None:
    target = pico("movs r1, #1; ldr r2, [r0]; it eq; moveq r1, #7; bkpt #0")
    set_registers(target, r0=0x60000000)
    with pytest.raises(Fault) as caught:
        target.run()
    assert caught.value.reason is FaultReason.READ


def test_fault_in_a_call_leaves_the_registers() -> None:
    target = pico("bkpt #0; f: udf #0", functions={"f": (SRAM_BASE + 2, 2)})
    before = target.registers
    with pytest.raises(Fault) as caught:
        target.call("f", 3)
    assert caught.value.registers.r0 == 3
    assert target.registers == before


def test_call_that_does_not_return() -> None:
    target = pico("bkpt #0; f: b f", functions={"f": (SRAM_BASE + 2, 2)})
    with pytest.raises(CallError, match=r"f did not return: budget at 0x20000002 \(f\+0x0\)"):
        target.call("f", max_cycles=1000)
    assert target.cycles == 1000
