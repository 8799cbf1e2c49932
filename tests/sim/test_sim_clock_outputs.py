"""CLK_GPOUT0 to 3 at their pins. RP2040 datasheet, 2.15.3 and 2.19.2."""

import numpy as np
import pytest
from native_board import NativeBoard
from sim_programs import program

from priot.sim import Pico, StopReason
from priot.sim.cpu.state import NEVER, Chip

_CLOCK, _PWM, _SIO = 8, 4, 5  # FUNCSEL
_ENABLE, _ROSC, _CLK_SYS = 1 << 11, 4 << 5, 6 << 5  # of CLK_GPOUTx_CTRL
_GPIOS = (21, 23, 24, 25)


def _put_out(board: NativeBoard, number: int, source: int, divisor: int) -> None:
    board.write("IO_BANK0", f"GPIO{_GPIOS[number]}_CTRL", _CLOCK)
    board.write("CLOCKS", f"CLK_GPOUT{number}_DIV", divisor)
    board.write("CLOCKS", f"CLK_GPOUT{number}_CTRL", source | _ENABLE)


def _levels(board: NativeBoard, pin: int, cycles: int) -> list[int]:
    """The pin's level, cycle by cycle."""
    levels = []
    for _ in range(cycles):
        board.pass_time(1)
        board.read("IO_BANK0", f"GPIO{pin}_STATUS")
        levels.append(board.chip.io_bank0.levels >> pin & 1)
    return levels


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("divisor", [2 << 8, 7 << 8, 10 << 8, 0x280])
def test_divides_and_is_high_for_half_of_the_time(number: int, divisor: int) -> None:
    board = NativeBoard()
    _put_out(board, number, _CLK_SYS, divisor)
    periods = 16
    levels = np.array(_levels(board, _GPIOS[number], periods * divisor >> 8))
    assert np.count_nonzero(np.diff(levels) == 1) == pytest.approx(periods, abs=1)
    assert abs(levels.sum() - len(levels) / 2) <= periods / 2 + 1  # whole cycles


def test_follows_a_clock_other_than_clk_sys() -> None:
    """Behind a PLL clk_sys is some twenty times as fast as the ROSC: so is the output slow."""
    board = NativeBoard()
    board.init_clocks()
    _put_out(board, 0, _ROSC, 1 << 8)
    edges = np.flatnonzero(np.diff(_levels(board, 21, 1000)))
    period = board.hz("clk_sys") / board.hz("rosc")
    assert len(edges) == pytest.approx(2 * 1000 / float(period), abs=1)
    assert np.all(np.abs(np.diff(edges) - float(period) / 2) <= 1)


def test_no_output_while_it_is_off_or_the_pin_has_another_function() -> None:
    board = NativeBoard()
    _put_out(board, 1, _CLK_SYS, 4 << 8)
    assert any(_levels(board, 23, 20))
    board.write("IO_BANK0", "GPIO23_CTRL", _SIO)
    assert not any(_levels(board, 23, 20))
    board.write("IO_BANK0", "GPIO23_CTRL", _CLOCK)
    board.write("CLOCKS", "CLK_GPOUT1_CTRL", _CLK_SYS)
    assert not any(_levels(board, 23, 20))


def test_edges_are_events_only_while_somebody_notices_them() -> None:
    board = NativeBoard()
    _put_out(board, 3, _CLK_SYS, 10 << 8)
    board.pass_time(1)
    assert board.machine.chip[Chip.DEVICES_AT] == NEVER
    board.write("IO_BANK0", "PROC0_INTE3", 1 << 4 + 3)  # EDGE_HIGH of GPIO 25
    board.pass_time(10)
    assert 13 in board.interrupts


def test_a_slice_of_the_pwm_counts_its_periods() -> None:
    """A frequency counter of one's own: the B pin of slice 2 is wired to the output."""
    board = NativeBoard()
    board.chip.io_bank0.wire([1 << 21 | 1 << 5])
    board.write("IO_BANK0", "GPIO5_CTRL", _PWM)
    board.write("PWM", "CH2_CSR", 2 << 4 | 1)  # rising edges
    _put_out(board, 0, _CLK_SYS, 25 << 8)
    board.pass_time(25 * 1000)
    assert board.read("PWM", "CH2_CTR") == pytest.approx(1000, abs=1)


def test_every_edge_is_logged_in_its_cycle() -> None:
    pico = Pico(
        program(
            "ldr r0, =0x4000F000; movs r1, #0; mvns r1, r1; str r1, [r0];"  # out of reset
            "ldr r0, =0x400140AC; movs r1, #8; str r1, [r0];"  # GPIO21_CTRL
            "ldr r0, =0x40008000; ldr r1, =0xA00; str r1, [r0, #4]; ldr r1, =0x8C0; str r1, [r0];"
            "again: b again"
        ),
        log_pins=True,
    )
    assert pico.run(max_cycles=100_000).reason is StopReason.BUDGET
    changes = pico.pin_changes()
    assert len(changes.cycles) > 19_000
    assert set(np.diff(changes.cycles[1:])) == {5}


@pytest.mark.parametrize(
    ("pin", "start"),
    [
        (21, "ldr r0, =0x40008000; ldr r1, =0xA00; str r1, [r0, #4]; ldr r1, =0x8C0; str r1, [r0]"),
        (
            4,
            "ldr r0, =0x40050000; movs r1, #50; str r1, [r0, #0x34];"
            "movs r1, #1; str r1, [r0, #0x28]",
        ),
    ],
    ids=["clock", "PWM"],
)
def test_an_interrupt_that_is_enabled_while_a_pin_moves_ends_a_sleep(pin: int, start: str) -> None:
    """Nothing is accessed between the enabling and the sleep."""
    function = _CLOCK if pin == 21 else _PWM
    pico = Pico(
        program(
            "ldr r0, =0x4000F000; movs r1, #0; mvns r1, r1; str r1, [r0];"
            f"ldr r0, ={0x4001_4004 + 8 * pin}; movs r1, #{function}; str r1, [r0]; {start};"
            "cpsid i; ldr r0, =0xE000E100; ldr r1, =0x2000; str r1, [r0];"  # IO_IRQ_BANK0
            f"ldr r0, ={0x4001_4100 + 4 * (pin // 8)}; ldr r1, ={4 << 4 * (pin % 8)};"
            "str r1, [r0]; wfi; bkpt #7"
        )
    )
    assert pico.run(max_cycles=1_000_000).immediate == 7
