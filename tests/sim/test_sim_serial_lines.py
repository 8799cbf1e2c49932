"""UART, SPI and I2C on their pins. Values: RP2040 datasheet, 4.2 to 4.4; Arm DDI0183G, DDI0194H."""

from __future__ import annotations

import pytest
from line_board import LineBoard

from priot.sim.parts import I2cMemory

# --- SPI: a bit of 10 cycles

HALF = 5
_RX, _CS, _SCK, _TX = 16, 17, 18, 19
_SPH, _SPO, _TI, _MICROWIRE = 1 << 7, 1 << 6, 1 << 4, 2 << 4
_SSE, _MS = 2, 4


def _spi(control: int, bits: int = 8) -> LineBoard:
    board = LineBoard()
    for pin in (_RX, _CS, _SCK, _TX):
        board.write("IO_BANK0", f"GPIO{pin}_CTRL", 1)
    board.write("SPI0", "SSPCPSR", 2)
    board.write("SPI0", "SSPCR0", (HALF - 1) << 8 | control | bits - 1)
    board.write("SPI0", "SSPCR1", _SSE)
    board.forget()
    return board


def _bits(word: int, count: int = 8) -> list[int]:
    return [word >> place & 1 for place in reversed(range(count))]


@pytest.mark.parametrize("spo", [False, True])
def test_spi_with_sph_0(spo: bool) -> None:
    """Figures 2-4 and 2-7: data half a bit after chip select, sampled half a bit later by the first
    edge; chip select rises a bit behind the last sample."""
    board = _spi(_SPO * spo)
    assert board.levels(_SCK, [0]) == [spo]
    assert board.levels(_CS, [0]) == [1]
    board.write("SPI0", "SSPDR", 0xA5)
    board.pass_time(200)
    assert board.edges(_CS) == [0, 18 * HALF]
    assert board.edges(_SCK) == [at * HALF for at in range(2, 18)]
    assert board.level(_SCK, 2 * HALF) != spo
    samples = range(2 * HALF, 18 * HALF, 2 * HALF)
    assert board.levels(_TX, samples) == _bits(0xA5)
    assert board.levels(_TX, [at - HALF for at in samples]) == _bits(0xA5)  # already, but no sooner
    assert board.levels(_TX, [at - HALF - 1 for at in samples][1:]) == _bits(0xA5)[:-1]


@pytest.mark.parametrize("spo", [False, True])
def test_spi_with_sph_1_keeps_chip_select_low_between_words(spo: bool) -> None:
    """Figures 2-6 and 2-9: data comes with the first edge, half a bit after chip select, and is
    sampled with the second."""
    board = _spi(_SPH | _SPO * spo)
    board.write("SPI0", "SSPDR", 0xA5)
    board.write("SPI0", "SSPDR", 0x3C)
    board.pass_time(300)
    assert board.edges(_CS) == [0, 34 * HALF]
    assert board.edges(_SCK) == [at * HALF for at in range(1, 33)]
    assert board.level(_SCK, HALF) != spo
    samples = range(2 * HALF, 34 * HALF, 2 * HALF)
    assert board.levels(_TX, samples) == _bits(0xA53C, 16)
    assert board.levels(_TX, [at - HALF for at in samples]) == _bits(0xA53C, 16)


def test_spi_words_with_sph_0_have_a_pulse_of_chip_select_between_them() -> None:
    """2.3.9: of half a bit at least."""
    board = _spi(0)
    board.write("SPI0", "SSPDR", 0xFF)
    board.write("SPI0", "SSPDR", 0x00)
    board.pass_time(300)
    assert board.edges(_CS) == [0, 18 * HALF, 19 * HALF, 37 * HALF]


def test_spi_of_ti() -> None:
    """Figure 2-3: the pulse lasts a bit, the next word's is in the last bit of the one before."""
    board = _spi(_TI)
    assert board.levels(_CS, [0]) == [0]
    board.write("SPI0", "SSPDR", 0xA5)
    board.write("SPI0", "SSPDR", 0x3C)
    board.pass_time(300)
    assert board.edges(_CS) == [0, 2 * HALF, 16 * HALF, 18 * HALF]
    assert board.edges(_SCK) == [at * HALF for at in range(34)]
    samples = range(3 * HALF, 35 * HALF, 2 * HALF)  # falling edges
    assert board.levels(_TX, samples) == _bits(0xA53C, 16)


def test_spi_of_microwire() -> None:
    """Figure 2-10: eight bits out, one of silence, then four in; sampled by rising edges."""
    board = _spi(_MICROWIRE, bits=4)
    board.write("SPI0", "SSPDR", 0xA5)
    board.pass_time(300)
    assert board.edges(_CS) == [0, 28 * HALF]
    assert board.edges(_SCK) == [at * HALF for at in range(2, 28)]
    assert board.levels(_TX, range(2 * HALF, 18 * HALF, 2 * HALF)) == _bits(0xA5)


def test_a_slave_of_spi_shows_its_answer() -> None:
    """Its first bit with chip select, the others behind the edges that sample; then it lets go."""
    board = _spi(0)
    rx, cs, sck, tx = 12, 13, 14, 15
    for pin in (rx, cs, sck, tx):
        board.write("IO_BANK0", f"GPIO{pin}_CTRL", 1)
    board.write("SPI1", "SSPCPSR", 2)
    board.write("SPI1", "SSPCR0", 7)
    board.write("SPI1", "SSPCR1", _SSE | _MS)
    pairs = ((_SCK, sck), (_CS, cs), (_TX, rx), (_RX, tx))
    board.chip.io_bank0.wire([1 << one | 1 << other for one, other in pairs])
    board.write("SPI1", "SSPDR", 0x96)
    board.forget()
    board.write("SPI0", "SSPDR", 0xA5)
    board.pass_time(300)
    samples = range(2 * HALF, 18 * HALF, 2 * HALF)
    assert board.levels(_RX, samples) == _bits(0x96)
    assert board.levels(rx, samples) == _bits(0xA5)
    assert board.level(_RX, 1) == 1
    assert board.edges(sck) == board.edges(_SCK)
    assert board.chip.io_bank0.outputs[1] >> tx & 1 == 0
    assert board.read("SPI0", "SSPDR") == 0x96
    assert board.read("SPI1", "SSPDR") == 0xA5


# --- I2C

LOW, HIGH, HOLD = 40 + 1, 20 + 5 + 7, 7
BIT = LOW + HIGH
_SDA, _SCL = 4, 5


def _i2c() -> LineBoard:
    board = LineBoard()
    for pin in (_SDA, _SCL):
        board.write("IO_BANK0", f"GPIO{pin}_CTRL", 3)
    board.write("I2C0", "IC_CON", 0x65)
    board.write("I2C0", "IC_FS_SCL_HCNT", 20)
    board.write("I2C0", "IC_FS_SCL_LCNT", 40)
    board.write("I2C0", "IC_FS_SPKLEN", 5)
    board.write("I2C0", "IC_SDA_HOLD", HOLD)
    board.write("I2C0", "IC_TAR", 0x50)
    board.write("I2C0", "IC_ENABLE", 1)
    board.forget()
    return board


def _i2c_bits(board: LineBoard, begin: int, count: int) -> list[int]:
    """What a listener takes while SCL is high; it may not change meanwhile."""
    taken = []
    for number in range(count):
        rise = begin + number * BIT + LOW
        assert board.level(_SCL, rise - 1) == 0
        assert board.level(_SCL, rise) == board.level(_SCL, rise + HIGH - 1) == 1
        assert board.level(_SCL, rise + HIGH) == 0
        taken.append(board.level(_SDA, rise))
        assert board.level(_SDA, rise + HIGH - 1) == taken[-1]
    return taken


def test_i2c_lines_of_a_write_that_is_acknowledged() -> None:
    """4.3.14: SCL is low for LCNT + 1 and high for HCNT + SPKLEN + 7 cycles of clk_sys; SDA changes
    IC_SDA_HOLD behind the fall of SCL. START holds for the high time, STOP is set up for it."""
    board = _i2c()
    board.chip.i2c_buses[0].attach(I2cMemory(bytes(16)), 0x50, ten_bit=False)
    assert (board.level(_SDA, 0), board.level(_SCL, 0)) == (1, 1)
    board.write("I2C0", "IC_DATA_CMD", 0x03 | 1 << 9)
    board.pass_time(30 * BIT)
    assert board.edges(_SDA)[0] == 0
    assert board.edges(_SCL)[0] == HIGH
    assert _i2c_bits(board, HIGH, 9) == [*_bits(0xA0), 0]
    assert _i2c_bits(board, HIGH + 9 * BIT, 9) == [*_bits(0x03), 0]
    assert board.edges(_SDA)[1] == HIGH + HOLD
    end = HIGH + 18 * BIT
    assert board.edges(_SCL)[-1] == end + LOW
    assert board.edges(_SDA)[-1] == end + BIT


def test_i2c_lines_of_an_empty_bus_and_of_a_repeated_start() -> None:
    board = _i2c()
    board.write("I2C0", "IC_DATA_CMD", 0x03 | 1 << 9)
    board.pass_time(30 * BIT)
    assert _i2c_bits(board, HIGH, 9) == [*_bits(0xA0), 1]
    assert board.edges(_SDA)[-1] == HIGH + 10 * BIT
    board = _i2c()
    board.chip.i2c_buses[0].attach(I2cMemory(bytes([0x96] * 16)), 0x50, ten_bit=False)
    board.write("I2C0", "IC_DATA_CMD", 0x03)
    board.write("I2C0", "IC_DATA_CMD", 1 << 8 | 1 << 9)
    board.pass_time(60 * BIT)
    again = HIGH + 18 * BIT + LOW + HIGH  # SDA falls here, with SCL high
    assert again in board.edges(_SDA)
    assert board.levels(_SCL, [again - 1, again, again + HIGH - 1, again + HIGH]) == [1, 1, 1, 0]
    assert _i2c_bits(board, again + HIGH, 18) == [*_bits(0xA1), 0, *_bits(0x96), 1]


# --- UART

UART_BIT = 16 * 10
_TX0, _RX1 = 0, 5
_PEN, _EPS, _STP2, _FEN = 2, 4, 8, 16


def _uarts(control: int = 3 << 5, receiver: int | None = None) -> LineBoard:
    """UART0 sends to UART1."""
    board = LineBoard()
    for pin in (_TX0, _RX1):
        board.write("IO_BANK0", f"GPIO{pin}_CTRL", 2)
    board.chip.io_bank0.wire([1 << _TX0 | 1 << _RX1])
    for block, line in (("UART0", control), ("UART1", control if receiver is None else receiver)):
        board.write(block, "UARTIBRD", 10)
        board.write(block, "UARTLCR_H", line | _FEN)
        board.write(block, "UARTCR", 0x301)
    board.forget()
    return board


def _arrived(board: LineBoard) -> list[int]:
    words = []
    while board.read("UART1", "UARTFR") & 1 << 4 == 0:
        words.append(board.read("UART1", "UARTDR"))
    return words


@pytest.mark.parametrize(
    "control",
    [3 << 5, 2 << 5 | _PEN, 3 << 5 | _PEN | _EPS, 3 << 5 | _STP2, 3 << 5 | _PEN | 1 << 7],
)
def test_one_uart_hears_the_other(control: int) -> None:
    board = _uarts(control)
    sent = [0x55, 0x00, 0x7F, 0x21]
    for word in sent:
        board.write("UART0", "UARTDR", word)
    board.pass_time(60 * UART_BIT)
    assert _arrived(board) == sent


def test_a_byte_is_there_in_the_middle_of_its_stop_bit() -> None:
    """DDI0183G 2.7.2: sampled on the eighth cycle of Baud16, and every 16th from there."""
    board = _uarts()
    board.write("UART1", "UARTIFLS", 0)
    board.write("UART1", "UARTIMSC", 1 << 4)
    for _ in range(4):
        board.write("UART0", "UARTDR", 0x41)
    board.pass_time(3 * 10 * UART_BIT + 9 * UART_BIT + UART_BIT // 2 - 1)
    assert 21 not in board.interrupts
    board.pass_time(1)
    assert 21 in board.interrupts  # UART1_IRQ


def test_a_program_that_polls_sees_it_too() -> None:
    board = _uarts()
    board.write("UART0", "UARTDR", 0x41)
    assert board.read("UART1", "UARTFR") & 1 << 4
    board.pass_time(9 * UART_BIT + UART_BIT // 2 - 1)
    assert board.read("UART1", "UARTFR") & 1 << 4
    board.pass_time(1)
    assert board.read("UART1", "UARTFR") & 1 << 4 == 0


def test_errors_on_the_line() -> None:
    board = _uarts(3 << 5 | _PEN | _EPS, 3 << 5 | _PEN)  # even against odd
    board.write("UART0", "UARTDR", 0x41)
    board.pass_time(12 * UART_BIT)
    assert _arrived(board) == [0x41 | 1 << 9]
    board = _uarts(3 << 5, 3 << 5 | _PEN | _EPS)  # the stop bit is where parity should be
    board.write("UART0", "UARTDR", 0x43)  # odd: parity would be 1
    board.pass_time(12 * UART_BIT)
    assert _arrived(board) == [0x43]
    board = _uarts(3 << 5, 2 << 5)  # a zero in the place of the stop bit
    board.write("UART0", "UARTDR", 0x41)
    board.pass_time(12 * UART_BIT)
    assert _arrived(board) == [0x41 | 1 << 8]


def test_a_break_is_one_word_with_an_error() -> None:
    """DDI0183G 3.3.1, and 3.3.6: BRK holds TX low until it is cleared."""
    board = _uarts()
    board.write("UART0", "UARTLCR_H", 3 << 5 | _FEN | 1)
    board.pass_time(50 * UART_BIT)
    board.write("UART0", "UARTLCR_H", 3 << 5 | _FEN)
    board.pass_time(2 * UART_BIT)
    assert board.edges(_TX0) == [0, 50 * UART_BIT]
    board.write("UART0", "UARTDR", 0x41)
    board.pass_time(12 * UART_BIT)
    assert _arrived(board) == [0x500, 0x41]


def test_a_disturbance_is_no_start_bit() -> None:
    """2.7.2: the line is high again on the eighth cycle of Baud16."""
    board = _uarts()
    board.chip.io_bank0.wire([])
    board.chip.io_bank0.set_input(_RX1, True)
    board.pass_time(100)
    board.chip.io_bank0.set_input(_RX1, False)
    board.pass_time(UART_BIT // 2 - 2)
    board.chip.io_bank0.set_input(_RX1, True)
    board.pass_time(20 * UART_BIT)
    assert _arrived(board) == []


def test_what_is_driven_from_outside_arrives() -> None:
    board = _uarts()
    board.chip.io_bank0.wire([])
    board.chip.io_bank0.set_input(_RX1, True)
    for level in [0, *reversed(_bits(0xC5)), 1]:
        board.chip.io_bank0.set_input(_RX1, bool(level))
        board.pass_time(UART_BIT)
    assert _arrived(board) == [0xC5]


def test_bytes_that_wait_in_the_fifo_are_on_the_line_though_nobody_asks() -> None:
    board = _uarts()
    for _ in range(3):
        board.write("UART0", "UARTDR", 0x0F)
    board.pass_time(40 * UART_BIT)
    assert board.edges(_TX0) == [
        (10 * byte + edge) * UART_BIT for byte in range(3) for edge in (0, 1, 5, 9)
    ]
