"""Corners of the architecture in which the core of our own was wrong once.

Arm DDI0419E; the right values are worked out by hand.
"""

import numpy as np
import pytest
from sim_programs import FLASH_BASE, SRAM_BASE, ElfSource, assemble, msr

from priot.sim import Engine, Fault, FaultReason, Pico, Program, StopReason
from priot.sim.cpu.state import Chip, Core, Sleep, Status

_CODE, _STACK, _PROCESS, _HANDLERS = (SRAM_BASE + at for at in (0x200, 0x8000, 0x6000, 0x1000))
_HARD_FAULT, _SVCALL, _PENDSV, _SYSTICK = 3, 11, 14, 15
_NVIC, _SCB, _SYST, _MPU = 0xE000_E100, 0xE000_ED00, 0xE000_E010, 0xE000_ED90
_ICSR = _SCB + 4
_ENTRY, _RETURN, _CHAIN = 15, 11, 6


def _pico(source: str, **handlers: str | int) -> Pico:
    """A Pico at `source`; "e3" is the handler of exception 3, or its vector."""
    vectors = [_STACK, _CODE | 1] + [0] * 46
    code = assemble(f"{source}; .align 2", _CODE)
    image = bytearray(0x1800)
    image[_CODE - SRAM_BASE : _CODE - SRAM_BASE + len(code)] = code
    at = _HANDLERS
    for name, handler in handlers.items():
        if isinstance(handler, str):
            code = assemble(f"{handler}; .align 2", at)
            image[at - SRAM_BASE : at - SRAM_BASE + len(code)] = code
            vectors[int(name[1:])] = at | 1
            at += len(code) + 8
        else:
            vectors[int(name[1:])] = handler
    image[: 4 * 48] = np.array(vectors, np.uint32).tobytes()
    program = Program.parse(ElfSource(bytes(image), SRAM_BASE, entry=_CODE).build())
    target = Pico(program, engine=Engine.OWN)
    target._chip.system_control.vtor = SRAM_BASE
    target._chip.processors[0].core[Core.SP_LIMIT] = 0
    target.set_registers(sp=_STACK)
    return target


def _core(target: Pico, place: Core) -> int:
    return int(target._chip.processors[0].core[place])


def _set(address: int, value: int) -> str:
    return f"ldr r0, ={address}; ldr r1, ={value}; str r1, [r0]"


def _fault(target: Pico) -> Fault:
    with pytest.raises(Fault) as caught:
        target.run(1000)
    return caught.value


def test_a_store_to_the_rom_changes_nothing() -> None:
    """As on the chip: TinyUSB 0.18 stores to address 0 at every control transfer."""
    target = _pico("movs r0, #0; ldr r1, [r0]; mvns r2, r1; str r2, [r0]; ldr r3, [r0]; bkpt #0")
    assert target.run(1000).reason is StopReason.HALT
    assert target.registers.r3 == target.registers.r1


# --- encodings


@pytest.mark.parametrize(
    "code",
    [
        *([0x44FF], [0x4578], [0x4587], [0x4778], [0x47F8]),  # ADD PC, PC; CMP PC; BX PC; BLX PC
        *([0xF3EF, 0x8004], [0xF3EF, 0x800A], [0xF3EF, 0x8D00], [0xF3EF, 0x8F00]),  # MRS
        *([0xF380, 0x8804], [0xF380, 0x88FF], [0xF38D, 0x8800], [0xF38F, 0x8800]),  # MSR
    ],
)
def test_unpredictable_encodings_are_refused(code: list[int]) -> None:
    """A6.7.17, A6.7.28, B4.2.2 and others: PC or SP where it must not stand, no such register."""
    target = _pico("; ".join(f".short {word}" for word in code))
    fault = _fault(target)
    assert (fault.reason, fault.registers.pc) == (FaultReason.UNPREDICTABLE, _CODE)
    assert target.cycles == 0


def test_second_halfword_beyond_the_end_of_memory() -> None:
    target = _pico("nop")
    last = SRAM_BASE + target.sram.size - 2
    target.write(last, np.array([0xF000], np.uint16))
    target.set_registers(pc=last)
    fault = _fault(target)
    assert (fault.reason, fault.address, fault.registers.pc) == (FaultReason.FETCH, last + 2, last)


def test_second_halfword_in_unstriped_memory() -> None:
    """Four banks take the words by turns: the next word there is 16 bytes on here."""
    target = _pico("nop")
    target.write(SRAM_BASE + 0x40, np.array([0xBF00, 0xF000], np.uint16))  # NOP; BL ...
    target.write(SRAM_BASE + 0x50, np.array([0xF800], np.uint16))  # ... to the next
    target.set_registers(pc=0x2100_0012)
    target.step()
    assert target.registers.pc == 0x2100_0016


def test_narrow_access_to_the_cores_own_registers_is_unpredictable() -> None:
    """B3.1.1."""
    for source in ("ldrb r1, [r0]", "strh r1, [r0]"):
        target = _pico(source)
        target.set_registers(r0=_NVIC + 0x300)
        assert _fault(target).reason is FaultReason.UNPREDICTABLE


def test_block_of_registers_of_which_some_are_native() -> None:
    """ISPR stands in the loop's arrays, the words behind it ask Python."""
    target = _pico("ldm r0!, {r1, r2, r3}; stm r4!, {r1, r2}; ldr r5, [r0, #12]; bkpt #0")
    target._chip.nvic.pend(16 + 5)
    target.set_registers(r0=_NVIC + 0x100, r1=9, r2=9, r3=9, r4=_NVIC + 0x100)
    target.run(100)
    registers = target.registers
    assert (registers.r1, registers.r2, registers.r3, registers.r0) == (32, 0, 0, _NVIC + 0x10C)


# --- exceptions


@pytest.mark.parametrize("back", [0xFFFF_FFF1, 0xFFFF_FFF5, 0xFFFF_FFF8, 0xF000_0001])
@pytest.mark.parametrize("source", ["bx r0", "push {r0, r1}; pop {r4, pc}"])
def test_what_is_no_return_is_a_fault_of_the_instruction(back: int, source: str) -> None:
    """B1.5.8; all registers as before it."""
    target = _pico(f"{_set(_ICSR, 1 << 28)}; b .", e14=f"ldr r0, ={back}; mov r1, r0; {source}")
    target.set_registers(r4=44)
    fault = _fault(target)
    pushed = source.startswith("push")
    assert (fault.reason, fault.registers.r4) == (FaultReason.FETCH, 44)
    assert fault.registers.pc == _HANDLERS + (6 if pushed else 4)
    assert fault.registers.sp == _STACK - 32 - 8 * pushed
    assert target.cycles == 6 + _ENTRY + 3 + (3 + 2) * pushed  # the words that were popped


def test_frame_returns_sp_by_or() -> None:
    """B1.5.8, PopStack: the padding bit is ORed to SP, which may have it already."""
    target = _pico(
        f"{_set(_ICSR, 1 << 28)}; nop; bkpt #0",
        e14="mov r0, sp; movs r1, #1; lsls r1, r1, #9; ldr r2, [r0, #28]; orrs r2, r1;"
        f"str r2, [r0, #24]; ldr r2, [r0, #20]; str r2, [r0, #16]; ldr r2, ={_CODE + 8 | 1};"
        "str r2, [r0, #20]; sub sp, #4; bx lr",
    )
    target.run(200)
    # The frame is read 4 bytes lower, at an SP with bit 2 set; its xPSR has bit 9 set.
    assert target.registers.sp == _STACK - 32 - 4 + 32


def test_unreadable_frame_is_a_hard_fault_without_another_frame() -> None:
    """B1.5.15: the handler of faults follows by tail-chaining, LR as for the return."""
    target = _pico(
        f"{_set(_ICSR, 1 << 28)}; nop; b .",
        e14=f"ldr r0, =0x30000000; {msr('psp', 0)}; ldr r0, =0xFFFFFFFD; bx r0",
        e3="mov r4, lr; movs r5, #1; l: b l",
    )
    target.run(60)
    assert (target.registers.r4, target.registers.sp) == (0xFFFF_FFFD, _STACK - 32)
    assert _core(target, Core.ACTIVE) == 1 << _HARD_FAULT


def test_frame_of_the_wrong_mode_is_a_hard_fault() -> None:
    target = _pico(
        f"{_set(_ICSR, 1 << 28)}; nop; b .",
        e14="mov r0, sp; ldr r1, [r0, #28]; adds r1, #5; str r1, [r0, #28]; bx lr",
        e3="mov r4, lr; l: b l; nop",
    )
    target.run(60)
    assert (target.registers.r4, target.registers.sp) == (0xFFFF_FFF9, _STACK - 32)


def test_frame_that_cannot_be_stored_is_a_hard_fault() -> None:
    """B1.5.15: SP moves all the same; what was to be entered stays pending."""
    target = _pico(
        f"ldr r0, =0x30000000; {msr('psp', 0)}; movs r0, #2; {msr('control', 0)};"
        f"{_set(_ICSR, 1 << 28)}; nop; b .",
        e14="b .",
        e3="mov r4, lr; l: b l; nop",
    )
    target.run(60)
    processor = target._chip.processors[0]
    assert (target.registers.r4, target.registers.sp) == (0xFFFF_FFFD, _STACK)
    assert processor.register("psp") == 0x2FFF_FFE0
    assert _core(target, Core.PENDING) == 1 << _PENDSV


def test_frame_of_a_hard_fault_that_cannot_be_stored_is_a_lockup() -> None:
    target = _pico("udf #0", e3="nop; b .")
    target.set_registers(sp=0x3000_0000)
    assert _fault(target).reason is FaultReason.WRITE


def test_the_mpu_guards_frames() -> None:
    """The program's own privilege counts: B1.5.6. Region 1 is for the privileged alone."""
    everything, stack = (0, 3 << 24 | 31 << 1 | 1), (_STACK - 0x100, 1 << 24 | 7 << 1 | 1)
    target = _protected("svc #0; nop", everything, stack)
    target._chip.processors[0].set_registers(control=1)
    before = target.read(_STACK - 32, np.uint32, 8).tolist()
    target.run(60)
    assert (target.registers.r4, target.registers.sp) == (0xFFFF_FFF9, _STACK - 32)
    assert target.read(_STACK - 32, np.uint32, 8).tolist() == before
    assert _core(target, Core.PENDING) == 1 << _SVCALL


@pytest.mark.parametrize("vector", [_HANDLERS, 0x3000_0001])
def test_vector_without_code_is_a_fault_of_the_handler(vector: int) -> None:
    """B1.5.6: the exception is active, and its handler faults before its first instruction."""
    target = _pico(
        f"{_set(_ICSR, 1 << 28)}; nop; b .",
        e14=vector,
        e3="mov r4, lr; ldr r5, [sp, #24]; l: b l",
    )
    target.run(60)
    assert (target.registers.r4, target.registers.r5) == (0xFFFF_FFF1, vector & ~1)
    assert _core(target, Core.ACTIVE) == 1 << _PENDSV | 1 << _HARD_FAULT
    assert target.registers.sp == _STACK - 64


def test_vector_without_code_and_without_a_fault_handler_names_what_was_interrupted() -> None:
    target = _pico(f"{_set(_ICSR, 1 << 28)}; nop; b .")
    fault = _fault(target)
    assert fault.reason is FaultReason.NO_HANDLER
    assert (fault.address, fault.registers.pc) == (SRAM_BASE + 4 * _PENDSV, _CODE + 6)


# SysTick comes to 0 about 1,000 and 2,000 cycles after this began, behind PRIMASK.
_TWICE = f"cpsid i; {_set(_SYST + 4, 999)}; {_set(_SYST + 8, 0)}; {_set(_SYST, 7)}; movs r2, #255;"
_TWICE += "l: nop; nop; nop; nop; nop; subs r2, #1; bne l"  # 8 cycles each


def test_what_systick_pends_while_it_is_pending_makes_no_difference() -> None:
    """Its handler, which stops it, begins once."""
    target = _pico(
        f"{_TWICE}; cpsie i; nop; nop; bkpt #0", e15=f"adds r4, #1; {_set(_SYST, 0)}; bx lr"
    )
    target.set_registers(r4=0)
    assert target.run(3000).reason is StopReason.HALT
    assert target.registers.r4 == 1


def test_clearing_a_pending_systick_clears_all_of_it() -> None:
    target = _pico(f"{_TWICE}; {_set(_ICSR, 1 << 25)}; ldr r3, [r0]; bkpt #0")
    assert target.run(3000).reason is StopReason.HALT
    assert target.registers.r3 >> 26 & 1 == 0


def test_interrupt_that_comes_during_the_returning_instruction_is_chained_to() -> None:
    """SysTick pends in the second cycle of BX LR: 6 cycles later its handler begins."""
    target = _pico(
        f"{_set(_SYST + 4, 99)}; {_set(_SYST + 8, 0)}; {_set(_ICSR, 1 << 28)}; {_set(_SYST, 7)};"
        "nop; bkpt #0",
        e14="b .",
        e15="bkpt #1",
    )
    target.run(23)  # PendSV's handler has begun
    assert target.registers.xpsr & 0x3F == _PENDSV
    begun = target.cycles
    target.write(_SYST_HELPER, assemble(f"{_set(_SYST, 7)}; {'nop;' * 97} bx lr", _SYST_HELPER))
    target.set_registers(pc=_SYST_HELPER)
    # LDR, LDR, STR: 6 cycles. The counter takes 1 to load 99 and 99 to come to 0, from the STR's
    # beginning on: 4 + 100. 6 + 97 NOPs = 103, so that is within BX.
    stop = target.run(1000)
    assert (stop.immediate, target.cycles - begun) == (1, 6 + 97 + 2 + _CHAIN)
    assert target.registers.lr == 0xFFFF_FFF9


_SYST_HELPER = SRAM_BASE + 0x1400


def test_icsr_tells_the_innermost_exception() -> None:
    """VECTACTIVE is IPSR, though a higher number is active too; VECTPENDING begins with NMI."""
    target = _pico(
        f"{_set(_NVIC + 0x300, 0xC0)}; {_set(_NVIC, 1)}; {_set(_NVIC + 0x100, 1)}; nop; bkpt #0",
        e16=f"{_set(_ICSR, 1 << 28)}; nop; bx lr",
        e14=f"ldr r0, ={_ICSR}; ldr r4, [r0]; bkpt #1",
    )
    assert target.run(1000).immediate == 1
    assert target.registers.r4 & 0x3F == _PENDSV


def test_svcall_can_be_pended_and_cleared() -> None:
    """SHCSR.SVCALLPENDED can be written (RP2040 datasheet, M0PLUS: SHCSR)."""
    shcsr = _SCB + 0x24
    target = _pico(
        f"cpsid i; {_set(shcsr, 1 << 15)}; ldr r4, [r0]; {_set(shcsr, 0)}; ldr r5, [r0]; bkpt #0"
    )
    target.run(100)
    assert (target.registers.r4, target.registers.r5) == (1 << 15, 0)


@pytest.mark.parametrize("before", [True, False])
def test_sevonpend_wakes_by_what_becomes_pending_alone(before: bool) -> None:
    """B1.5.18: an event is the transition; what was pending already is none."""
    pends = _set(_NVIC + 0x100, 1)
    first, then = (pends, "") if before else ("", f"; {pends}")
    target = _pico(f"{first}; {_set(_SCB + 0x10, 1 << 4)}{then}; wfe; bkpt #0")
    assert target.run(100).reason is (StopReason.SLEEP if before else StopReason.HALT)


# --- memory protection


def _protected(source: str, *regions: tuple[int, int], control: int = 5) -> Pico:
    target = _pico(source, e3="mov r4, lr; l: b l; nop")
    bus = target._chip._private[0].bus
    for number, (base, attributes) in enumerate(regions):
        bus.write(_MPU + 12, 4, base | 0x10 | number)
        bus.write(_MPU + 16, 4, attributes)
    bus.write(_MPU + 4, 4, control)
    return target


def test_reserved_permission_gives_no_access() -> None:
    """B3.5: AP 0b100 is reserved; nobody is let in."""
    target = _protected("ldr r1, [r0]", (SRAM_BASE + 0x3000, 4 << 24 | 7 << 1 | 1))
    target.set_registers(r0=SRAM_BASE + 0x3000, r4=0)
    target.run(30)
    assert target.registers.r4 == 0xFFFF_FFF9


def test_store_that_forbids_its_own_code_is_executed_once() -> None:
    """It was fetched before it took effect; the next instruction is the first that is refused."""
    target = _protected(
        f"ldr r0, ={_MPU}; ldr r1, ={1 << 28 | 3 << 24 | 7 << 1 | 1}; str r1, [r0, #16]; nop",
        (_CODE, 3 << 24 | 7 << 1 | 1),
    )
    target.set_registers(r4=0)
    target.run(30)
    assert target.registers.r4 == 0xFFFF_FFF9
    assert target.read(_STACK - 32 + 24, np.uint32)[0] == _CODE + 6


def test_second_halfword_is_guarded_too() -> None:
    target = _protected("nop", (_CODE + 0x100, 1 << 28 | 3 << 24 | 7 << 1 | 1))
    target.write(_CODE + 0xFE, np.array([0xF000, 0xF800], np.uint16))
    target.set_registers(pc=_CODE + 0xFE, r4=0)
    target.run(30)
    assert target.read(_STACK - 32 + 24, np.uint32)[0] == _CODE + 0xFE


def test_flash_takes_its_time_under_the_mpu_too() -> None:
    source = "nop; " * 9 + "bl l; l: nop; bkpt #0"
    program = Program.parse(ElfSource(assemble(source, FLASH_BASE), FLASH_BASE).build())
    cycles = []
    for control in (0, 5):
        target = Pico(program, engine=Engine.OWN)
        target._chip._private[0].bus.write(_MPU + 4, 4, control)
        target.run(10_000)
        cycles.append(target.cycles)
    assert cycles[0] == cycles[1]
    assert cycles[0] > 6 * 45


def test_no_place_hides_another_in_the_text_of_the_loop() -> None:
    """Its names are those of four enumerations at once."""
    names = [name for kind in (Core, Chip, Sleep, Status) for name in kind.__members__]
    twice = {name for name in names if names.count(name) > 1}
    assert twice == {"END"}


def test_a_read_that_makes_an_interrupt_pending_is_followed_by_it() -> None:
    """An empty mailbox is an error, and that interrupts: RP2040 datasheet, 2.3.1.4."""
    target = _pico(
        f"ldr r5, =0xD0000000; {_set(_NVIC, 1 << 15)}; ldr r0, [r5, #0x58]; nop; nop; bkpt #0",
        e31="bkpt #1",
    )
    assert target.run(1000).immediate == 1
    assert target.cycles == 2 + 6 + 1 + _ENTRY
