"""The processor written down from the manual, on cases worked out by hand."""

import keystone
import pytest
from hypothesis import given
from hypothesis import strategies as st
from manual import ManualCore, Ram, Step

_TABLE, _CODE, _HANDLERS, _STACK = 0x2000_0000, 0x2000_1000, 0x2000_2000, 0x2000_8000
_IO_PORT = 0xD000_0000
_ICSR, _VTOR, _SCR, _SHPR2, _SHCSR = (0xE000_ED00 + n for n in (0x04, 0x08, 0x10, 0x1C, 0x24))
_NMI, _HARD_FAULT, _SVCALL, _PENDSV, _SYSTICK = 2, 3, 11, 14, 15
_WORDS = st.integers(0, 0xFFFF_FFFF)

_assembler = keystone.Ks(keystone.KS_ARCH_ARM, keystone.KS_MODE_THUMB)


def _assemble(source: str) -> bytes:
    code, _ = _assembler.asm(source, _CODE, as_bytes=True)
    return bytes(code)


def _core(source: str | bytes, **registers: int) -> ManualCore:
    """A core at `source`; the handler of exception n, at _HANDLERS + 16 * n, is a BX LR."""
    core = ManualCore(Ram([(_TABLE, bytearray(0x1_0000)), (_IO_PORT, bytearray(0x100))]))
    _write(core, _CODE, _assemble(source) if isinstance(source, str) else source)
    for number in range(48):
        core.memory.write(_TABLE + 4 * number, 4, _handler(number) | 1)
        core.memory.write(_handler(number), 2, 0x4770)  # BX LR
    core.memory.write(_TABLE, 4, _STACK)
    core.memory.write(_TABLE + 4, 4, _CODE | 1)
    core.system.vector_table = _TABLE
    core.reset()
    for name, value in registers.items():
        if name[1:].isdigit():
            core.r[int(name[1:])] = value
        else:
            setattr(core, name, value)
    return core


def _write(core: ManualCore, address: int, data: bytes) -> None:
    for offset, byte in enumerate(data):
        core.memory.write(address + offset, 1, byte)


def _handler(number: int) -> int:
    return _HANDLERS + 16 * number


def _handle(core: ManualCore, number: int, source: str) -> None:
    """Give exception `number` another handler."""
    _write(core, _handler(number), _assemble(source))


def _halfwords(*words: int) -> bytes:
    return b"".join(word.to_bytes(2, "little") for word in words)


def _run(core: ManualCore, count: int) -> list[Step]:
    return [core.step() for _ in range(count)]


def _flags(core: ManualCore) -> str:
    names = zip("nzcv", (core.n, core.z, core.c, core.v), strict=True)
    return "".join(name.upper() if flag else name for name, flag in names)


def _irq_ready(core: ManualCore, *numbers: int) -> None:
    core.exceptions.enabled |= {16 + number for number in numbers}


# --- instructions


@pytest.mark.parametrize(
    ("source", "r0", "r1", "carry", "result", "flags"),
    [
        ("adcs r0, r1", 0xFFFF_FFFF, 0, True, 0, "nZCv"),
        ("adcs r0, r1", 0x7FFF_FFFF, 0, True, 0x8000_0000, "NzcV"),
        ("adcs r0, r1", 0xFFFF_FFFF, 0xFFFF_FFFF, True, 0xFFFF_FFFF, "NzCv"),
        ("sbcs r0, r1", 0, 0, False, 0xFFFF_FFFF, "Nzcv"),
        ("sbcs r0, r1", 0x8000_0000, 0, False, 0x7FFF_FFFF, "nzCV"),
        ("sbcs r0, r1", 5, 5, True, 0, "nZCv"),
        ("sbcs r0, r1", 0, 0xFFFF_FFFF, False, 0, "nZcv"),
        ("adds r0, r0, r1", 0x8000_0000, 0x8000_0000, False, 0, "nZCV"),
        ("adds r0, #255", 0x7FFF_FF01, 0, True, 0x8000_0000, "NzcV"),
        ("subs r0, r0, r1", 0, 0x8000_0000, False, 0x8000_0000, "NzcV"),
        ("cmp r0, r1", 0x8000_0000, 1, False, 0x8000_0000, "nzCV"),
        ("cmp r0, #0", 0, 0, False, 0, "nZCv"),
        ("cmn r0, r1", 1, 0xFFFF_FFFF, False, 1, "nZCv"),
        ("rsbs r0, r1, #0", 9, 0x8000_0000, False, 0x8000_0000, "NzcV"),
        ("rsbs r0, r1, #0", 9, 0, False, 0, "nZCv"),
        ("muls r0, r1, r0", 0x1_0000, 0x1_0000, True, 0, "nZCv"),
        ("mvns r0, r1", 0, 0, True, 0xFFFF_FFFF, "NzCv"),
        ("bics r0, r1", 0xFF, 0x0F, False, 0xF0, "nzcv"),
        ("tst r0, r1", 1, 2, True, 1, "nZCv"),
        ("lsls r0, r1, #0", 9, 0x8000_0000, True, 0x8000_0000, "NzCv"),  # MOVS: C stays
        ("lsls r0, r1, #31", 9, 3, False, 0x8000_0000, "NzCv"),
        ("lsrs r0, r1, #32", 9, 0x8000_0000, False, 0, "nZCv"),
        ("asrs r0, r1, #32", 9, 0x8000_0000, False, 0xFFFF_FFFF, "NzCv"),
        ("lsls r0, r1", 3, 0, True, 3, "nzCv"),
        ("lsls r0, r1", 3, 32, False, 0, "nZCv"),
        ("lsls r0, r1", 3, 33, True, 0, "nZcv"),
        ("lsls r0, r1", 3, 255, True, 0, "nZcv"),
        ("lsls r0, r1", 3, 256, True, 3, "nzCv"),  # only the lowest byte counts
        ("lsrs r0, r1", 0x8000_0000, 32, False, 0, "nZCv"),
        ("lsrs r0, r1", 0x8000_0000, 33, True, 0, "nZcv"),
        ("lsrs r0, r1", 0x8000_0000, 255, True, 0, "nZcv"),
        ("asrs r0, r1", 0x8000_0000, 0, True, 0x8000_0000, "NzCv"),
        ("asrs r0, r1", 0x8000_0000, 33, False, 0xFFFF_FFFF, "NzCv"),
        ("asrs r0, r1", 0x7FFF_FFFF, 255, True, 0, "nZcv"),
        ("rors r0, r1", 0x8000_0001, 32, False, 0x8000_0001, "NzCv"),
        ("rors r0, r1", 1, 33, False, 0x8000_0000, "NzCv"),
        ("rors r0, r1", 1, 0, False, 1, "nzcv"),
        ("rors r0, r1", 2, 255, True, 4, "nzcv"),
        ("sxtb r0, r1", 0, 0x1280, False, 0xFFFF_FF80, "nzcv"),
        ("uxth r0, r1", 0, 0xFFFF_8000, False, 0x8000, "nzcv"),
        ("rev r0, r1", 0, 0x0102_0304, False, 0x0403_0201, "nzcv"),
        ("rev16 r0, r1", 0, 0x0102_0304, False, 0x0201_0403, "nzcv"),
        ("revsh r0, r1", 0, 0x0102_0380, False, 0xFFFF_8003, "nzcv"),
        ("add r0, r1", 0xFFFF_FFFF, 2, False, 1, "nzcv"),
        ("mov r0, pc", 0, 0, False, _CODE + 4, "nzcv"),
        ("adr r0, #8", 0, 0, False, _CODE + 12, "nzcv"),
    ],
)
def test_results_and_flags(
    source: str, r0: int, r1: int, carry: bool, result: int, flags: str
) -> None:
    core = _core(source, r0=r0, r1=r1, c=carry)
    assert core.step() is Step.INSTRUCTION
    assert (core.r[0], _flags(core), core.pc, core.cycles) == (result, flags, _CODE + 2, 1)


@given(_WORDS, _WORDS)
def test_comparisons_order_numbers(x: int, y: int) -> None:
    signed = [word - (word >> 31 << 32) for word in (x, y)]
    expected = {
        0: x == y,
        2: x >= y,
        8: x > y,
        10: signed[0] >= signed[1],
        12: signed[0] > signed[1],
    }
    for condition, holds in expected.items():
        for inverse in (0, 1):
            core = _core(_halfwords(0x4288, 0xD008 | condition + inverse << 8), r0=x, r1=y)
            _run(core, 2)
            taken = core.pc == _CODE + 2 + 4 + 16
            assert taken == (holds != bool(inverse))
            assert core.cycles == 1 + (2 if taken else 1)


@pytest.mark.parametrize(
    ("code", "target", "cycles"),
    [
        (_halfwords(0xF000, 0xF800), _CODE + 4, 3),  # BL to the next instruction
        (_halfwords(0xF7FF, 0xFFFE), _CODE, 3),  # BL to itself
        (_halfwords(0xF000, 0xD000), _CODE + 4 + 0x00C0_0000, 3),
        (_halfwords(0xE7FE), _CODE, 2),
        (_halfwords(0xE3FF), _CODE + 4 + 0x7FE, 2),
    ],
)
def test_branch_targets(code: bytes, target: int, cycles: int) -> None:
    core = _core(code)
    assert core.step() is Step.INSTRUCTION
    assert (core.pc, core.cycles) == (target, cycles)
    assert core.lr == ((_CODE + 4) | 1 if len(code) == 4 else 0xFFFF_FFFF)


@given(st.integers(-(1 << 23), (1 << 23) - 1))
def test_bl_goes_where_the_assembler_says(halfwords: int) -> None:
    target = _CODE + 4 + 2 * halfwords
    core = _core(f"bl #{target}")
    core.step()
    assert (core.pc, core.lr) == (target, (_CODE + 4) | 1)


@given(st.lists(st.integers(0, 0xFFFF), min_size=2, max_size=2), st.lists(_WORDS, min_size=13))
def test_any_code_executes_or_is_a_fault(code: list[int], values: list[int]) -> None:
    core = _core(_halfwords(*code))
    core.r = values[:13]
    for _ in range(6):
        core.step()
        assert all(0 <= core.get(number) <= 0xFFFF_FFFF for number in range(16))
        assert core.sp % 4 == core.pc % 2 == 0


@pytest.mark.parametrize(
    ("source", "cycles"),
    [
        ("ldr r0, [r7]", 2),
        ("ldrb r0, [r6]", 1),
        ("str r0, [r6, #4]", 1),
        ("ldr r0, [pc, #8]", 2),
        ("strh r0, [r7, #2]", 2),
        ("ldm r7!, {r0-r3}", 5),
        ("stm r7!, {r0}", 2),
        ("push {r0, r1, lr}", 4),
        ("pop {r0, r1}", 3),
        ("pop {r0, pc}", 5),
        ("pop {pc}", 4),
        ("mov pc, r5", 2),
        ("add pc, r4", 2),
        ("bx r5", 2),
        ("blx r5", 2),
        ("dmb", 3),
        ("cpsid i", 1),
        ("wfe", 2),
        ("wfi", 2),
        ("sev", 1),
        ("nop", 1),
    ],
)
def test_cycles(source: str, cycles: int) -> None:
    core = _core(source, r4=0, r5=_CODE | 1, r6=_IO_PORT, r7=_TABLE + 0x4000)
    core.msp = _STACK - 64
    assert core.step() is Step.INSTRUCTION
    assert core.cycles == cycles


def test_signed_loads_and_bytes_in_memory() -> None:
    core = _core("ldrsb r0, [r7, r6]; ldrsh r1, [r7, r6]; strb r1, [r7]; ldr r2, [r7]")
    core.r[6:8] = 0, _TABLE + 0x4000
    core.memory.write(core.r[7], 4, 0x1234_80F0)
    _run(core, 4)
    assert core.r[:3] == [0xFFFF_FFF0, 0xFFFF_80F0, 0x1234_80F0]


def test_multiple_transfers_with_the_base_in_the_list() -> None:
    stm, ldm = 0xC106, 0xC809  # R1!, {R1, R2} and R0, {R0, R3}
    core = _core(_halfwords(stm, ldm), r0=_TABLE + 0x4000, r1=_TABLE + 0x4000, r2=7)
    _run(core, 2)
    assert core.r[0] == _TABLE + 0x4000  # as loaded, not written back
    assert (core.r[1], core.r[3]) == (_TABLE + 0x4008, 7)


@pytest.mark.parametrize(
    "code",
    [
        _halfwords(0x4508),  # CMP (high) of two low registers
        _halfwords(0x44FF),  # ADD PC, PC
        _halfwords(0x4778),  # BX PC
        _halfwords(0x4701),  # BX with a bit that should be 0
        _halfwords(0xB400),
        _halfwords(0xBC00),
        _halfwords(0xC000),
        _halfwords(0xC800),
        _halfwords(0xB100),  # CBZ
        _halfwords(0xBF08),  # IT
        _halfwords(0xB673),  # CPSID with F
        _halfwords(0xBA80),
        _halfwords(0xDE00),
        _halfwords(0xBE00),  # BKPT without a debugger
        _halfwords(0xE800, 0x0000),
        _halfwords(0xF000, 0x8000),
        _halfwords(0xF7F0, 0xA000),  # UDF.W
        _halfwords(0xF3EF, 0x8D00),  # MRS SP
        _halfwords(0xF3EF, 0x8004),
        _halfwords(0xF380, 0x8811),  # BASEPRI
        _halfwords(0xF3BF, 0x8F2F),  # CLREX
        _assemble("ldr r0, [r1, #4]"),  # unaligned
        _assemble("strh r0, [r1]"),
        _assemble("ldr r0, [r2]"),  # no memory
        _assemble("ldrb r0, [r3]"),  # part of a system register
    ],
)
def test_what_is_a_fault(code: bytes) -> None:
    core = _core(code, r1=_TABLE + 0x4001, r2=0x3000_0000, r3=_ICSR)
    before = list(core.r)
    assert core.step() is Step.FAULT
    assert (core.pc, core.cycles, core.r) == (_CODE, 0, before)
    assert core.step() is Step.EXCEPTION
    assert (core.ipsr, core.pc) == (_HARD_FAULT, _handler(_HARD_FAULT))
    assert core.memory.read(core.msp + 0x18, 4) == _CODE


@pytest.mark.parametrize("hint", [0xBF10, 0xBF50, 0xBFF0])
def test_hints_that_are_not_allocated_do_nothing(hint: int) -> None:
    core = _core(_halfwords(hint))
    assert (core.step(), core.pc, core.asleep) == (Step.INSTRUCTION, _CODE + 2, "")


@pytest.mark.parametrize("source", ["bx r0", "blx r0", "pop {pc}"])
def test_an_even_address_is_a_fault_at_the_next_instruction(source: str) -> None:
    core = _core(source, r0=_CODE + 8)
    core.msp = _STACK - 8
    core.memory.write(core.msp, 4, _CODE + 8)
    assert _run(core, 3) == [Step.INSTRUCTION, Step.FAULT, Step.EXCEPTION]
    assert core.memory.read(core.msp + 0x18, 4) == _CODE + 8
    assert core.memory.read(core.msp + 0x1C, 4) >> 24 & 1 == 0
    assert core.thumb


@pytest.mark.parametrize("source", ["ldm r7!, {r0-r3}", "stm r7!, {r0-r3}", "push {r0-r3}"])
def test_a_transfer_that_faults_halfway_leaves_the_registers(source: str) -> None:
    core = _core(source, r0=1, r1=2, r7=_TABLE + 0x1_0000 - 8)
    if source.startswith("push"):
        core.memory = Ram([(_TABLE, bytearray(0x1_0000)), (_STACK + 0x1_0000, bytearray(8))])
        core.memory.write(_CODE, 2, 0xB40F)
        core.msp = _STACK + 0x1_0008
    before, sp = list(core.r), core.msp
    assert core.step() is Step.FAULT
    assert (core.r, core.msp) == (before, sp)


def test_special_registers() -> None:
    core = _core(
        _halfwords(0xF380, 0x8809, 0xF3EF, 0x8109, 0xF382, 0x8814, 0xF383, 0x8810, 0xF3EF, 0x8414)
        + _halfwords(0xF3EF, 0x8508, 0xF383, 0x8803),
        r0=0x2000_7007,
        r2=0b11,
        r3=0xFFFF_FFFF,
    )
    _run(core, 3)  # MSR PSP; MRS r1, PSP; MSR CONTROL
    assert (core.r[1], core.sp, core.control) == (0x2000_7004, 0x2000_7004, 3)
    _run(core, 4)  # without privilege: MSR PRIMASK; MRS r4, CONTROL; MRS r5, MSP; MSR XPSR
    assert (core.primask, core.r[4], core.r[5], _flags(core)) == (False, 3, 0, "NZCV")
    assert core.cycles == 7 * 3


# --- exceptions


@pytest.mark.parametrize("misaligned", [0, 4])
def test_the_frame_of_an_exception(misaligned: int) -> None:
    core = _core("nop", r0=10, r1=11, r2=12, r3=13, r12=22, c=True, lr=99)
    core.msp = _STACK - misaligned
    _irq_ready(core, 3)
    core.pend(3)
    assert core.step() is Step.EXCEPTION
    assert core.msp == _STACK - misaligned - 32 - misaligned
    frame = [core.memory.read(core.msp + at, 4) for at in range(0, 32, 4)]
    assert frame == [10, 11, 12, 13, 22, 99, _CODE, 0x2100_0000 | misaligned << 7]
    assert (core.pc, core.ipsr, core.lr) == (_handler(19), 19, 0xFFFF_FFF9)
    assert (core.exceptions.active, core.exceptions.pending) == ({19}, set())
    assert core.cycles == 15
    core.r[:4] = 0, 0, 0, 0
    assert core.step() is Step.INSTRUCTION  # BX LR
    assert (core.r[:4], core.r[12], core.lr) == ([10, 11, 12, 13], 22, 99)
    assert (core.msp, core.pc, core.ipsr) == (_STACK - misaligned, _CODE, 0)
    assert (_flags(core), core.cycles, core.event_register) == ("nzCv", 15 + 2 + 11, True)


def test_an_exception_of_a_program_on_the_process_stack() -> None:
    core = _core("nop", psp=_STACK - 0x1000, spsel=True, npriv=True)
    _irq_ready(core, 0)
    core.pend(0)
    core.step()
    assert (core.lr, core.psp, core.msp) == (0xFFFF_FFFD, _STACK - 0x1020, _STACK)
    assert (core.sp, core.control, core.privileged) == (_STACK, 0b01, True)
    core.step()
    assert (core.sp, core.control, core.privileged) == (_STACK - 0x1000, 0b11, False)


def test_tail_chaining() -> None:
    core = _core("nop")
    _irq_ready(core, 0, 1)
    core.pend(0)
    core.pend(1)
    _run(core, 2)
    assert (core.ipsr, core.lr, core.cycles, core.msp) == (
        17,
        0xFFFF_FFF9,
        15 + 2 + 6,
        _STACK - 32,
    )
    core.step()
    assert (core.ipsr, core.cycles, core.msp) == (0, 15 + 2 + 6 + 2 + 11, _STACK)


def test_priorities_before_numbers_and_nesting() -> None:
    core = _core("nop")
    _irq_ready(core, 0, 1, 2)
    core.store(0xE000_E400, 4, 0x0040_40C0)  # IRQ 0: 3; 1 and 2: 1
    for number in range(3):
        core.pend(number)
    core.step()
    assert core.ipsr == 17
    core.store(0xE000_E400, 4, 0x0000_40C0)
    core.step()
    assert (core.ipsr, core.lr, core.msp) == (18, 0xFFFF_FFF1, _STACK - 64)
    core.step()
    assert (core.ipsr, core.lr) == (17, 0xFFFF_FFF9)
    core.step()
    assert core.ipsr == 16  # tail-chained


def test_a_more_urgent_exception_arrives_late() -> None:
    core = _core("nop")
    _irq_ready(core, 0)
    core.store(0xE000_E400, 4, 0x80)
    core.systick.reload, core.systick.value = 100, 15
    core.systick.write_control(7)
    core.pend(0)
    core.step()
    assert (core.ipsr, core.cycles, core.msp) == (_SYSTICK, 15, _STACK - 32)
    core.step()
    assert (core.ipsr, core.cycles) == (16, 15 + 2 + 6)


def test_a_level_pends_until_it_falls() -> None:
    core = _core("nop")
    _irq_ready(core, 5)
    core.set_irq(5, True)
    core.step()
    assert core.exceptions.pending == set()
    core.step()
    assert (core.ipsr, core.cycles) == (21, 15 + 2 + 6)
    core.set_irq(5, False)
    core.step()
    assert core.ipsr == 0
    core.set_irq(5, True)
    core.set_irq(5, False)
    assert core.exceptions.pending == {21}  # latched


def test_a_signal_that_rises_while_its_handler_runs_pends_again() -> None:
    """B3.4: a rising edge counts whether the interrupt is active or not."""
    core = _core("nop")
    _irq_ready(core, 5)
    core.pend(5)
    core.step()
    core.set_irq(5, True)
    core.set_irq(5, False)
    assert (core.exceptions.active, core.exceptions.pending) == ({21}, {21})


def test_primask_holds_interrupts_back_but_no_faults() -> None:
    core = _core("cpsid i; nop; cpsie i; nop")
    _irq_ready(core, 0)
    core.pend(0)
    core.primask = True
    assert _run(core, 4) == [Step.INSTRUCTION] * 3 + [Step.EXCEPTION]
    assert core.memory.read(core.msp + 0x18, 4) == _CODE + 6
    core = _core(_halfwords(0xDE00), primask=True)
    assert _run(core, 2) == [Step.FAULT, Step.EXCEPTION]
    assert core.ipsr == _HARD_FAULT
    core = _core("nop", primask=True)
    core.exceptions.pend(_NMI)
    assert (core.step(), core.ipsr) == (Step.EXCEPTION, _NMI)


def test_svc() -> None:
    core = _core("svc #1")
    assert (core.step(), core.cycles, core.pc) == (Step.INSTRUCTION, 0, _CODE + 2)
    assert core.load(_SHCSR, 4) == 1 << 15
    assert (core.step(), core.ipsr) == (Step.EXCEPTION, _SVCALL)
    assert core.memory.read(core.msp + 0x18, 4) == _CODE + 2


def test_svc_that_cannot_pre_empt_is_a_hard_fault() -> None:
    core = _core("svc #1", primask=True)
    assert _run(core, 2) == [Step.FAULT, Step.EXCEPTION]
    assert core.ipsr == _HARD_FAULT
    core = _core("nop")
    _irq_ready(core, 0)
    core.store(_SHPR2, 4, 0x8000_0000)
    core.store(0xE000_E400, 4, 0x80)
    _handle(core, 16, "svc #1")
    core.pend(0)
    assert _run(core, 3) == [Step.EXCEPTION, Step.FAULT, Step.EXCEPTION]
    assert (core.ipsr, core.lr) == (_HARD_FAULT, 0xFFFF_FFF1)


def test_a_fault_of_a_fault_handler_locks_up_and_an_nmi_goes_on() -> None:
    core = _core(_halfwords(0xDE00))
    _handle(core, _HARD_FAULT, "udf #0")
    _run(core, 2)
    assert (core.step(), core.step(), core.pc) == (Step.FAULT, Step.LOCKED_UP, 0xFFFF_FFFE)
    assert core.locked_up
    core.exceptions.pend(_NMI)
    assert (core.step(), core.ipsr, core.locked_up) == (Step.EXCEPTION, _NMI, False)
    assert core.memory.read(core.msp + 0x18, 4) == 0xFFFF_FFFE
    assert _run(core, 3) == [Step.INSTRUCTION, Step.FAULT, Step.LOCKED_UP]
    _handle(core, _NMI, "udf #0")
    core.exceptions.pend(_NMI)
    assert _run(core, 3) == [Step.EXCEPTION, Step.FAULT, Step.LOCKED_UP]
    core.exceptions.pend(_NMI)
    assert core.step() is Step.LOCKED_UP


def test_faults_on_entry() -> None:
    core = _core("nop", psp=0x3000_0000, spsel=True)  # no memory to push to
    _irq_ready(core, 0)
    core.pend(0)
    assert (core.step(), core.ipsr, core.lr) == (Step.EXCEPTION, _HARD_FAULT, 0xFFFF_FFFD)
    assert (core.psp, core.exceptions.pending) == (0x2FFF_FFE0, {16})
    core = _core("nop")
    core.system.vector_table = 0x3000_0000
    core.exceptions.pend(_PENDSV)
    assert (core.step(), core.ipsr, core.locked_up) == (Step.EXCEPTION, _HARD_FAULT, True)
    core = _core(_halfwords(0xDE00))
    core.msp = 0x3000_0000
    _run(core, 2)
    assert (core.locked_up, core.ipsr) == (True, _HARD_FAULT)


def test_an_even_vector_is_a_fault_in_the_handler() -> None:
    core = _core("nop")
    core.memory.write(_TABLE + 4 * _PENDSV, 4, _handler(_PENDSV))
    core.exceptions.pend(_PENDSV)
    assert _run(core, 3) == [Step.EXCEPTION, Step.FAULT, Step.EXCEPTION]
    assert (core.ipsr, core.memory.read(core.msp + 0x18, 4)) == (_HARD_FAULT, _handler(_PENDSV))


@pytest.mark.parametrize("value", [0xFFFF_FFF1, 0xFFFF_FFF5, 0xFFFF_FFF8, 0xF000_0001])
def test_what_is_no_way_to_return(value: int) -> None:
    core = _core("nop")
    core.exceptions.pend(_PENDSV)
    core.step()
    core.lr = value
    assert _run(core, 2) == [Step.FAULT, Step.EXCEPTION]
    assert core.exceptions.active == {_PENDSV, _HARD_FAULT}


def test_a_frame_that_does_not_fit_the_mode() -> None:
    core = _core("nop")
    core.exceptions.pend(_PENDSV)
    core.step()
    core.memory.write(core.msp + 0x1C, 4, 0x0100_0005)
    frame = core.msp
    core.step()
    assert (core.ipsr, core.msp, core.lr) == (_HARD_FAULT, frame, 0xFFFF_FFF9)
    assert core.exceptions.active == {_HARD_FAULT}


def test_return_by_pop_and_exc_return_in_thread_mode() -> None:
    core = _core("nop", r0=0xFFFF_FFF9)
    _handle(core, _PENDSV, "push {r4, lr}; pop {r4, pc}")
    core.exceptions.pend(_PENDSV)
    _run(core, 3)
    assert (core.pc, core.ipsr, core.cycles, core.msp) == (_CODE, 0, 15 + 3 + 5 + 11, _STACK)
    core = _core("bx r0", r0=0xFFFF_FFF9)
    assert _run(core, 3) == [Step.INSTRUCTION, Step.FAULT, Step.EXCEPTION]
    assert core.memory.read(core.msp + 0x18, 4) == 0xFFFF_FFF8


def test_a_breakpoint_halts_for_a_debugger() -> None:
    core = _core("bkpt #0", halting_debug=True)
    assert _run(core, 2) == [Step.HALTED, Step.HALTED]
    assert (core.pc, core.cycles) == (_CODE, 0)


# --- sleep


def test_wfe_and_sev() -> None:
    core = _core("sev; wfe; wfe; nop")
    assert _run(core, 4) == [Step.INSTRUCTION] * 3 + [Step.ASLEEP]
    assert (core.cycles, core.events_sent, core.event_register) == (5, 1, False)
    core.event_register = True
    assert core.step() is Step.INSTRUCTION
    assert (core.event_register, core.pc) == (False, _CODE + 8)


def test_wfe_wakes_for_a_masked_interrupt_by_sevonpend_alone() -> None:
    for sevonpend, expected in ((0, Step.ASLEEP), (1 << 4, Step.INSTRUCTION)):
        core = _core("wfe; nop", primask=True)
        core.store(_SCR, 4, sevonpend)
        core.step()
        core.pend(7)  # not even enabled
        assert core.step() is expected


def test_wfi_wakes_under_primask_and_goes_on_without_the_handler() -> None:
    core = _core("wfi; nop", primask=True)
    assert _run(core, 2) == [Step.INSTRUCTION, Step.ASLEEP]
    core.event_register = True
    core.pend(7)
    assert core.step() is Step.ASLEEP  # not enabled
    _irq_ready(core, 7)
    assert (core.step(), core.pc, core.cycles) == (Step.INSTRUCTION, _CODE + 4, 3)


def test_sleep_on_exit() -> None:
    core = _core("nop")
    core.store(_SCR, 4, 2)
    core.exceptions.pend(_PENDSV)
    assert _run(core, 3) == [Step.EXCEPTION, Step.INSTRUCTION, Step.ASLEEP]


# --- system registers


def test_systick_counts_its_reload_value_and_one() -> None:
    core = _core("nop")
    core.store(0xE000_E014, 4, 0xFF00_0003)
    core.store(0xE000_E018, 4, 99)
    core.store(0xE000_E010, 4, 0b111)
    values = []
    for _ in range(5):
        core.pass_time(1)
        values.append(core.load(0xE000_E018, 4))
    assert values == [3, 2, 1, 0, 3]
    assert _SYSTICK in core.exceptions.pending
    assert core.load(0xE000_E010, 4) == 0x1_0007
    assert core.load(0xE000_E010, 4) == 7  # COUNTFLAG was read
    core.store(0xE000_E018, 4, 1)
    assert core.load(0xE000_E018, 4) == 0


def test_difference_of_two_reads_is_the_time_between() -> None:
    core = _core("ldr r0, [r7]; muls r2, r2; nop; ldr r1, [r7]", r7=0xE000_E018)
    core.systick.reload = core.systick.value = 1000
    core.systick.write_control(5)
    _run(core, 4)
    assert core.r[0] - core.r[1] == 2 + 1 + 1


def test_system_registers() -> None:
    core = _core("nop")
    assert core.load(0xE000_ED00, 4) == 0x410C_C601
    core.store(0xE000_E100, 4, 0b101)
    core.store(0xE000_E180, 4, 0b001)
    assert core.load(0xE000_E100, 4) == 0b100
    core.store(0xE000_E200, 4, 0b110)
    core.store(0xE000_E280, 4, 0b010)
    assert core.load(0xE000_E200, 4) == 0b100
    core.store(_SHPR2, 4, 0xFFFF_FFFF)
    assert core.load(_SHPR2, 4) == 0xC000_0000
    core.store(_SHPR2 + 4, 4, 0xFFFF_FFFF)
    assert core.load(_SHPR2 + 4, 4) == 0xC0C0_0000
    core.store(0xE000_E404, 4, 0xFFFF_FFFF)
    assert core.load(0xE000_E404, 4) == 0xC0C0_C0C0
    core.store(_ICSR, 4, 1 << 28 | 1 << 26)
    assert core.load(_ICSR, 4) == 1 << 28 | 1 << 26 | 1 << 22 | 18 << 12
    core.store(_ICSR, 4, 1 << 27 | 1 << 25)
    assert core.load(_ICSR, 4) == 1 << 22 | 18 << 12
    core.store(_VTOR, 4, 0x2000_01FF)
    assert core.load(_VTOR, 4) == 0x2000_0100
    core.store(0xE000_ED0C, 4, 0x05FA_0004)
    assert core.system.reset_requested


def test_a_line_that_is_high_cannot_be_cleared() -> None:
    core = _core("nop")
    core.set_irq(1, True)
    core.store(0xE000_E280, 4, 0b10)
    assert core.load(0xE000_E200, 4) == 0b10


def test_the_private_bus_needs_privilege() -> None:
    core = _core("ldr r0, [r7]", r7=_ICSR, npriv=True)
    assert core.step() is Step.FAULT


# --- memory protection

_REGION = 0x2000_4000


def _protect(core: ManualCore, attributes: int, base: int = _REGION, control: int = 0b101) -> None:
    """Region 0 of 256 bytes at `base`; ENABLE with the default map behind."""
    core.store(0xE000_ED9C, 4, base | 0x10)
    core.store(0xE000_EDA0, 4, attributes | 7 << 1 | 1)
    core.store(0xE000_ED94, 4, control)


@pytest.mark.parametrize(
    ("ap", "privileged", "unprivileged"),
    [
        (0, "", ""),
        (1, "rw", ""),
        (2, "rw", "r"),
        (3, "rw", "rw"),
        (5, "r", ""),
        (6, "r", "r"),
        (7, "r", "r"),
    ],
)
def test_permissions(ap: int, privileged: str, unprivileged: str) -> None:
    for npriv, allowed in ((False, privileged), (True, unprivileged)):
        for source, letter in (("ldr r0, [r7]", "r"), ("str r0, [r7]", "w")):
            core = _core(source, r7=_REGION + 0xFC)
            _protect(core, ap << 24)
            # A region of 4 GB below lets a program without privilege execute.
            core.mpu.regions[1], core.mpu.regions[0] = core.mpu.regions[0], core.mpu.regions[1]
            core.mpu.regions[0].attributes = 3 << 24 | 31 << 1 | 1
            core.npriv = npriv
            assert (core.step() is Step.INSTRUCTION) == (letter in allowed)


def test_what_lies_outside_of_regions() -> None:
    core = _core("ldr r0, [r7]", r7=_REGION + 0x100)
    _protect(core, 0)
    assert core.step() is Step.INSTRUCTION
    core = _core("ldr r0, [r7]")
    _protect(core, 3 << 24, control=0b001)  # no background: not even the fetch succeeds
    assert core.step() is Step.FAULT


def test_subregions_and_overlap() -> None:
    core = _core("ldr r0, [r7]", r7=_REGION + 0x20)
    _protect(core, 0b10 << 8)  # no access, but subregion 1 is left out
    assert core.step() is Step.INSTRUCTION
    core = _core("ldr r0, [r7]", r7=_REGION)
    _protect(core, 3 << 24)
    core.store(0xE000_ED98, 4, 6)
    core.store(0xE000_ED9C, 4, _REGION)
    core.store(0xE000_EDA0, 4, 7 << 1 | 1)  # the higher number wins
    assert core.step() is Step.FAULT
    assert core.load(0xE000_ED9C, 4) == _REGION | 6
    assert core.load(0xE000_ED90, 4) == 0x800


def test_execute_never() -> None:
    core = _core("nop")
    _protect(core, 3 << 24 | 1 << 28, base=_CODE)
    assert core.step() is Step.FAULT
    core = _core("nop", pc=_IO_PORT)
    assert core.step() is Step.FAULT  # the default map


@pytest.mark.parametrize(("control", "expected"), [(0b101, False), (0b111, True)])
def test_hard_fault_runs_without_protection_unless_it_is_asked_for(
    control: int, expected: bool
) -> None:
    core = _core(_halfwords(0xDE00))
    _protect(core, 3 << 24 | 1 << 28, base=_handler(_HARD_FAULT) & ~0xFF, control=control)
    _run(core, 3)
    assert core.locked_up == expected
