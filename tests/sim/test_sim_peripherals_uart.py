"""UART: the SDK's initialisation, baud rate, FIFOs, interrupts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from peripheral_board import Board

_TXFE, _RXFF, _TXFF, _RXFE, _BUSY = 0x80, 0x40, 0x20, 0x10, 0x08
_RX, _TX, _RT = 0x10, 0x20, 0x40
_IRQ = 20
_BIT = 1085  # cycles at 115,200 baud: 16 * (67 + 52 / 64)
_FRAME = 10 * _BIT


def _board(baud: int = 115_200) -> Board:
    board = Board()
    board.init_clocks()
    board.init_uart(baud)
    return board


def _put(board: Board, data: bytes) -> None:
    """uart_putc_raw: waits for room."""
    for byte in data:
        board.wait_for("UART0", "UARTFR", _TXFF, 0, step=5)
        board.write("UART0", "UARTDR", byte)


def _flags(board: Board) -> int:
    return board.read("UART0", "UARTFR")


@pytest.mark.parametrize(
    ("baud", "whole", "fraction"), [(115_200, 67, 52), (9600, 813, 51), (921_600, 8, 31)]
)
def test_baud_divisors(baud: int, whole: int, fraction: int) -> None:
    board = _board(baud)
    assert board.read("UART0", "UARTIBRD") == whole
    assert board.read("UART0", "UARTFBRD") == fraction
    assert board.read("UART0", "UARTLCR_H") == 0x70
    assert board.read("UART0", "UARTCR") == 0x301
    board.write("UART0", "UARTDR", 0x55)
    cycles = board.wait_for("UART0", "UARTFR", _BUSY, 0)
    assert cycles == -(-10 * (64 * whole + fraction) // 4)
    assert cycles == pytest.approx(10 * 125e6 / baud, rel=0.003)


def test_output_and_busy_time() -> None:
    board = _board()
    start = board.clock.cycles
    text = bytes(range(200))
    _put(board, text)
    board.wait_for("UART0", "UARTFR", _BUSY, 0, step=5)
    assert board.sent == text
    assert board.clock.cycles - start == len(text) * _FRAME
    assert _flags(board) == _TXFE | _RXFE


def test_fifo_fills_behind_the_shifter() -> None:
    board = _board()
    for count in range(33):
        assert _flags(board) & _TXFF == 0, count
        board.write("UART0", "UARTDR", count)
    assert _flags(board) == _TXFF | _BUSY | _RXFE
    board.write("UART0", "UARTDR", 99)  # lost
    assert len(board.sent) == 33
    assert board.wait_for("UART0", "UARTFR", _TXFF, 0) == _FRAME
    assert board.wait_for("UART0", "UARTFR", _TXFE, _TXFE, step=5) == 31 * _FRAME


def test_frame_formats() -> None:
    board = _board()
    for control, bits in ((0x70, 10), (0x78, 11), (0x72, 11), (0x7A, 12), (0x10, 7), (0x60, 10)):
        board.write("UART0", "UARTLCR_H", control)
        board.write("UART0", "UARTDR", 0)
        assert board.wait_for("UART0", "UARTFR", _BUSY, 0) == bits * _BIT


def test_disabled_transmitter_holds_its_bytes() -> None:
    board = _board()
    board.clear_bits("UART0", "UARTCR", 1)
    board.write("UART0", "UARTDR", 65)
    board.run(100_000)
    assert board.sent == b""
    assert _flags(board) & (_BUSY | _TXFE) == _BUSY
    board.set_bits("UART0", "UARTCR", 1)
    assert board.sent == b"A"
    board.run(100_000)
    assert _flags(board) == _TXFE | _RXFE


def test_divisors_count_after_line_control() -> None:
    board = _board()
    board.write("UART0", "UARTIBRD", 1)
    board.write("UART0", "UARTFBRD", 0)
    board.write("UART0", "UARTDR", 0)
    assert board.wait_for("UART0", "UARTFR", _BUSY, 0) == _FRAME
    board.write("UART0", "UARTLCR_H", 0x70)
    board.write("UART0", "UARTDR", 0)
    assert board.wait_for("UART0", "UARTFR", _BUSY, 0) == 160


def test_no_divisor_no_transmission() -> None:
    board = _board()
    board.write("UART0", "UARTIBRD", 0)
    board.write("UART0", "UARTLCR_H", 0x70)
    board.write("UART0", "UARTDR", 0)
    board.run(10_000_000)
    assert _flags(board) & _BUSY
    assert board.sent == b""


def test_no_clock_no_transmission() -> None:
    board = _board()
    board.write("UART0", "UARTDR", 0)
    board.clear_bits("CLOCKS", "CLK_PERI_CTRL", 1 << 11)
    board.run(1_000_000)
    assert _flags(board) & _BUSY
    board.set_bits("CLOCKS", "CLK_PERI_CTRL", 1 << 11)
    assert board.wait_for("UART0", "UARTFR", _BUSY, 0) == _FRAME


def test_baud_rate_follows_clk_peri() -> None:
    board = _board()
    board.write("UART0", "UARTDR", 0)
    board.run(5 * _BIT)
    board.configure("CLK_PERI", 0, 2)  # PLL_USB, 48 MHz
    rest = board.wait_for("UART0", "UARTFR", _BUSY, 0)
    assert rest == -(-5 * _BIT * 125 // 48)


def test_transmit_interrupt() -> None:
    board = _board()
    board.write("UART0", "UARTIFLS", 0)  # 4 of 32
    board.write("UART0", "UARTIMSC", _TX)
    assert board.sleeps()
    assert board.interrupts == set()
    for byte in range(8):
        board.write("UART0", "UARTDR", byte)
    board.write("UART0", "UARTICR", _TX)
    assert board.interrupts == set()
    board.run(3 * _FRAME - 1)
    assert board.interrupts == set()
    board.run(1)
    assert board.interrupts == {_IRQ}  # 7 were waiting, 4 are
    assert board.read("UART0", "UARTMIS") == _TX
    board.write("UART0", "UARTICR", _TX)
    assert board.interrupts == set()
    assert board.read("UART0", "UARTRIS") == 0


def test_receive() -> None:
    board = _board()
    board.chip.uart0.feed(b"hello")
    assert _flags(board) & _RXFE
    received = bytearray()
    start = board.clock.cycles
    for count in range(1, 6):
        board.wait_for("UART0", "UARTFR", _RXFE, 0)
        assert board.clock.cycles - start == count * _FRAME
        received.append(board.read("UART0", "UARTDR"))
    assert received == b"hello"
    assert board.read("UART0", "UARTDR") == 0


def test_receive_interrupts() -> None:
    board = _board()
    board.write("UART0", "UARTIFLS", 0)
    board.write("UART0", "UARTIMSC", _RX | _RT)
    board.chip.uart0.feed(b"01234")
    board.run(4 * _FRAME - 1)
    assert board.interrupts == set()
    board.run(1)
    assert board.interrupts == {_IRQ}
    assert board.read("UART0", "UARTMIS") == _RX
    assert board.read("UART0", "UARTDR") == ord("0")
    assert board.interrupts == set()
    board.run(42 * _BIT - 1)
    assert board.read("UART0", "UARTRIS") & _RT == 0
    board.run(1)
    assert board.read("UART0", "UARTMIS") == _RX | _RT
    assert bytes(board.read("UART0", "UARTDR") for _ in range(4)) == b"1234"
    assert board.interrupts == set()
    assert board.sleeps()


def test_input_waits_for_room() -> None:
    board = _board()
    data = bytes(range(100))
    board.chip.uart0.feed(data)
    board.run(2_000_000)
    assert _flags(board) & _RXFF
    received = bytearray()
    while len(received) < len(data):
        board.wait_for("UART0", "UARTFR", _RXFE, 0, step=100)
        received.append(board.read("UART0", "UARTDR"))
    assert received == data
    assert _flags(board) & _RXFE


def test_loopback() -> None:
    board = _board()
    board.set_bits("UART0", "UARTCR", 1 << 7)
    _put(board, b"echo")
    board.run(100_000)
    assert bytes(board.read("UART0", "UARTDR") for _ in range(4)) == b"echo"


@given(st.lists(st.tuples(st.integers(0, 30_000), st.binary(max_size=40)), max_size=8))
def test_time_does_not_depend_on_polling(bursts: list[tuple[int, bytes]]) -> None:
    """Looking at the flags in between changes nothing."""
    often, seldom = _board(), _board()
    for pause, data in bursts:
        for board in (often, seldom):
            for byte in data:
                board.write("UART0", "UARTDR", byte)
        for _ in range(10):
            often.clock.advance(often.clock.cycles + pause // 10)
            _flags(often)
        seldom.clock.advance(seldom.clock.cycles + pause // 10 * 10)
        assert _flags(often) == _flags(seldom)
    assert often.sent == seldom.sent


# Errors and overruns: Arm DDI0183G, 2.4.1 (FIFO) and 3.3.1 to 3.3.2 (UARTDR, UARTRSR).

_FE, _PE, _BE, _OE = (1 << bit for bit in range(8, 12))  # beside a byte in UARTDR
_FEI, _PEI, _BEI, _OEI = (1 << bit for bit in range(7, 11))  # interrupts


def _read(board: Board) -> int:
    return board.read("UART0", "UARTDR")


def test_overrun() -> None:
    """A byte that finds no room is lost, and the next one that finds it says so."""
    board = _board()
    board.write("UART0", "UARTIMSC", _OEI)
    board.chip.uart0.feed(range(34), waits=False)
    board.run(32 * _FRAME)
    assert (board.interrupts, board.read("UART0", "UARTRSR")) == (set(), 0)
    board.run(_FRAME - 1)
    assert board.interrupts == set()
    board.run(1)
    assert board.interrupts == {_IRQ}
    assert board.read("UART0", "UARTMIS") == _OEI
    assert board.read("UART0", "UARTRSR") == 8
    assert _read(board) == 0
    board.run(_FRAME)
    assert [_read(board) for _ in range(32)] == [*range(1, 32), 33 | _OE]
    assert board.read("UART0", "UARTRSR") == 8
    board.write("UART0", "UARTRSR", 0)  # any write clears
    board.write("UART0", "UARTICR", _OEI)
    assert (board.interrupts, board.read("UART0", "UARTRSR")) == (set(), 0)


def test_overrun_without_fifo() -> None:
    board = _board()
    board.write("UART0", "UARTLCR_H", 0x60)
    board.chip.uart0.feed(b"ab", waits=False)
    board.run(2 * _FRAME)
    assert _read(board) == ord("a")
    assert board.read("UART0", "UARTRIS") & _OEI


@pytest.mark.parametrize(
    ("error", "interrupt", "status"), [(_FE, _FEI, 1), (_PE, _PEI, 2), (_BE, _BEI, 4)]
)
def test_errors_come_with_their_byte(error: int, interrupt: int, status: int) -> None:
    board = _board()
    board.write("UART0", "UARTIMSC", interrupt)
    board.chip.uart0.feed([65, 66 | error, 67])
    board.run(2 * _FRAME - 1)
    assert board.interrupts == set()
    board.run(_FRAME + 1)
    assert board.interrupts == {_IRQ}
    for word, rsr in ((65, 0), (66 | error, status), (67, 0)):
        assert _read(board) == word
        assert board.read("UART0", "UARTRSR") == rsr
    assert board.interrupts == {_IRQ}
    board.write("UART0", "UARTICR", interrupt)
    assert board.interrupts == set()


def test_break_through_the_loop() -> None:
    board = _board()
    board.set_bits("UART0", "UARTCR", 1 << 7)
    board.write("UART0", "UARTIMSC", _BEI)
    board.set_bits("UART0", "UARTLCR_H", 1)
    board.run(_FRAME - 1)
    assert board.interrupts == set()
    board.run(1)
    assert board.interrupts == {_IRQ}
    board.run(10 * _FRAME)
    assert _read(board) == _BE | _FE
    assert _flags(board) & _RXFE  # one, however long the break
    board.clear_bits("UART0", "UARTLCR_H", 1)
    board.set_bits("UART0", "UARTLCR_H", 1)
    board.run(_FRAME)
    assert _read(board) == _BE | _FE


def test_short_words_lose_their_high_bits() -> None:
    board = _board()
    board.write("UART0", "UARTLCR_H", 0x10)  # five bits
    board.write("UART0", "UARTDR", 0xFF)
    assert board.sent == b"\x1f"
    board.chip.uart0.feed([0xFF | _PE])
    board.run(_FRAME)
    assert _read(board) == 0x1F | _PE


def test_a_loop_cuts_off_the_host() -> None:
    board = _board()
    board.set_bits("UART0", "UARTCR", 1 << 7)
    board.chip.uart0.feed(b"x")
    board.run(10 * _FRAME)
    assert _flags(board) & _RXFE
    board.clear_bits("UART0", "UARTCR", 1 << 7)
    board.run(10 * _FRAME)
    assert _read(board) == ord("x")


def test_requests_to_the_dma() -> None:
    """DDI0183G 2.5: for each byte that is there, and while there is room for one."""
    board = _board()
    board.chip.uart0.feed(b"ab")
    board.write("UART0", "UARTDMACR", 0b01)
    board.run(_FRAME - 1)
    assert board.data_requests == set()
    board.run(1)
    assert board.data_requests == {21}
    assert _read(board) == ord("a")
    assert board.data_requests == set()
    board.run(_FRAME)
    assert board.data_requests == {21}
    board.write("UART0", "UARTDMACR", 0b10)
    assert board.data_requests == {20}
    for byte in range(33):
        board.write("UART0", "UARTDR", byte)
    assert board.data_requests == set()
    board.run(_FRAME)
    assert board.data_requests == {20}


def test_an_error_ends_reception_by_dma() -> None:
    board = _board()
    board.write("UART0", "UARTDMACR", 0b101)  # DMAONERR
    board.chip.uart0.feed([65 | _FE])
    board.run(_FRAME)
    assert board.data_requests == set()
    board.write("UART0", "UARTICR", _FEI)
    assert board.data_requests == {21}


@pytest.mark.parametrize(
    ("control", "parity"),
    [(0, None), (0b10, 1), (0b110, 0), (1 << 7 | 0b10, 1), (1 << 7 | 0b110, 0)],
)
def test_frames_are_seen_on_pins(control: int, parity: int | None) -> None:
    """DDI0183G, 2.7.2 and table 3-11: start bit, data from the lowest on, parity, stop bit."""
    board = Board()
    board.init_clocks()
    board.init_uart(115_200)
    board.write("IO_BANK0", "GPIO0_CTRL", 2)
    board.chip.io_bank0.wire([0b101])  # to GPIO 2
    board.write("UART0", "UARTLCR_H", 0x70 | control)
    assert board.chip.io_bank0.inputs & 0b101 == 0b101  # idle
    bit = 125_000_000 // 115_200
    for byte in (0x55, 0xC3):  # even numbers of ones
        data = [byte >> place & 1 for place in range(8)]
        expected = [0, *data, *([] if parity is None else [parity]), 1, 1]
        board.write("UART0", "UARTDR", byte)
        board.run(bit // 2)
        levels = []
        for _ in expected:
            levels.append(board.chip.io_bank0.inputs >> 2 & 1)
            board.run(bit)
        assert levels == expected


def test_a_uart_without_a_pin_moves_none() -> None:
    board = Board()
    board.init_clocks()
    board.init_uart(115_200)
    board.chip.io_bank0.wire([0b101])
    board.write("UART0", "UARTDR", 0)
    board.run(5_000)
    assert board.chip.io_bank0.outputs == (0, 0)
