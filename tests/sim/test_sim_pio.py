"""PIO: programs of known timing, registers, and random programs against a slow model.

Times and values are those of the RP2040 datasheet, chapter 3, not of our output. Programs are
assembled by hand: a helper for each instruction.
"""

from itertools import pairwise

import pytest
from peripheral_board import Board
from pio_pairs import run_random
from sim_programs import pico

from priot.sim.cpu.state import Core
from priot.sim.devices.pio import places

_PIO0, _PINS, _X, _Y, _ISR, _OSR, _PINDIRS = 6, 0, 1, 2, 6, 7, 4
_NULL, _EXEC, _PC = 3, 7, 5
_ALWAYS, _X_POST, _OSR_LEFT = 0, 2, 7
_IRQ0_OF_PIO0 = 7
_P = "PIO0"


def _jmp(target: int, condition: int = _ALWAYS, delay: int = 0) -> int:
    return condition << 5 | target | delay << 8


def _wait(level: int, source: int, index: int) -> int:
    return 1 << 13 | level << 7 | source << 5 | index


def _in(source: int, count: int, delay: int = 0) -> int:
    return 2 << 13 | source << 5 | count % 32 | delay << 8


def _out(target: int, count: int, delay: int = 0) -> int:
    return 3 << 13 | target << 5 | count % 32 | delay << 8


def _push(*, block: bool = True, if_full: bool = False) -> int:
    return 4 << 13 | block << 5 | if_full << 6


def _pull(*, block: bool = True, if_empty: bool = False, delay: int = 0) -> int:
    return 4 << 13 | 1 << 7 | block << 5 | if_empty << 6 | delay << 8


def _mov(target: int, source: int, operation: int = 0) -> int:
    return 5 << 13 | target << 5 | operation << 3 | source


def _irq(index: int, *, wait: bool = False, clear: bool = False) -> int:
    return 6 << 13 | clear << 6 | wait << 5 | index


def _set(target: int, data: int, delay: int = 0) -> int:
    return 7 << 13 | target << 5 | data | delay << 8


_NOP = _mov(_Y, _Y)


class Machine:
    """State machine 0 of PIO0 on a board, with a program from address 0 on that wraps."""

    def __init__(self, *program: int, board: Board | None = None, number: int = 0) -> None:
        self.board = board or Board()
        self._number = number
        for place, op in enumerate(program):
            self.board.write(_P, f"INSTR_MEM{place}", op)
        self.write("EXECCTRL", (len(program) or 32) - 1 << 12)

    def write(self, register: str, value: int) -> None:
        self.board.write(_P, f"SM{self._number}_{register}", value)

    def start(self) -> None:
        """Enable it, with its clock divider at phase 0."""
        self.board.set_bits(_P, "CTRL", 0x101 << self._number)

    def give(self, *pins: int) -> None:
        for pin in pins:
            self.board.write("IO_BANK0", f"GPIO{pin}_CTRL", _PIO0)

    def level(self, pin: int) -> int:
        return self.board.chip.io_bank0.levels >> pin & 1

    def edges(self, pin: int, cycles: int) -> list[int]:
        """Cycles from now on in which a pin changes."""
        found, level = [], self.level(pin)
        for cycle in range(1, cycles + 1):
            self.board.run(1)
            if self.level(pin) != level:
                found.append(cycle)
                level ^= 1
        return found

    def received(self) -> list[int]:
        words = []
        while not self.board.read(_P, "FSTAT") >> 8 + self._number & 1:
            words.append(self.board.read(_P, f"RXF{self._number}"))
        return words


def test_a_square_wave_has_the_clock_of_its_divider() -> None:
    """3.2.2: two instructions of two cycles each; 3.5.5: of 2.5 cycles a clock enable."""
    machine = Machine(_set(_PINDIRS, 1), _set(_PINS, 1, 1), _set(_PINS, 0), _jmp(1))
    machine.write("PINCTRL", 1 << 26)
    machine.write("CLKDIV", 2 << 16 | 128 << 8)
    machine.give(0)
    machine.start()
    edges = machine.edges(0, 100)
    assert {second - first for first, second in pairwise(edges)} == {5}  # 4 * 2.5 = 10 a period


def test_the_fraction_of_a_divider_lengthens_the_next_period() -> None:
    """3.5.5: each time the running total wraps, the integer is one more for the next period."""
    machine = Machine(_mov(_PINS, _PINS, 1))  # inverts its pin at every clock enable
    machine.write("PINCTRL", 1 << 20)
    machine.board.write(_P, "INPUT_SYNC_BYPASS", 1)
    machine.give(0)
    machine.board.write(_P, "SM0_INSTR", _set(_PINDIRS, 1))
    machine.write("PINCTRL", 1 << 20 | 1 << 26)
    machine.board.run(3)
    machine.write("CLKDIV", 2 << 16 | 128 << 8)
    machine.start()
    edges = machine.edges(0, 30)
    assert edges[0] == 1  # the first clock enable comes at once
    assert [second - first for first, second in pairwise(edges)][:7] == [2, 2, 3, 2, 3, 2, 3]


def test_ws2812_bits_have_their_lengths() -> None:
    """The program of 3.6.2: 10 cycles a bit, high for two of a 0 and seven of a 1."""
    side_1, side_0 = 1 << 12, 0
    machine = Machine(
        _out(_X, 1, 2) | side_0,
        _jmp(3, 1, 1) | side_1,  # jmp !x
        _jmp(0, _ALWAYS, 4) | side_1,
        _NOP | 4 << 8 | side_0,
    )
    machine.write("PINCTRL", 1 << 29 | 1 << 26)
    machine.write("SHIFTCTRL", 1 << 17 | 24 << 25)  # autopull of 24 bits, to the left
    machine.give(0)
    machine.write("INSTR", _set(_PINDIRS, 1))
    machine.board.run(3)
    machine.board.write(_P, "TXF0", 0b101 << 29)
    machine.start()
    edges = machine.edges(0, 60)
    highs = [fall - rise for rise, fall in zip(edges[::2], edges[1::2], strict=False)]
    rises = edges[::2]
    assert highs[:3] == [7, 2, 7]
    assert [second - first for first, second in pairwise(rises)][:3] == [10, 10, 10]


def test_uart_frames_can_be_read_from_the_pin() -> None:
    """The transmitter of 3.6.3: 8 cycles a bit, start bit low, least significant bit first."""
    one, zero = 0b11 << 11, 0b10 << 11  # side-set with its enable bit
    machine = Machine(
        _pull() | 7 << 8 | one,
        _set(_X, 7) | 7 << 8 | zero,
        _out(_PINS, 1),
        _jmp(2, _X_POST) | 6 << 8,
    )
    machine.write("EXECCTRL", 3 << 12 | 1 << 30)
    machine.write("PINCTRL", 2 << 29 | 1 << 26 | 1 << 20)
    machine.write("SHIFTCTRL", 1 << 19)
    machine.give(0)
    machine.write("INSTR", _set(_PINDIRS, 1))
    machine.board.run(3)
    machine.write("INSTR", _set(_PINS, 1))
    machine.board.run(3)
    machine.start()
    machine.board.write(_P, "TXF0", ord("U"))
    edges = machine.edges(0, 120)
    start = edges[0]
    assert [edge - start for edge in edges] == [0, *range(8, 80, 8)]  # 0x55 changes at each bit


def test_shifted_out_and_in_again() -> None:
    """3.5.4: autopull and autopush, a word in two clocks."""
    machine = Machine(_out(_X, 32), _in(_X, 32))
    machine.write("SHIFTCTRL", 3 << 18 | 3 << 16)
    machine.start()
    words = [0x1234_5678, 0xDEAD_BEEF, 0, 0xFFFF_FFFF]
    for word in words:
        machine.board.write(_P, "TXF0", word)
    machine.board.run(12)
    assert machine.received() == words
    assert machine.board.read(_P, "FDEBUG") >> 24 & 1  # it waits for more


@pytest.mark.parametrize(("first", "second"), [(3, 4), (93, 8), (0, 0)])
def test_addition(first: int, second: int) -> None:
    """The adder of the datasheet's examples: decrements until one is used up."""
    machine = Machine(
        _pull(),
        _mov(_X, _OSR, 1),
        _pull(),
        _mov(_Y, _OSR),
        _jmp(6),
        _jmp(6, _X_POST),
        _jmp(5, 4),  # y--
        _mov(_ISR, _X, 1),
        _push(),
    )
    machine.start()
    machine.board.write(_P, "TXF0", first)
    machine.board.write(_P, "TXF0", second)
    machine.board.run(400)
    assert machine.received() == [first + second]


@pytest.mark.parametrize(("bypass", "latency"), [(0, 2), (1 << 5, 0)])
def test_inputs_take_two_cycles_but_for_those_that_bypass_the_synchroniser(
    bypass: int, latency: int
) -> None:
    """3.5.6.3: two flip-flops."""
    machine = Machine(_wait(1, 0, 5), _set(_PINS, 1))
    machine.write("PINCTRL", 1 << 26)
    machine.board.write(_P, "INPUT_SYNC_BYPASS", bypass)
    machine.give(0)
    machine.write("INSTR", _set(_PINDIRS, 1))
    machine.start()
    machine.board.run(20)
    machine.board.chip.io_bank0.set_input(5, True)
    assert machine.edges(0, 20) == [latency + 2]  # one cycle each for WAIT and SET


def test_several_machines_on_one_pin() -> None:
    """3.5.6: the highest-numbered machine wins; side-set wins over the OUT of its own machine."""
    board = Board()
    first = Machine(_set(_PINS, 1), _jmp(1), _set(_PINS, 0), _jmp(3), board=board)
    second = Machine(board=board, number=1)
    for machine in (first, second):
        machine.write("EXECCTRL", 31 << 12)
        machine.write("PINCTRL", 1 << 26)
    second.write("INSTR", _jmp(2))
    board.run(3)
    board.write(_P, "CTRL", 0b11)
    board.run(1)
    assert board.read(_P, "DBG_PADOUT") == 0
    board.write(_P, "CTRL", 0)
    first.write("PINCTRL", 1 << 26 | 1 << 29)
    first.write("INSTR", _set(_PINS, 0) | 1 << 12)
    board.run(3)
    assert board.read(_P, "DBG_PADOUT") == 1


def test_a_relative_flag_is_that_of_the_machine() -> None:
    """3.4.9: modulo 4 on the low bits."""
    board = Board()
    for number, flag in ((2, 3), (3, 0)):
        machine = Machine(board=board, number=number)
        machine.write("INSTR", _irq(0x11))
        board.run(3)
        assert board.read(_P, "IRQ") == 1 << flag
        board.write(_P, "IRQ", 0xFF)


def test_irq_wait_stalls_until_the_flag_is_cleared() -> None:
    machine = Machine(_irq(0, wait=True), _set(_X, 1), _jmp(2))
    machine.board.write(_P, "IRQ0_INTE", 1 << 8)
    machine.start()
    machine.board.run(50)
    assert machine.board.read(_P, "SM0_ADDR") == 0
    assert _IRQ0_OF_PIO0 in machine.board.interrupts
    assert int(machine.board.machine.cores[1][Core.LINES]) >> 16 + _IRQ0_OF_PIO0 & 1
    machine.board.write(_P, "IRQ", 1)
    assert _IRQ0_OF_PIO0 not in machine.board.interrupts
    machine.board.run(2)
    assert machine.board.read(_P, "SM0_ADDR") == 2


def test_fifos_tell_of_errors_and_join() -> None:
    """3.5.3 and 3.7: FSTAT, FLEVEL, FDEBUG; a FIFO that is joined has eight words."""
    board = Board()
    assert board.read(_P, "FSTAT") == 0x0F00_0F00
    for _ in range(5):
        board.write(_P, "TXF1", 1)
    assert board.read(_P, "FLEVEL") == 4 << 8
    assert board.read(_P, "FDEBUG") == 1 << 17  # TXOVER
    board.read(_P, "RXF1")
    assert board.read(_P, "FDEBUG") == 1 << 17 | 1 << 9  # RXUNDER
    board.write(_P, "FDEBUG", 1 << 17)
    assert board.read(_P, "FDEBUG") == 1 << 9
    board.write(_P, "SM1_SHIFTCTRL", 1 << 30 | 3 << 18)
    assert board.read(_P, "FLEVEL") == 0
    assert board.read(_P, "FSTAT") & 0x0202_0202 == 0x0200_0202  # RX is full and empty
    for _ in range(8):
        board.write(_P, "TXF1", 1)
    assert board.read(_P, "FLEVEL") == 8 << 8


def test_a_written_instruction_is_executed_at_once() -> None:
    """3.5.7: whatever divider and enable say; one that stalls is kept until it completes."""
    machine = Machine(_jmp(0))
    machine.write("CLKDIV", 0xFFFF << 16)
    machine.write("INSTR", _set(_X, 9) | 31 << 8)
    machine.board.run(3)
    machine.write("INSTR", _mov(_ISR, _X))
    machine.board.run(3)
    machine.write("INSTR", _push())
    machine.board.run(3)
    assert machine.received() == [9]
    machine.write("INSTR", _pull())
    machine.board.run(10)
    assert machine.board.read(_P, "SM0_EXECCTRL") >> 31
    machine.write("INSTR", _NOP)
    machine.board.run(3)
    assert not machine.board.read(_P, "SM0_EXECCTRL") >> 31


def test_data_are_executed_without_the_delay_of_the_instruction_that_brought_them() -> None:
    """3.4.5: the OUT takes a cycle, its delay is ignored; the executee may have a delay."""
    machine = Machine(_out(_EXEC, 16, 7), _set(_PINS, 0))
    machine.write("PINCTRL", 1 << 26)
    machine.write("SHIFTCTRL", 3 << 18 | 1 << 17)
    machine.give(0)
    machine.write("INSTR", _set(_PINDIRS, 1))
    machine.board.run(3)
    machine.board.write(_P, "TXF0", _set(_PINS, 1, 4))
    machine.board.run(1)
    machine.start()
    # In cycle 0 the OSR is filled, in cycle 1 OUT, in cycle 2 SET, which takes 1 + 4.
    assert machine.edges(0, 20) == [3, 8]


def test_a_status_compares_the_level_of_a_fifo() -> None:
    """3.4.8: all ones while TX has fewer than N words."""
    machine = Machine()
    machine.write("EXECCTRL", 2)
    for words, status in ((0, 0xFFFF_FFFF), (1, 0xFFFF_FFFF), (2, 0)):
        machine.board.write(_P, "CTRL", 0)
        while machine.board.read(_P, "FLEVEL") & 15 < words:
            machine.board.write(_P, "TXF0", 0)
        machine.write("INSTR", _mov(_ISR, 5))
        machine.board.run(3)
        machine.write("INSTR", _push())
        machine.board.run(3)
        assert machine.received() == [status]


def test_a_sticky_write_is_asserted_again() -> None:
    """EXECCTRL_OUT_STICKY: over what a machine with a higher number wrote once."""
    board = Board()
    first, second = Machine(board=board), Machine(board=board, number=1)
    for machine in (first, second):
        machine.write("PINCTRL", 1 << 26)
    first.write("EXECCTRL", 31 << 12 | 1 << 17)
    first.write("INSTR", _set(_PINS, 1))
    board.run(3)
    second.write("INSTR", _set(_PINS, 0))
    board.run(3)
    assert board.read(_P, "DBG_PADOUT") == 0
    board.run(1)
    assert board.read(_P, "DBG_PADOUT") == 1


def test_a_reset_forgets_everything() -> None:
    machine = Machine(_jmp(0))
    machine.write("CLKDIV", 7 << 16)
    machine.board.write(_P, "TXF0", 1)
    machine.start()
    machine.board.run(5)
    machine.board.release(0x1FF_FFFF)
    machine.board.set_bits("RESETS", "RESET", 1 << 10)
    for register, value in (
        *(("CTRL", 0), ("FLEVEL", 0), ("SM0_CLKDIV", 1 << 16), ("SM0_EXECCTRL", 0x1F000)),
        *(("SM0_SHIFTCTRL", 0xC_0000), ("SM0_PINCTRL", 0x1400_0000), ("DBG_CFGINFO", 0x20_0404)),
    ):
        assert machine.board.read(_P, register) == value, register


def test_pins_are_up_to_date_when_a_run_ends() -> None:
    """Nobody asks for a machine that only drives a pin, until somebody looks."""
    target = pico("b .")
    target.run(max_cycles=10)
    peripherals = target._chip.present_peripherals()
    block = next(block for block in peripherals.blocks if block.name == _P)
    for offset, value in (
        *((0x48, _set(_X, 20)), (0x4C, _jmp(1, _X_POST)), (0x50, _set(_PINS, 1)), (0x54, _jmp(3))),
        *((0xDC, 1 << 26), (0x00, 1)),
    ):
        block.write(offset, value)
    target.run(max_cycles=100)
    assert target._chip.state.chip[places.BLOCKS + places.PADOUT] == 1


@pytest.mark.parametrize("first", range(0, 120, 20))
def test_random_programs_do_as_the_model_does(first: int) -> None:
    for seed in range(first, first + 20):
        run_random(seed)
