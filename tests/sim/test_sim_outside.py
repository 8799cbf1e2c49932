"""What the host does to a Pico from outside: bytes for its UARTs, voltages, warmth."""

import sys
from collections.abc import Callable
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest
from sim_programs import ElfSource, assemble, program

from priot.experiments.cli import main
from priot.sim import Engine, Pico, Program, SimError, StopReason
from priot.sim.session import Console, Ending, Keyboard, Limits, run_session

_HZ = 133_000_000
_BIT = 16 * 72  # cycles: clk_peri is clk_sys, divided by 72
_FRAME = 10 * _BIT


def _open_uart(base: int) -> str:
    return (
        "ldr r0, =0x40008000; movs r1, #1; lsls r1, r1, #11; str r1, [r0, #0x48];"
        f"ldr r0, ={base:#x}; movs r1, #72; str r1, [r0, #0x24];"
        "movs r1, #0x70; str r1, [r0, #0x2c]; ldr r1, =0x301; str r1, [r0, #0x30];"
    )


# Sends back what it receives, until a zero.
_ECHO = (
    "next: ldr r1, [r0, #0x18]; movs r2, #16; tst r1, r2; bne next;"
    "ldr r1, [r0]; str r1, [r0]; uxtb r2, r1; cmp r2, #0; bne next; bkpt #0; .align 2"
)
# Sleeps until it has received a byte, and halts.
_SLEEPER = (
    "movs r1, #0x50; str r1, [r0, #0x38]; cpsid i; ldr r1, =0xe000e100; movs r2, #1;"
    "lsls r2, r2, #20; str r2, [r1]; sleep: wfi; ldr r1, [r0, #0x18]; lsrs r1, r1, #5;"
    "bcs sleep; ldr r0, [r0]; bkpt #0; .align 2"
)


def _elf(source: str) -> bytes:
    return ElfSource(assemble(source)).build()


def _echo(base: int = 0x4003_4000, **options: object) -> tuple[Pico, bytearray]:
    sent = bytearray()
    program = Program.parse(_elf(_open_uart(base) + _ECHO))
    return Pico(program, uart=sent.append, **options), sent  # type: ignore[arg-type]


def test_input_arrives_at_the_baud_rate_after_every_reset() -> None:
    pico, sent = _echo(uart_input=b"abc\0")
    for _ in range(2):
        assert pico.run().reason is StopReason.HALT
        assert sent == b"abc\0"
        assert 4 * _FRAME < pico.cycles < 4 * _FRAME + 200
        pico.send(b"never read")
        pico.reset()
        sent.clear()


def test_bytes_can_be_sent_at_any_time() -> None:
    pico, sent = _echo()
    for number in range(1, 5):
        assert pico.run(max_cycles=5 * _FRAME + 77).reason is StopReason.BUDGET
        assert len(sent) == number - 1
        start = pico.cycles
        pico.send([number])
        while len(sent) < number:
            pico.run(max_cycles=1)
        assert _FRAME <= pico.cycles - start < _FRAME + 100
    pico.send([0])
    assert pico.run().reason is StopReason.HALT


def test_an_answer_can_follow_from_what_was_sent() -> None:
    pico: Pico
    asked = bytearray()

    def answer(byte: int) -> None:
        asked.append(byte)
        if byte:
            pico.send([byte - 1])

    pico = Pico(Program.parse(_elf(_open_uart(0x4003_4000) + _ECHO)), uart=answer)
    pico.send([5])
    assert pico.run(max_cycles=100 * _FRAME).reason is StopReason.HALT
    assert list(asked) == [5, 4, 3, 2, 1, 0]


def test_uart1_and_errors() -> None:
    pico, sent = _echo(0x4003_8000)
    pico.send(b"x", uart=0)
    pico.send([1 << 10], uart=1)  # a break: a zero with an error
    assert pico.run().reason is StopReason.HALT
    assert pico.registers.r1 == 1 << 10
    assert sent == b""  # UART1's output goes nowhere


@pytest.mark.parametrize(
    ("use", "error", "told"),
    [
        (lambda pico: pico.send([256, 2048]), ValueError, "2048 cannot be sent: give bytes"),
        (lambda pico: pico.send([-1]), ValueError, "-1 cannot be sent"),
        (lambda pico: pico.send(b"x", uart=2), ValueError, "UART2: there are UART0 and UART1"),
        (lambda pico: pico.set_voltage(25, 1.0), ValueError, "GPIO25 is no input of the ADC"),
    ],
)
def test_what_cannot_be_done_is_refused(
    use: Callable[[Pico], None], error: type[Exception], told: str
) -> None:
    pico, _ = _echo()
    with pytest.raises(error, match=told):
        use(pico)


def test_unicorn_has_no_peripherals() -> None:
    with pytest.raises(SimError, match="unicorn has no peripherals"):
        _echo(uart_input=b"x", engine=Engine.UNICORN)


# ADC: converts input R3 and halts with the result in R0.
_CONVERTER = (
    "ldr r0, =0x40008000; ldr r1, =0x840; str r1, [r0, #0x60];"  # clk_adc from the ROSC
    "ldr r0, =0x4004c000; lsls r1, r3, #12; movs r2, #7; orrs r1, r2; str r1, [r0];"
    "wait: ldr r1, [r0]; lsrs r1, r1, #9; bcc wait; ldr r0, [r0, #4]; bkpt #0; .align 2"
)


def _conversion(pico: Pico, channel: int) -> int:
    pico.reset()
    pico.set_registers(r3=channel)
    assert pico.run(max_cycles=100_000).reason is StopReason.HALT
    return pico.registers.r0


def test_voltages_and_warmth() -> None:
    pico = Pico(Program.parse(_elf(_CONVERTER)))
    assert [_conversion(pico, channel) for channel in range(5)] == [2048] * 4 + [876]
    pico.set_voltage(28, 1.0)
    pico.set_voltage(29, lambda seconds: 0.5 + seconds)
    pico.set_temperature(100)
    assert _conversion(pico, 2) == 1241
    assert _conversion(pico, 3) == 620  # microseconds after reset
    assert _conversion(pico, 4) == int((0.706 - 73 * 0.001721) / 3.3 * 4096)


def test_who_sleeps_until_input_comes_waits_for_it() -> None:
    waited = []

    def typed(waits: bool) -> bytes:
        waited.append(waits)
        return b"A" if len(waited) == 1 else b""

    pico = Pico(Program.parse(_elf(_open_uart(0x4003_4000) + _SLEEPER)))
    assert (
        run_session(pico, Console(), Limits(), Keyboard(typed, pico.send)).ending
        is Ending.BREAKPOINT
    )
    assert waited == [True]
    assert pico.registers.r0 == ord("A")
    pico.reset()
    assert run_session(pico, Console(), Limits(), Keyboard(typed, pico.send)).ending is Ending.SLEEP


@pytest.mark.parametrize("by_standard_input", [False, True])
def test_the_command_feeds_uart0(
    by_standard_input: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    program, keys = tmp_path / "echo.elf", tmp_path / "keys"
    program.write_bytes(_elf(_open_uart(0x4003_4000) + _ECHO))
    keys.write_bytes(b"hello\n\0")
    if by_standard_input:
        monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(keys.read_bytes())))
    given = "-" if by_standard_input else str(keys)
    assert main(["run", str(program), "--uart-in", given]) == 0
    assert capfdbinary.readouterr().out == b"hello\n\0"


def test_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = tmp_path / "echo.elf"
    program.write_bytes(_elf(_open_uart(0x4003_4000) + _ECHO))
    assert main(["run", str(program), "--uart-in", str(tmp_path / "keys")]) == 2
    assert "keys: cannot be read (No such file or directory)" in capsys.readouterr().err


def test_a_pico_in_a_usb_socket_has_vbus() -> None:
    """Pico datasheet, 2.1: GPIO 24 senses it; who pulls the plug lets go of it."""
    source = "ldr r7, =0xd0000000; ldr r0, [r7, #4]; lsrs r0, r0, #24; bkpt #0; .pool"
    made = Pico(program(source))
    made.run()
    assert made.registers.r0 == 1
    made.reset()
    made.set_pin(24, None)
    made.run()
    assert made.registers.r0 == 0
