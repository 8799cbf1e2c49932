"""How a session ends: texts, breakpoints, and what goes wrong on the host's side."""

import pytest
from sim_programs import ElfSource, assemble, pico

from priot.sim import Pico, Program
from priot.sim.limits import OUTPUT_KEPT
from priot.sim.session import Console, Ending, Limits, Outcome, run_session

_UART = (
    "ldr r0, =0x40034000; movs r1, #68; str r1, [r0, #0x24]; movs r1, #0x70; str r1, [r0, #0x2c]; "
    "ldr r1, =0x301; str r1, [r0, #0x30]; movs r1, #79; str r1, [r0]; movs r1, #75; str r1, [r0]; "
)
_CLOCK = "ldr r0, =0x40008000; movs r1, #1; lsls r1, r1, #11; str r1, [r0, #0x48]; "


def ends(source: str, limits: Limits, **functions: tuple[int, int]) -> Outcome:
    code = assemble(source + "; .align 2", 0x2000_0000)
    program = Program.parse(ElfSource(code, functions=functions).build())
    console = Console()
    return run_session(Pico(program, uart=console.uart), console, limits)


@pytest.mark.parametrize("then", ["udf #0", "bkpt #0", "b ."])
def test_what_follows_the_expected_text_does_not_matter(then: str) -> None:
    outcome = ends(_CLOCK + _UART + then, Limits(expected_text="OK"))
    assert outcome == Outcome(Ending.EXPECTED_TEXT, 0)


def test_a_fault_behind_the_failure_text_is_that_failure() -> None:
    outcome = ends(_CLOCK + _UART + "udf #0", Limits(failure_text="OK"))
    assert outcome == Outcome(Ending.FAILURE_TEXT, 1)


@pytest.mark.parametrize(("name", "code"), [("_exit", 3), ("main", 0)])
def test_a_breakpoint_in_exit_carries_the_status(name: str, code: int) -> None:
    outcome = ends("movs r0, #3; bkpt #0; b .", Limits(), **{name: (0x2000_0000, 6)})
    assert outcome == Outcome(Ending.BREAKPOINT, code)


def test_an_error_in_the_uarts_listener_reaches_the_caller() -> None:
    """As of a closed pipe, or Ctrl-C while the program writes."""

    def closed(_byte: int) -> None:
        raise BrokenPipeError

    code = assemble(_CLOCK + _UART + "bkpt #0; .align 2", 0x2000_0000)
    pico = Pico(Program.parse(ElfSource(code).build()), uart=closed)
    with pytest.raises(BrokenPipeError):
        pico.run()


def test_a_breakpoint_in_a_handler_is_failure() -> None:
    """As the SDK's handlers of exceptions that nobody expected."""
    code = assemble("svc #0; bkpt #0; bkpt #0", 0x2000_0040)
    vectors = [0x2000_8000, 0x2000_0041, *[0x2000_0045] * 14]
    image = b"".join(word.to_bytes(4, "little") for word in vectors) + code
    console = Console()
    outcome = run_session(Pico(Program.parse(ElfSource(image).build())), console, Limits())
    assert outcome == Outcome(Ending.BREAKPOINT, 1)


def test_a_reset_is_no_success() -> None:
    source = "ldr r0, =0xe000ed0c; ldr r1, =0x05fa0004; str r1, [r0]; b ."  # AIRCR.SYSRESETREQ
    assert ends(source, Limits()) == Outcome(Ending.RESET, 1)


def test_what_is_not_modelled_ends_a_session_with_3() -> None:
    source = "ldr r0, =0x40058100; ldr r1, [r0]; bkpt #0"
    strict = Pico(pico(source).program, strict=True)
    outcome = run_session(strict, Console(), Limits())
    assert (outcome.ending, outcome.exit_code) == (Ending.FAULT, 3)
    assert [str(register) for register in strict.unmodelled] == [
        "WATCHDOG register at 0x40058100 is not modelled"
    ]
    assert run_session(pico(source), Console(), Limits()).exit_code == 0


def test_a_pico_tells_who_waits_for_what() -> None:
    target = pico("ldr r0, =0xE000E100; movs r1, #1; lsls r1, r1, #20; str r1, [r0]; wfi; bkpt #0")
    assert run_session(target, Console(), Limits()).ending is Ending.SLEEP
    assert target.whereabouts() == ["core 0 at 0x2000000a; enabled interrupts: UART0"]


@pytest.mark.parametrize("pieces", [[b"PASS"], [b"P", b"A", b"SS"], [b"xPA", b"PPA", b"SSx"]])
def test_a_text_is_found_across_pieces(pieces: list[bytes]) -> None:
    console = Console()
    assert not console.wrote("PASS")
    for piece in pieces:
        assert not console.wrote("PASS")
        console.write(piece)
    assert console.wrote("PASS")


def test_output_beyond_what_is_kept_is_counted_and_searched() -> None:
    shown = []
    console = Console(shown.append)
    assert not console.wrote("PASS")
    for _ in range(3):
        console.write(bytes(OUTPUT_KEPT // 2))
    console.write(b"PASS")
    assert (len(console.output), console.written) == (OUTPUT_KEPT, OUTPUT_KEPT * 3 // 2 + 4)
    assert console.wrote("PASS")
    assert sum(map(len, shown)) == console.written


def test_output_without_end_ends_a_session() -> None:
    """1 MB at each call of SYS_WRITE, from flash."""
    source = (
        "ldr r1, =0x20001000; movs r0, #4; str r0, [r1, #4]; movs r0, #3; str r0, [r1, #8]; "
        "ldr r0, =0x20002000; str r0, [r1]; ldr r2, =0x0074743a; str r2, [r0]; "
        "movs r0, #1; bkpt #0xab; ldr r1, =0x20001000; str r0, [r1]; ldr r0, =0x10000000; "
        "str r0, [r1, #4]; ldr r0, =0x100000; str r0, [r1, #8]; more: movs r0, #5; "
        "bkpt #0xab; b more"
    )
    outcome = ends(source, Limits(output_megabytes=3))
    assert outcome == Outcome(Ending.OUTPUT, 124)
