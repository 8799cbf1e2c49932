"""LDM, STM, PUSH and POP that an interrupt comes amid: abandoned, and begun anew afterwards.

Arm DDI0484C, 3.6.1. Cycles, memory and registers are worked out by hand.
"""

import numpy as np
import pytest
from sim_programs import SRAM_BASE, ElfSource, assemble

from priot.sim import Pico, Program, StopReason

_CODE, _HANDLERS, _DATA, _STACK = (SRAM_BASE + at for at in (0x200, 0x800, 0x4000, 0x6000))
_SYST, _SPINLOCK0 = 0xE000_E010, 0xD000_0100
_PENDSV, _SYSTICK = 14, 15
_ENTRY = 15
_BEGIN = 12  # cycles of what stands before the instruction
_OLD, _NEW = (11, 22, 33), (0x44, 0x55, 0x66)


def _timed(instruction: str, delay: int) -> str:
    """SysTick comes `delay` cycles after the instruction has begun: the STR that starts it takes
    2, the counter 1 to load and one for each step.
    """
    return f"""
        ldr r6, ={_SYST}
        ldr r7, ={delay + 1}
        str r7, [r6, #4]
        str r7, [r6, #8]
        movs r7, #7
        nop
        str r7, [r6]
        {instruction}
    """


def _pico(source: str, handlers: dict[int, str] | None = None) -> Pico:
    """A Pico at `source`. SysTick's handler halts first, then it returns."""
    source += "; bkpt #0; bkpt #2"
    stops = f"ldr r0, ={_SYST}; movs r1, #0; str r1, [r0]"
    clears = "ldr r0, =0xE000ED04; ldr r1, =0x02000000; str r1, [r0]"
    returns = f"bkpt #1; {stops}; {clears}; bx lr"
    handlers = {_SYSTICK: returns} | (handlers or {})
    vectors = [_STACK, _CODE | 1] + [0] * 46
    image = bytearray(0x1000)
    places = {_CODE: source}
    for at, (number, handler) in enumerate(handlers.items()):
        places[_HANDLERS + 0x100 * at] = handler
        vectors[number] = _HANDLERS + 0x100 * at | 1
    for address, text in places.items():
        code = assemble(f"{text}; .align 2", address)
        image[address - SRAM_BASE : address - SRAM_BASE + len(code)] = code
    image[: 4 * 48] = np.array(vectors, np.uint32).tobytes()
    target = Pico(Program.parse(ElfSource(bytes(image), SRAM_BASE, entry=_CODE).build()))
    target._chip.system_control.vtor = SRAM_BASE
    values = dict(zip(("r0", "r1", "r2"), _NEW, strict=True))
    target.set_registers(**values, r4=_DATA, sp=_STACK - 12)
    target.write(_DATA, np.array(_OLD, np.uint32))
    target.write(_STACK - 12, np.array(_OLD, np.uint32))
    return target


def _words(target: Pico, address: int, count: int = 3) -> list[int]:
    return [int(word) for word in target.read(address, np.uint32, count)]


def _frame(target: Pico) -> list[int]:
    """R0 to R3, R12, LR, PC and xPSR as an exception stacked them."""
    return _words(target, target.registers.sp, 8)


def _stop(target: Pico) -> int:
    stop = target.run(1000)
    assert stop.reason is StopReason.HALT
    assert stop.immediate is not None
    return stop.immediate


def _go_on(target: Pico) -> int:
    target.set_registers(pc=target.registers.pc + 2)
    return _stop(target)


_INSTRUCTION = _CODE + 14


@pytest.mark.parametrize("delay", range(5))
@pytest.mark.parametrize(
    ("instruction", "place"),
    [("stm r4!, {r0, r1, r2}", _DATA), ("push {r0, r1, r2}", _STACK - 24)],
)
def test_words_that_were_stored_stay(instruction: str, place: int, delay: int) -> None:
    target = _pico(_timed(instruction, delay))
    before = _words(target, place)
    assert _stop(target) == 1
    ended = delay > 3  # an interrupt at its very end, cycle 4, comes behind it
    assert target.cycles == _BEGIN + delay + _ENTRY
    frame = _frame(target)
    assert frame[6] == _INSTRUCTION + 2 * ended
    pushed = 12 * (instruction.startswith("push") and ended)
    assert target.registers.sp == _STACK - 12 - pushed - 32 - (_STACK - 12 - pushed & 4)
    assert target.registers.r4 == _DATA + 12 * (ended and place == _DATA)
    if place == _DATA:  # the frame lies over what was pushed
        stored = min(delay, 3)
        assert _words(target, place) == [*_NEW[:stored], *before[stored:]]
    assert _go_on(target) == 0
    assert _words(target, place) == list(_NEW)
    assert (target.registers.r4 == _DATA + 12) == (place == _DATA)
    assert (target.registers.sp == _STACK - 24) == (place != _DATA)


@pytest.mark.parametrize("delay", range(5))
@pytest.mark.parametrize("instruction", ["ldm r4!, {r0, r1, r2}", "pop {r0, r1, r2}"])
def test_registers_are_as_before_until_all_are_loaded(instruction: str, delay: int) -> None:
    target = _pico(_timed(instruction, delay))
    assert _stop(target) == 1
    ended = delay > 3
    assert target.cycles == _BEGIN + delay + _ENTRY
    assert _frame(target)[:3] == list(_OLD if ended else _NEW)
    assert _frame(target)[6] == _INSTRUCTION + 2 * ended
    assert target.registers.r4 == _DATA + 12 * (ended and instruction.startswith("ldm"))
    assert _go_on(target) == 0
    seen = target.registers
    assert (seen.r0, seen.r1, seen.r2) == _OLD
    by_ldm = instruction.startswith("ldm")
    assert (seen.r4, seen.sp) == ((_DATA + 12, _STACK - 12) if by_ldm else (_DATA, _STACK))


@pytest.mark.parametrize("delay", range(6))
def test_pop_of_pc_is_finished_once_its_words_are_there(delay: int) -> None:
    """The two cycles of its branch are like those of any other."""
    target = _pico(_timed("pop {r0, pc}", delay))
    there = _INSTRUCTION + 4  # bkpt #2
    target.write(_STACK - 8, np.array([there | 1], np.uint32))
    assert _stop(target) == 1
    abandoned = delay <= 2
    assert target.cycles == _BEGIN + (delay if abandoned else 5) + _ENTRY
    assert _frame(target)[6] == (_INSTRUCTION if abandoned else there)
    assert _go_on(target) == 2
    assert (target.registers.r0, target.registers.sp) == (_OLD[0], _STACK - 4)


@pytest.mark.parametrize("delay", [1, 2, 3])
def test_registers_of_devices_are_read_again(delay: int) -> None:
    """Spinlocks that the abandoned LDM claimed are not free when it begins anew."""
    target = _pico(_timed("ldm r4!, {r0, r1, r2}", delay))
    target.set_registers(r4=_SPINLOCK0)
    assert _stop(target) == 1
    assert target.cycles == _BEGIN + delay + _ENTRY
    assert _go_on(target) == 0
    seen = target.registers
    free = [1 << lock if lock >= delay else 0 for lock in range(3)]
    assert [seen.r0, seen.r1, seen.r2] == free


@pytest.mark.parametrize("delay", range(1, 5))
def test_return_from_an_exception_by_pop(delay: int) -> None:
    """Abandoned while its words come, and chained to afterwards; LR tells."""
    pend = "ldr r5, =0xE000ED04; ldr r7, =0x00C00000; str r7, [r5, #28]; ldr r7, =0x10000000;"
    handler = _timed("pop {r4, pc}", delay)
    target = _pico(f"{pend} str r7, [r5]; nop", {_PENDSV: f"push {{r4, lr}}; {handler}"})
    assert _stop(target) == 1
    abandoned = delay <= 2
    assert target.registers.lr == (0xFFFF_FFF1 if abandoned else 0xFFFF_FFF9)
    assert _go_on(target) == 0
    assert (target.registers.r4, target.registers.sp) == (_DATA, _STACK - 12)


@pytest.mark.parametrize("limit", range(1, 5))
def test_a_budget_is_no_interrupt(limit: int) -> None:
    target = _pico(_timed("ldm r4!, {r0, r1, r2}", 500))
    target.run(_BEGIN + limit)
    assert (target.cycles, target.registers.pc) == (_BEGIN + 4, _INSTRUCTION + 2)
