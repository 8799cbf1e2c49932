"""What goes on when one core is at its end: the other one and the DMA, as on a board."""

import pytest
from sim_programs import LAUNCH, program

from priot.sim import Pico
from priot.sim.session import Console, Ending, Limits, Outcome, run_session

PRINTS = """
    ldr r0, =0x40034000 @ UART0, on since before the launch
    movs r1, #'B'
    str r1, [r0]
"""
TEXT_48 = "more than the UART's FIFO holds, which takes 32."
EXIT_42 = """
    movs r0, #0x20 @ SYS_EXIT_EXTENDED
    adr r1, block
    bkpt #0xab
    .align 2
block: .word 0x20026, 42
"""
TAKES_ITS_TIME = "ldr r0, =5000\nlate: subs r0, #1\nbne late\n"
UART_ON = """
    ldr r0, =0x4000F000 @ RESETS, its alias that clears
    ldr r1, =0x00400000
    str r1, [r0]
    ldr r0, =0x40008000 @ CLOCKS
    movs r1, #1
    lsls r1, r1, #11
    str r1, [r0, #0x48]
    ldr r0, =0x40034000
    movs r1, #68
    str r1, [r0, #0x24]
    movs r1, #0x70
    str r1, [r0, #0x2c]
    ldr r1, =0x301
    str r1, [r0, #0x30]
"""


def session(source: str, *, milliseconds: float | None = None) -> tuple[Pico, Outcome, bytes]:
    console = Console()
    made = Pico(program(LAUNCH + source), uart=console.uart)
    made.set_registers(sp=0x2004_2000)
    outcome = run_session(made, console, Limits(timeout_ms=milliseconds))
    return made, outcome, bytes(console.output)


@pytest.mark.parametrize(
    ("end", "code"), [("bkpt #0", 0), ("movs r0, #0x18; ldr r1, =0x20023; bkpt #0xab", 1)]
)
@pytest.mark.parametrize("rest", ["b .", "wfe; b .", "bkpt #0", "bx r6"])
def test_core_1_goes_on_when_core_0_is_at_its_end(end: str, code: int, rest: str) -> None:
    """On a board it would, and what it writes would be seen."""
    made, outcome, output = session(
        f"both: {UART_ON}\nbl push\nbl pop\n{end}\nwork: mov r6, lr\nbl pop\nbl push\n"
        f"{TAKES_ITS_TIME}{PRINTS}{rest}"
    )
    assert (output, outcome.exit_code) == (b"B", code)
    assert made.whereabouts(going_on=True) == []
    assert made.cycles < 5000  # of core 0, which has ended long before


def test_core_0_goes_on_when_core_1_is_at_its_end() -> None:
    _, outcome, output = session(f"both: {UART_ON}\n{TAKES_ITS_TIME}{PRINTS}bkpt #0\nwork: bkpt #0")
    assert (output, outcome.ending) == (b"B", Ending.BREAKPOINT)


def test_a_core_that_is_still_at_work_is_told_after_a_second() -> None:
    made, outcome, _ = session("both: bkpt #0\nwork: nop\nb work")
    assert outcome == Outcome(Ending.BREAKPOINT, 0)
    assert [line[:17] for line in made.whereabouts(going_on=True)] == ["core 1 at 0x20000"]
    last = made._chip.processors[1].cycles  # type: ignore[attr-defined]
    assert last / made.clock_hz == pytest.approx(1, rel=0.01)


def test_the_time_limit_holds_for_core_1_too() -> None:
    made, outcome, _ = session("both: bkpt #0\nwork: nop\nb work", milliseconds=3)
    assert outcome == Outcome(Ending.BREAKPOINT, 0)
    assert made._chip.processors[1].cycles / made.clock_hz == pytest.approx(0.003, rel=0.01)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("end", "code"), [("bkpt #0", 139), (EXIT_42, 42)])
def test_a_fault_behind_the_end_of_core_0_is_told(end: str, code: int) -> None:
    _, outcome, _ = session(f"both: {end}\nwork: {TAKES_ITS_TIME} udf #0")
    assert (outcome.ending, outcome.exit_code) == (Ending.FAULT, code)
    assert outcome.fault is not None


def test_a_sleep_that_an_interrupt_of_core_1_ends_is_no_end() -> None:
    """By SysTick, once it has counted down."""
    _, _, output = session(f"""
both: {UART_ON}
    bl push
    bl pop
    bkpt #0
work: bl pop
    ldr r0, =0xE000E010
    ldr r1, =20000
    str r1, [r0, #4]
    movs r1, #7
    str r1, [r0, #0]
    cpsid i
    bl push
    wfi
    {PRINTS}
    movs r1, #0
    ldr r0, =0xE000E010
    str r1, [r0, #0]
    b .
""")
    assert output == b"B"


def test_the_dma_goes_on_when_core_0_is_at_its_end() -> None:
    """What it moves to the UART, by its requests, was asked for by the program."""
    source = f"""
both: {UART_ON}
    movs r1, #2 @ TXDMAE
    str r1, [r0, #0x48]
    ldr r0, =0x4000F000
    movs r1, #4
    str r1, [r0]
    ldr r0, =0x50000000
    adr r1, text
    str r1, [r0, #0]
    ldr r1, =0x40034000
    str r1, [r0, #4]
    movs r1, #48
    str r1, [r0, #8]
    ldr r1, =0x000A0011 @ UART0_TX, chained to itself, INCR_READ, bytes, on
    str r1, [r0, #12]
    bkpt #0
    .align 2
text: .ascii "{TEXT_48}"
work: wfe
    b work
"""
    assert session(source)[2] == TEXT_48.encode()
