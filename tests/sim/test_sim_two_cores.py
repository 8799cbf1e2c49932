"""Two cores: launch, mailbox, events, time, and the bus that they share."""

import pytest
from sim_programs import LAUNCH, program

from priot.sim import Contention, Fault, FaultReason, Pico, StopReason
from priot.sim.cpu.launch import Launch

LOADS = "ldr r1, [r2, #0];" * 100


def two(source: str, contention: Contention = Contention.BANKS) -> Pico:
    made = Pico(program(LAUNCH + source), contention=contention)
    made.set_registers(sp=0x2004_2000)
    return made


def run(source: str, contention: Contention = Contention.BANKS) -> Pico:
    made = two(source, contention)
    assert made.run(10_000_000).reason is StopReason.HALT
    return made


ECHO = """
both:
    movs r0, #5
    bl push
    bl pop
    bkpt #0
work:
    bl pop
    ldr r1, [r7, #0]
    adds r0, r0, r1
    adds r0, #10
    bl push
    b work
"""


@pytest.mark.parametrize("contention", Contention)
def test_cores_talk_and_know_which_they_are(contention: Contention) -> None:
    done = run(ECHO, contention)
    assert done.registers.r0 == 5 + 1 + 10


@pytest.mark.parametrize("contention", Contention)
def test_a_run_repeats_to_the_cycle(contention: Contention) -> None:
    first, second = run(ECHO, contention), run(ECHO, contention)
    assert (first.cycles, first.bus_stalls) == (second.cycles, second.bus_stalls)
    assert first.registers == second.registers
    before = first.cycles
    first.reset()
    first.set_registers(sp=0x2004_2000)
    first.run()
    assert first.cycles == before


RESET = """
    ldr r6, =0x40010004
    ldr r1, =0x10000
    ldr r2, =0x2000
    orrs r2, r6
    str r1, [r2]
    ldr r0, [r6]
    ldr r2, =0x3000
    orrs r2, r6
    str r1, [r2]
"""


def test_psm_resets_core_1_and_it_can_be_launched_again() -> None:
    """2.13.5: FRCE_OFF; the ROM (2.8.2) drops what it was sent, says 0 and waits for a launch."""
    source = f"""
both:
    ldr r3, =count
    ldr r4, [r3]
    adds r4, #1
    str r4, [r3]
    cmp r4, #3
    bne again
    movs r0, #7
    bl push
    bl pop
    bkpt #0
again:
    bl push
    bl push
    {RESET}
    bl pop
    cmp r0, #0
    bne wrong
    ldr r0, [r7, #0x50]
    cmp r0, #2
    bne wrong
    ldr r4, =greeting
    movs r5, #0
    b next
wrong:
    bkpt #1
work:
    ldr r3, =count
    ldr r4, [r3]
    cmp r4, #2
    bls work
    bl pop
    adds r0, r0, #1
    bl push
forever:
    wfe
    b forever
    .align 2
count:
    .word 0
    .pool
"""
    done = two(source)
    stop = done.run(1_000_000)
    assert (stop.reason, stop.immediate) == (StopReason.HALT, 0)
    assert done.registers.r0 == 8


def test_core_1_that_forces_itself_off_is_off() -> None:
    source = f"""
both:
    movs r0, #9
    bl push
    ldr r0, =1000
wait:
    subs r0, #1
    bne wait
    ldr r1, =0x40010004
    ldr r0, [r1]
    ldr r1, [r7, #0x50]
    bkpt #0
work:
    {RESET}
    movs r0, #1
    str r0, [r7, #0x54]
    b work
"""
    done = run(source)
    assert done.registers.r0 == 1 << 16
    assert done.registers.r1 & 1 == 0  # it has sent nothing


def test_core_0_waits_for_the_slower_core() -> None:
    """1,000 turns of 3 cycles, which core 0 sleeps through."""
    source = """
both:
    bl push
    bl pop
    bkpt #0
work:
    bl pop
    ldr r0, =1000
loop:
    subs r0, r0, #1
    bne loop
    bl push
    b work
"""
    short = run(source.replace("=1000", "=1"), Contention.NONE)
    long = run(source, Contention.NONE)
    assert long.cycles - short.cycles == 999 * 3


def lock_step(core0: str, core1: str, contention: Contention = Contention.BANKS) -> Pico:
    """Both cores do something at about the same time."""
    source = f"""
both:
    bl push
    ldr r2, =0x20020000
    {core0}
    bl pop
    bkpt #0
    .align 2
    .pool
work:
    bl pop
    ldr r2, =0x20020000
    {core1}
    bl push
    b work
    .align 2
    .pool
"""
    return run(source, contention)


def test_bounds_enclose_the_banks() -> None:
    work = LOADS + "stm r2!, {r0, r1, r3};" * 40
    cycles = [lock_step(work, work, c).cycles for c in Contention]
    assert cycles == sorted(cycles)
    assert cycles[0] < cycles[1] < cycles[2]


def test_spinlock_is_taken_by_one_core_at_a_time() -> None:
    """Each core adds 1 a hundred times under lock 0: no addition is lost."""
    add = """
    movs r6, #100
    ldr r2, =0x20020000
{0}:
    ldr r5, =0xd0000100
    ldr r1, [r5, #0]
    cmp r1, #0
    beq {0}
    ldr r1, [r2, #0]
    adds r1, #1
    str r1, [r2, #0]
    str r1, [r5, #0]
    subs r6, #1
    bne {0}
"""
    source = f"""
both:
    ldr r2, =0x20020000
    movs r1, #0
    str r1, [r2, #0]
    bl push
{add.format("again")}
    bl pop
    bkpt #0
    .align 2
    .pool
work:
    bl pop
{add.format("more")}
    bl push
    b work
    .align 2
    .pool
"""
    assert run(source).read(0x2002_0000, "<u4", 1)[0] == 200


@pytest.mark.parametrize("contention", Contention)
def test_event_from_before_a_wfe_ends_it_at_once(contention: Contention) -> None:
    """Core 1 sends one in vain while core 0 works, and is at work itself when core 0 waits."""
    count = "ldr r1, ={0}; {1}: subs r1, r1, #1; bne {1}"
    source = f"""
both:
    bl push
    {count.format(500, "a")}
    wfe
    mov r6, r1
    bl pop
    bkpt #0
work:
    bl pop
    sev
    {count.format(501, "b")}
    sev
    {count.format(3000, "c")}
    bl push
    b work
"""
    assert run(source, contention).cycles > 10_000


def test_both_asleep_ends_the_run() -> None:
    made = two("both: bl pop\nbkpt #0\nwork: bl pop\nb work")
    assert made.run(1_000_000).reason is StopReason.SLEEP


@pytest.mark.parametrize("contention", Contention)
def test_core_0_masks_interrupts_in_a_handler(contention: Contention) -> None:
    """And waits in it for core 1, which masks its own and then is in no handler."""
    source = """
    both:
        ldr r0, =0xe000ed08
        ldr r1, =0x20020000
        str r1, [r0]
        ldr r2, =handler + 1
        str r2, [r1, #56]
        subs r0, #4
        ldr r1, =0x10000000
        str r1, [r0]
        bkpt #0
    handler:
        push {r4, lr}
        cpsid i
        bl pop
        mov r6, r0
        cpsie i
        pop {r4, pc}
    work:
        cpsid i
        cpsie i
        movs r0, #55
        bl push
        b work
    """
    assert run(source, contention).registers.r6 == 55


def test_core_1_on_its_process_stack_while_core_0_is_in_a_handler() -> None:
    """Each core has its own CONTROL, and its own two stacks."""
    seen = run("""
    both:
        ldr r0, =0xe000ed08
        ldr r1, =0x20020000
        str r1, [r0]
        ldr r2, =handler + 1
        str r2, [r1, #56]
        subs r0, #4
        ldr r1, =0x10000000
        str r1, [r0]
        bkpt #0
    handler:
        push {r4, lr}
        bl pop
        mov r6, r0
        bl pop
        mov r5, r0
        @ mrs r4, control
        .short 0xf3ef, 0x8414
        mov r8, r4
        pop {r4, pc}
    work:
        ldr r0, =0x20030000
        @ msr psp, r0
        .short 0xf380, 0x8809
        movs r0, #2
        @ msr control, r0
        .short 0xf380, 0x8814
        isb
        movs r1, #100
    later:
        subs r1, #1
        bne later
        push {r1}
        pop {r1}
        @ mrs r0, control
        .short 0xf3ef, 0x8014
        bl push
        mov r0, sp
        bl push
        @ mrs r0, msp
        .short 0xf3ef, 0x8008
    rest:
        wfe
        b rest
    """).registers
    assert (seen.r6, seen.r5, seen.r8) == (2, 0x2003_0000, 0)
    assert seen.sp == 0x2004_2000


def test_core_1_sleeps_when_its_program_returns() -> None:
    """As the chip's boot ROM has it, while core 0 goes on."""
    done = run("""
both:
    bl pop
    ldr r1, =1000
wait:
    subs r1, r1, #1
    bne wait
    bkpt #0
work:
    mov r6, lr
    movs r0, #9
    bl push
    bx r6
""")
    assert done.registers.r0 == 9


def test_fault_of_core_1_names_its_instruction() -> None:
    made = two(
        "both: bl push\nbl pop\nbkpt #0\nwork: bl pop\nmovs r0, #1\nldr r1, [r0, #0]\nb work"
    )
    with pytest.raises(Fault) as fault:
        made.run()
    assert fault.value.reason is FaultReason.UNALIGNED


def test_breakpoint_of_core_1_halts_the_run() -> None:
    made = two("both: bl push\nbl pop\nbkpt #0\nwork: bl pop\nmovs r3, #77\nbkpt #3\nb work")
    stop = made.run()
    assert (stop.reason, stop.immediate, made.registers.r3) == (StopReason.HALT, 3, 77)


def test_stack_of_core_1_counts() -> None:
    deep = "push {r0-r7}; pop {r0-r7};"
    plain, pushed = lock_step("", ""), lock_step("", deep)
    assert pushed.memory_use().stack - plain.memory_use().stack == 32


class _Heard:
    """Core 1 in its ROM, and what it says and does."""

    def __init__(self) -> None:
        self.sent: list[int] = []
        self.started: list[tuple[int, int, int]] = []
        self.launch = Launch(self.sent.append, lambda *words: self.started.append(words))


@pytest.mark.parametrize(
    ("words", "answers", "starts"),
    [
        ([0, 0, 1, 0x100, 0x200, 0x301], [0, 0, 1, 0x100, 0x200, 0x301], 1),
        ([1, 0x100, 0x200, 0x301], [1, 0x100, 0x200, 0x301], 1),
        ([7, 1, 0x100], [0, 1, 0x100], 0),  # a wrong command
        ([1, 0x100, 0, 1, 0x100, 0x200, 0x301], [1, 0x100, 0, 1, 0x100, 0x200, 0x301], 1),
    ],
)
def test_core_1_in_its_rom(words: list[int], answers: list[int], starts: int) -> None:
    """2.8.2: it says 0 out of reset and for what it does not know, else what it hears."""
    rom = _Heard()
    rom.launch.begin()
    for word in words:
        rom.launch.hear(word)
    assert rom.sent == [0, *answers]
    assert rom.started == [(0x100, 0x200, 0x301)] * starts


def test_an_entry_of_core_1_without_the_thumb_bit_is_a_fault() -> None:
    made = Pico(program(LAUNCH.replace("other + 1", "other") + "both: b both\nwork: b work"))
    made.set_registers(sp=0x2004_2000)
    with pytest.raises(Fault) as fault:
        made.run(100_000)
    assert fault.value.reason is FaultReason.ARM_STATE
