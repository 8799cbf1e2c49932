"""Pins: whose interrupts they are, wires between them, and narrow writes of the registers."""

from peripheral_board import Board

from priot.sim.cpu.lines import FIRST_IRQ
from priot.sim.cpu.state import Core

_SIO, _IO_BANK0 = 5, 13
_RISING = 1 << 3


def _output(board: Board, pin: int) -> None:
    board.write("IO_BANK0", f"GPIO{pin}_CTRL", _SIO)
    board.write("SIO", "GPIO_OE_SET", 1 << pin)


def _requested(board: Board) -> tuple[bool, bool]:
    first, second = (
        bool(int(core[Core.LINES]) >> FIRST_IRQ + _IO_BANK0 & 1) for core in board.machine.cores
    )
    return first, second


def test_each_core_has_the_pins_interrupts_that_it_asked_for() -> None:
    """RP2040 datasheet, 2.19.3: PROC0_INTE is of core 0, PROC1_INTE of core 1."""
    board = Board()
    _output(board, 2)
    board.write("IO_BANK0", "PROC1_INTE0", _RISING << 8)
    board.write("SIO", "GPIO_OUT_SET", 1 << 2)
    assert _requested(board) == (False, True)
    board.write("IO_BANK0", "PROC0_INTE0", _RISING << 8)
    assert _requested(board) == (True, True)
    board.write("IO_BANK0", "INTR0", _RISING << 8)
    assert _requested(board) == (False, False)


def test_a_wire_carries_what_one_pin_drives() -> None:
    board = Board()
    board.chip.io_bank0.wire([1 << 3 | 1 << 17])
    _output(board, 3)
    assert board.read("SIO", "GPIO_IN") & 1 << 17 == 0
    board.write("SIO", "GPIO_OUT_SET", 1 << 3)
    assert board.read("SIO", "GPIO_IN") & 1 << 17
    board.write("SIO", "GPIO_OUT_CLR", 1 << 3)
    assert board.read("SIO", "GPIO_IN") & 1 << 17 == 0


def test_wires_with_a_common_pin_are_one() -> None:
    board = Board()
    board.chip.io_bank0.wire([1 << 3 | 1 << 4, 1 << 6 | 1 << 7, 1 << 4 | 1 << 6, 1 << 20 | 1 << 21])
    assert sorted(board.chip.io_bank0.wires) == [0b1101_1000, 1 << 20 | 1 << 21]
    _output(board, 7)
    board.write("SIO", "GPIO_OUT_SET", 1 << 7)
    assert board.read("SIO", "GPIO_IN") == 0b1101_1000


def test_where_two_drive_a_wire_low_wins() -> None:
    board = Board()
    board.chip.io_bank0.wire([0b11])
    for pin in (0, 1):
        _output(board, pin)
    board.write("SIO", "GPIO_OUT", 0b01)
    assert board.read("SIO", "GPIO_IN") & 0b11 == 0
    board.write("SIO", "GPIO_OUT", 0b11)
    assert board.read("SIO", "GPIO_IN") & 0b11 == 0b11


def test_a_wire_that_nobody_drives_follows_the_pulls() -> None:
    board = Board()
    board.chip.io_bank0.wire([0b11])
    assert board.read("SIO", "GPIO_IN") & 0b11 == 0  # both are pulled down after reset
    board.write("PADS_BANK0", "GPIO1", 0x4A)  # input enable, pull-up
    assert board.read("SIO", "GPIO_IN") & 0b11 == 0b11
