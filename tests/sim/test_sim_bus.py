"""Loads and stores to peripherals: exact time in the middle of a block, cycles, aliases, widths."""

import numpy as np
import pytest
from sim_programs import SRAM_BASE, pico, set_registers

from priot.sim import Fault, FaultReason, Pico, StopReason

_SCRATCH0, _GPIO_OUT, _CSR, _RVR, _CVR = 0x4005800C, 0xD0000010, 0xE000E010, 0xE000E014, 0xE000E018
_TIMER, _TICK = 0x40054000, 0x4005802C
_GAPS = {
    "nop": 1,
    "muls r1, r1, r1": 1,
    "ldr r1, [sp]": 2,
    "push {r1, r3, lr}; pop {r1, r3, r4}": 8,
    "mrs r1, apsr": 3,
    "dmb": 3,
    "b l@; l@: nop": 3,
    "beq m@; nop; m@:": 2,  # Z is clear where it is used
    "bne n@; nop; n@:": 2,
    "bl o@; b p@; o@: bx lr; p@:": 7,
}


def _counting(source: str) -> Pico:
    """SysTick counts the processor's clock; R0 points at it, Z is clear."""
    return pico(
        f"sub sp, #8; ldr r0, ={_CSR}; ldr r1, =0xffffff; str r1, [r0, #4]; str r1, [r0, #8];"
        f"movs r1, #5; str r1, [r0]; {source}; bkpt #0"
    )


@pytest.mark.parametrize("gap", _GAPS)
@pytest.mark.parametrize("count", [0, 1, 2, 7])
@pytest.mark.parametrize("before", [0, 1, 2])
def test_systick_is_exact_inside_a_block(gap: str, count: int, before: int) -> None:
    body = "; ".join(gap.replace("@", str(n)) for n in range(count)) or "nop"
    target = _counting(f"{'nop; ' * before} ldr r2, [r0, #8]; {body}; ldr r3, [r0, #8]")
    target.run()
    cycles = _GAPS[gap] * count if count else 1
    assert target.registers.r2 - target.registers.r3 == 2 + cycles
    assert target.profile().total == target.cycles


@pytest.mark.parametrize(
    ("address", "access", "cycles"),
    [
        (_SCRATCH0, "ldr r2, [r0]", 4),
        (_SCRATCH0, "ldrb r2, [r0]", 4),
        (_SCRATCH0, "str r2, [r0]", 5),
        (_SCRATCH0, "strh r2, [r0]", 5),
        (_SCRATCH0, "ldm r0!, {r2, r3}", 3 + 2 * 2),
        (_SCRATCH0, "stm r0!, {r2, r3}", 3 + 2 * 3),
        (_GPIO_OUT, "ldr r2, [r0]", 1),
        (_GPIO_OUT, "str r2, [r0]", 1),
        (_CSR, "ldr r2, [r0]", 2),
        (_CSR, "str r2, [r0]", 2),
        (0x50000000, "ldr r2, [r0]", 2),
        (_TIMER + 0x28, "ldr r2, [r0]", 4),
    ],
)
def test_cycles_by_bus(address: int, access: str, cycles: int) -> None:
    target = pico(f"nop; {access}; nop; bkpt #0")
    set_registers(target, r0=address, r2=0)
    assert target.run().cycles == 2 + cycles
    profile = target.profile()
    assert profile.cycles.tolist() == [1, cycles, 1]
    assert profile.executions.tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("alias", "expected"),
    [(0, 0x0F0F), (0x1000, 0xFF00), (0x2000, 0xFF0F), (0x3000, 0xF000)],
)
def test_atomic_aliases(alias: int, expected: int) -> None:
    target = pico(
        "ldr r1, =0xf00f; str r1, [r0]; ldr r1, =0x0f0f; str r1, [r2];"
        "ldr r3, [r0]; ldr r4, [r2]; bkpt #0"
    )
    set_registers(target, r0=_SCRATCH0, r2=_SCRATCH0 + alias)
    target.run()
    assert target.registers.r3 == target.registers.r4 == {0x3000: 0xF000}.get(alias, expected)


def test_sio_has_no_aliases() -> None:
    target = pico("ldr r2, [r0]; bkpt #0")
    set_registers(target, r0=0xD0002010)
    with pytest.raises(Fault) as caught:
        target.run()
    assert caught.value.reason is FaultReason.READ


@pytest.mark.parametrize(
    ("store", "expected"),
    [
        ("strb r1, [r0]", 0x78787878),
        ("strb r1, [r0, #3]", 0x78787878),
        ("strh r1, [r0]", 0x56785678),
        ("strh r1, [r0, #2]", 0x56785678),
        ("str r1, [r0]", 0x12345678),
    ],
)
def test_narrow_stores_come_on_every_lane(store: str, expected: int) -> None:
    target = pico(f"ldr r1, =0x12345678; {store}; ldr r2, [r0]; bkpt #0")
    set_registers(target, r0=_SCRATCH0)
    target.run()
    assert target.registers.r2 == expected


@pytest.mark.parametrize(
    ("load", "expected"),
    [
        ("ldrb r2, [r0, #1]", 0xA3),
        ("ldrh r2, [r0, #2]", 0x81F2),
        ("ldrsb r2, [r0, r3]", 0xFFFFFFA3),
        ("ldrsh r2, [r0, r4]", 0xFFFF81F2),
    ],
)
@pytest.mark.parametrize("timer_due", [False, True])
def test_narrow_loads(load: str, expected: int, timer_due: bool) -> None:
    """Also where the core stops behind the load, which it then has to finish by itself."""
    target = pico(f"ldr r1, =0x81f2a304; str r1, [r0]; movs r3, #1; movs r4, #2; {load}; bkpt #0")
    set_registers(target, r0=_SCRATCH0)
    if timer_due:
        target._chip.is_settled = lambda address, wrote: False  # type: ignore[method-assign]
    target.run()
    assert target.registers.r2 == expected
    assert target.cycles == 2 + 5 + 1 + 1 + 4
    assert target.profile().total == target.cycles
    assert target.instructions == 5


def test_unmodelled_register_is_told_once() -> None:
    target = pico("ldr r1, [r0]; str r1, [r0]; ldrb r1, [r0, #5]; ldr r1, [r2]; bkpt #0")
    set_registers(target, r0=0x40058100, r1=7, r2=0x4005_9100)
    assert target.run().reason is StopReason.HALT
    assert [str(told) for told in target.unmodelled] == [
        "WATCHDOG register at 0x40058100 is not modelled",
        "WATCHDOG register at 0x40058104 is not modelled",
    ]
    assert target.registers.r1 == 0
    target.reset()
    assert target.unmodelled == []


@pytest.mark.parametrize("access", ["ldr r1, [r0]", "str r1, [r0]"])
def test_strict_makes_it_a_fault(access: str) -> None:
    plain = pico(f"nop; {access}; bkpt #0")
    target = Pico(plain.program, strict=True, trace=True)
    set_registers(target, r0=0x40058100)
    with pytest.raises(Fault, match="register that is not modelled") as caught:
        target.run()
    assert caught.value.reason is FaultReason.UNMODELLED
    assert caught.value.address == 0x40058100
    assert caught.value.registers.pc == SRAM_BASE + 2
    assert target.cycles == target.profile().total == 1


def test_timer_counts_the_watchdogs_ticks() -> None:
    """clk_ref and clk_sys are the same after reset: 65 cycles a tick."""
    target = pico(
        f"ldr r0, ={_TICK}; ldr r1, =0x241; str r1, [r0]; ldr r0, ={_TIMER};"
        "loop: ldr r2, [r0, #0x28]; cmp r2, #10; bne loop; bkpt #0"
    )
    target.run()
    assert 65 * 10 <= target.cycles - 2 - 2 <= 65 * 10 + 2 * (4 + 1 + 2)


def test_timer_latches_its_high_half() -> None:
    source = (
        "ldr r1, =0xffffffff; str r1, [r0, #4]; movs r1, #6; str r1, [r0];"  # 6:ffffffff
        f"ldr r2, ={_TICK}; ldr r1, =0x204; str r1, [r2];"
        "ldr r3, [r0, #0xc]; nop; nop; nop; nop; nop; nop; ldr r4, [r0, #8]; ldr r5, [r0, #0x24];"
        "bkpt #0"
    )
    target = pico(source)
    set_registers(target, r0=_TIMER)
    target.run()
    values = target.registers
    assert (values.r3, values.r4, values.r5) == (0x0, 0x7, 0x7)


def test_native_and_python_reads_agree() -> None:
    """A budget of one block, and then none: what is native in one run is not in the other."""
    source = "; ".join(f"ldr r2, [r0, #8]; {'nop; ' * n} stm r7!, {{r2}}" for n in range(9))
    logs = []
    for native in (True, False):
        target = _counting(f"ldr r7, ={SRAM_BASE + 0x1000}; {source}")
        if not native:
            target._chip._publish_counters = lambda: None  # type: ignore[method-assign]
        target.run()
        logs.append(target.read(SRAM_BASE + 0x1000, np.uint32, 9).tolist())
    assert logs[0] == logs[1]
    assert len(set(logs[0])) == 9
