"""SPI: times, formats, chip selects, both ends, interrupts. Values: RP2040 datasheet, 4.4."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from peripheral_board import Board

from priot.sim.parts import SpiNorFlash

ROR, RT, RX, TX = 1, 2, 4, 8
TFE, TNF, RNE, RFF, BSY = 1, 2, 4, 8, 16
IDLE = TFE | TNF
LBM, SSE, MS, SOD = 1, 2, 4, 8
SPI0_IRQ, SPI1_IRQ = 18, 19
SPI0_TX, SPI0_RX = 16, 17
PERIOD = 10  # cycles of clk_peri, which is clk_sys here
HALF = PERIOD // 2
_RX0, _CS0, _SCK0, _TX0 = 16, 17, 18, 19
_RX1, _CS1, _SCK1, _TX1 = 12, 13, 14, 15
SPH, SPO, TI, MICROWIRE = 1 << 7, 1 << 6, 1 << 4, 2 << 4


class Recorder:
    """A device that notes what happens to it."""

    def __init__(self, answer: int | None = 0x5A) -> None:
        self.events: list[object] = []
        self.answer = answer

    def select(self) -> None:
        self.events.append("select")

    def deselect(self) -> None:
        self.events.append("deselect")

    def transfer(self, word: int, bits: int) -> int | None:
        self.events.append((word, bits))
        return self.answer


def _configure(board: Board, block: str, format_bits: int, bits: int, control: int) -> None:
    board.write(block, "SSPCR1", 0)
    board.write(block, "SSPCPSR", 2)
    board.write(block, "SSPCR0", (PERIOD // 2 - 1) << 8 | format_bits | bits - 1)
    board.write(block, "SSPCR1", control)


def _board(format_bits: int = 0, bits: int = 8, control: int = SSE) -> Board:
    board = Board()
    board.init_clocks()
    for pin in (_RX0, _CS0, _SCK0, _TX0, _RX1, _CS1, _SCK1, _TX1):
        board.write("IO_BANK0", f"GPIO{pin}_CTRL", 1)
    _configure(board, "SPI0", format_bits, bits, control)
    return board


def _joined(format_bits: int = SPH, bits: int = 8) -> Board:
    """SPI0 is the master of SPI1."""
    board = _board(format_bits, bits)
    _configure(board, "SPI1", format_bits, bits, SSE | MS)
    pairs = ((_SCK0, _SCK1), (_CS0, _CS1), (_TX0, _RX1), (_RX0, _TX1))
    board.chip.io_bank0.wire([1 << one | 1 << other for one, other in pairs])
    return board


def _attach(board: Board, device: object, chip_select: int | None = None) -> None:
    board.chip.spi[0].bus.attach(device, chip_select)  # type: ignore[arg-type]
    board.chip.rewire()


def _send(board: Board, *words: int, block: str = "SPI0") -> None:
    for word in words:
        board.write(block, "SSPDR", word)


def _wait(board: Board, mask: int, value: int) -> int:
    return board.wait_for_event("SPI0", "SSPSR", mask, value)


def _received(board: Board, block: str = "SPI0") -> list[int]:
    words = []
    while board.read(block, "SSPSR") & RNE:
        words.append(board.read(block, "SSPDR"))
    return words


@pytest.mark.parametrize(
    ("format_bits", "first", "each", "tail"),
    [
        # DDI0194H, 2.3: the last bit is sampled `first` periods after the beginning, one of later
        # words `each` periods after that before, and chip select is high `tail` periods later.
        (0, 8, 9.5, 1),
        (SPO, 8, 9.5, 1),
        (SPH, 8, 8, 1),
        (SPH | SPO, 8, 8, 1),
        (TI, 8.5, 8, 0.5),
        (MICROWIRE, 17, 17, 1),
    ],
)
def test_times(format_bits: int, first: float, each: float, tail: float) -> None:
    board = _board(format_bits)
    _send(board, 1, 2, 3)
    assert board.read("SPI0", "SSPSR") == TNF | BSY
    assert _wait(board, RNE, RNE) == first * PERIOD
    board.read("SPI0", "SSPDR")
    for _ in range(2):
        assert _wait(board, RNE, RNE) == each * PERIOD
        board.read("SPI0", "SSPDR")
    assert board.read("SPI0", "SSPSR") == IDLE | BSY
    assert _wait(board, BSY, 0) == tail * PERIOD
    assert board.read("SPI0", "SSPSR") == IDLE


@pytest.mark.parametrize("bits", range(4, 17))
@pytest.mark.parametrize("format_bits", [0, SPH, TI])
def test_sizes_in_a_loop(format_bits: int, bits: int) -> None:
    board = _board(format_bits, bits, SSE | LBM)
    device = Recorder()
    _attach(board, device, _CS0)
    _send(board, 0xFFFF, 0xA5C3)
    _wait(board, BSY, 0)
    mask = (1 << bits) - 1
    assert _received(board) == [mask, 0xA5C3 & mask]
    assert device.events == []


@pytest.mark.parametrize(("prescaler", "rate"), [(2, 0), (2, 255), (254, 0), (4, 12)])
def test_rates(prescaler: int, rate: int) -> None:
    board = _board()
    board.write("SPI0", "SSPCPSR", prescaler | 1)
    assert board.read("SPI0", "SSPCPSR") == prescaler
    board.write("SPI0", "SSPCR0", rate << 8 | 7)
    _send(board, 0)
    assert _wait(board, BSY, 0) == 9 * prescaler * (1 + rate)


def test_the_clock_is_clk_peri() -> None:
    board = _board()
    board.configure("CLK_PERI", 0, 2)  # PLL_USB, 48 MHz
    _send(board, 0)
    assert _wait(board, BSY, 0) == -(-90 * 125 // 48)
    board.clear_bits("CLOCKS", "CLK_PERI_CTRL", 1 << 11)
    _send(board, 0)
    board.run(1_000_000)
    assert board.read("SPI0", "SSPSR") & BSY


def test_nothing_is_sent_without_a_prescaler_or_while_off() -> None:
    board = _board(control=0)
    _send(board, 1, 2)
    board.run(10_000)
    assert board.read("SPI0", "SSPSR") == TNF | BSY
    board.write("SPI0", "SSPCPSR", 0)
    board.write("SPI0", "SSPCR1", SSE)
    board.run(10_000)
    assert board.read("SPI0", "SSPSR") == TNF | BSY
    board.write("SPI0", "SSPCPSR", 2)
    _wait(board, BSY, 0)
    assert len(_received(board)) == 2


def test_turning_it_off_ends_with_a_word() -> None:
    board = _board()
    _send(board, 1, 2)
    board.run(2)
    board.write("SPI0", "SSPCR1", 0)
    board.run(10_000)
    assert board.read("SPI0", "SSPSR") == TNF | RNE | BSY
    board.write("SPI0", "SSPCR1", SSE)
    _wait(board, BSY, 0)
    assert len(_received(board)) == 2


def test_fifos_fill_and_the_receiver_overruns() -> None:
    board = _board(control=SSE | LBM)
    board.write("SPI0", "SSPIMSC", ROR)
    _send(board, *range(9))  # one is on its way at once
    assert board.read("SPI0", "SSPSR") == BSY
    _send(board, 99)  # lost
    board.run(2000)
    assert board.read("SPI0", "SSPSR") == IDLE | RNE | RFF
    assert board.interrupts == {SPI0_IRQ}
    assert board.read("SPI0", "SSPMIS") == ROR
    assert _received(board) == list(range(8))
    assert board.read("SPI0", "SSPRIS") & ROR
    board.write("SPI0", "SSPICR", ROR)
    assert board.interrupts == set()
    assert board.read("SPI0", "SSPDR") == 0


def test_interrupts_at_half_the_fifos() -> None:
    board = _board(control=0)
    assert board.read("SPI0", "SSPRIS") == TX
    _send(board, 0, 0, 0, 0)
    assert board.read("SPI0", "SSPRIS") == TX
    _send(board, 0)
    assert board.read("SPI0", "SSPRIS") == 0
    board.write("SPI0", "SSPIMSC", TX)
    assert board.interrupts == set()
    board.write("SPI0", "SSPCR1", SSE)
    assert board.interrupts == {SPI0_IRQ}
    board.write("SPI0", "SSPIMSC", RX)
    board.run(8 * PERIOD + 2 * 95)
    assert board.interrupts == set()
    board.run(95)
    assert board.interrupts == {SPI0_IRQ}
    assert board.read("SPI0", "SSPMIS") == RX
    board.read("SPI0", "SSPDR")
    assert board.interrupts == set()


def test_timeout() -> None:
    board = _board()
    board.write("SPI0", "SSPIMSC", RT)
    _send(board, 1, 2)
    _wait(board, BSY, 0)
    board.run(32 * PERIOD - 1)
    assert board.interrupts == set()
    board.run(1)
    assert board.interrupts == {SPI0_IRQ}
    board.write("SPI0", "SSPICR", RT)
    assert board.interrupts == set()
    board.read("SPI0", "SSPDR")  # begins anew: a word is left
    board.run(32 * PERIOD)
    assert board.interrupts == {SPI0_IRQ}
    board.read("SPI0", "SSPDR")
    assert board.interrupts == set()
    assert board.sleeps()


def test_data_requests() -> None:
    board = _board()
    assert board.data_requests == set()
    board.write("SPI0", "SSPDMACR", 0b11)
    assert board.data_requests == {SPI0_TX}
    _send(board, *range(9))
    assert board.data_requests == set()
    board.run(8 * PERIOD)
    assert board.data_requests == {SPI0_RX}
    board.run(15)
    assert board.data_requests == {SPI0_RX, SPI0_TX}
    board.read("SPI0", "SSPDR")
    assert board.data_requests == {SPI0_TX}
    board.write("SPI0", "SSPDMACR", 0)
    assert board.data_requests == set()


def test_an_empty_bus_reads_as_its_pin_does() -> None:
    board = _board()
    _send(board, 0x12)
    _wait(board, BSY, 0)
    assert _received(board) == [0]  # pulled down after reset
    board.write("PADS_BANK0", f"GPIO{_RX0}", 0x5A)  # pulled up
    _send(board, 0x12)
    _wait(board, BSY, 0)
    assert _received(board) == [0xFF]
    board.write("IO_BANK0", f"GPIO{_RX0}_CTRL", 5)  # no input at all
    _send(board, 0x12)
    _wait(board, BSY, 0)
    assert _received(board) == [0]


def test_a_device_needs_its_pins() -> None:
    board = _board()
    device = Recorder()
    _attach(board, device)
    board.write("IO_BANK0", f"GPIO{_TX0}_CTRL", 5)
    _send(board, 0x12)
    _wait(board, BSY, 0)
    assert _received(board) == [0x5A]
    assert device.events == ["select", (0, 8)]
    board.write("IO_BANK0", f"GPIO{_SCK0}_CTRL", 5)
    _send(board, 0x12)
    _wait(board, BSY, 0)
    assert _received(board) == [0]
    assert len(device.events) == 2


def test_a_device_that_sends_nothing() -> None:
    board = _board()
    board.write("PADS_BANK0", f"GPIO{_RX0}", 0x5A)
    _attach(board, Recorder(answer=None))
    _send(board, 0x12)
    _wait(board, BSY, 0)
    assert _received(board) == [0xFF]


@pytest.mark.parametrize(
    ("format_bits", "expected"),
    [
        (0, ["select", (1, 8), "deselect", "select", (2, 8), "deselect"]),
        (SPH, ["select", (1, 8), (2, 8), "deselect"]),
    ],
)
def test_the_own_chip_select(format_bits: int, expected: list[object]) -> None:
    board = _board(format_bits)
    device = Recorder()
    _attach(board, device, _CS0)
    _send(board, 1, 2)
    _wait(board, BSY, 0)
    assert device.events == expected


def test_a_chip_select_that_the_program_drives() -> None:
    board = _board()
    device, other = Recorder(), Recorder(answer=0x33)
    _attach(board, device, 5)
    _attach(board, other, 6)
    for pin in (5, 6):
        board.write("IO_BANK0", f"GPIO{pin}_CTRL", 5)
    board.write("SIO", "GPIO_OUT", 0b11 << 5)
    board.write("SIO", "GPIO_OE", 0b11 << 5)
    _send(board, 1)
    _wait(board, BSY, 0)
    assert device.events == other.events == []
    board.write("SIO", "GPIO_OUT_CLR", 1 << 5)
    _send(board, 2, 3)
    _wait(board, BSY, 0)
    board.write("SIO", "GPIO_OUT_SET", 1 << 5)
    board.write("SIO", "GPIO_OUT_CLR", 1 << 5)
    board.write("SIO", "GPIO_OUT_SET", 1 << 5)
    assert device.events == ["select", (2, 8), (3, 8), "deselect", "select", "deselect"]
    board.write("SIO", "GPIO_OUT_CLR", 1 << 6)
    _send(board, 4)
    _wait(board, BSY, 0)
    assert other.events == ["select", (4, 8)]
    assert _received(board) == [0, 0x5A, 0x5A, 0x33]


def test_a_device_misses_a_word_that_began_before_it_was_selected() -> None:
    board = _board()
    device = Recorder()
    _attach(board, device, 5)
    board.write("IO_BANK0", "GPIO5_CTRL", 5)
    board.write("SIO", "GPIO_OUT_SET", 1 << 5)
    board.write("SIO", "GPIO_OE", 1 << 5)
    _send(board, 1)
    board.run(40)
    board.write("SIO", "GPIO_OUT_CLR", 1 << 5)
    _wait(board, BSY, 0)
    assert device.events == ["select"]
    _send(board, 2)
    board.run(40)
    board.write("SIO", "GPIO_OUT_SET", 1 << 5)
    board.write("SIO", "GPIO_OUT_CLR", 1 << 5)
    _wait(board, BSY, 0)
    assert device.events == ["select", "deselect", "select"]


def test_microwire() -> None:
    board = _board(MICROWIRE, 12)
    device = Recorder(answer=0xABC)
    _attach(board, device)
    _send(board, 0x1FF)
    _wait(board, BSY, 0)
    assert device.events == ["select", (0xFF, 12)]
    assert _received(board) == [0xABC]


def test_output_wired_to_input() -> None:
    board = _board()
    board.chip.io_bank0.wire([1 << _TX0 | 1 << _RX0])
    _send(board, 0x37)
    _wait(board, BSY, 0)
    assert _received(board) == [0x37]


@pytest.mark.parametrize("format_bits", [0, SPH, TI])
def test_a_slave(format_bits: int) -> None:
    board = _joined(format_bits)
    board.write("SPI1", "SSPIMSC", RX)
    _send(board, 0xA1, 0xA2, block="SPI1")
    assert board.read("SPI1", "SSPSR") == TNF | BSY
    _send(board, 1, 2, 3, 4)
    _wait(board, BSY, 0)
    assert _received(board) == [0xA1, 0xA2, 0, 0]
    assert board.interrupts == {SPI1_IRQ}
    assert _received(board, "SPI1") == [1, 2, 3, 4]
    assert board.interrupts == set()
    assert board.read("SPI1", "SSPSR") == IDLE


def test_a_slave_without_output() -> None:
    board = _joined()
    board.write("SPI1", "SSPCR1", SSE | MS | SOD)
    _send(board, 0xA1, block="SPI1")
    _send(board, 1)
    _wait(board, BSY, 0)
    assert _received(board) == [0]
    assert _received(board, "SPI1") == [1]


def test_a_slave_overruns_and_times_out() -> None:
    board = _joined()
    board.write("SPI1", "SSPIMSC", RT)
    for word in range(9):
        _send(board, word)
        _wait(board, BSY, 0)
    assert board.read("SPI1", "SSPRIS") & ROR
    board.run(31 * PERIOD)  # one has passed since the last word
    assert board.interrupts == {SPI1_IRQ}
    assert _received(board, "SPI1") == list(range(8))
    assert board.interrupts == set()


@pytest.mark.parametrize("missing", range(4))
def test_a_slave_needs_its_wires(missing: int) -> None:
    board = _joined()
    bank = board.chip.io_bank0
    bank.wire([wire for number, wire in enumerate(bank.wires) if number != missing])
    if missing == 1:  # its chip select
        board.write("PADS_BANK0", f"GPIO{_CS1}", 0x5A)  # pulled up
    _send(board, 0xA1, block="SPI1")
    _send(board, 7)
    _wait(board, BSY, 0)
    heard = {0: [], 1: [], 2: [0], 3: [7]}
    assert _received(board, "SPI1") == heard[missing]
    assert _received(board) == [0xA1 if missing == 2 else 0]


def test_a_slave_selected_by_the_program() -> None:
    """PL022 takes one word for each edge of its chip select while SPH is 0."""
    board = _joined(format_bits=0)
    pairs = ((_SCK0, _SCK1), (5, _CS1), (_TX0, _RX1), (_RX0, _TX1))
    board.chip.io_bank0.wire([1 << one | 1 << other for one, other in pairs])
    board.write("IO_BANK0", "GPIO5_CTRL", 5)
    board.write("SIO", "GPIO_OE", 1 << 5)
    for words in ((1, 2), (3,)):
        board.write("SIO", "GPIO_OUT_CLR", 1 << 5)
        _send(board, *words)
        _wait(board, BSY, 0)
        board.write("SIO", "GPIO_OUT_SET", 1 << 5)
    _send(board, 4)
    _wait(board, BSY, 0)
    assert _received(board, "SPI1") == [1, 3]


def test_a_reset() -> None:
    board = _board()
    device = Recorder()
    _attach(board, device, _CS0)
    _send(board, 1, 2)
    board.run(20)
    board.set_bits("RESETS", "RESET", 1 << 16)
    board.release(1 << 16)
    assert board.read("SPI0", "SSPSR") == IDLE
    assert board.sleeps()
    assert device.events == ["select", "deselect"]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["program", "erase", "read"]), st.integers(0, 700), st.binary()),
        max_size=8,
    )
)
def test_a_flash(jobs: list[tuple[str, int, bytes]]) -> None:
    """Against a model of W25Q16JV, 8.2: bits go to 0 within a page, erasing sets 4 KB."""
    board = _board()
    flash, model = SpiNorFlash(1 << 16), bytearray(b"\xff" * (1 << 16))
    _attach(board, flash, _CS0 + 4)
    board.write("IO_BANK0", f"GPIO{_CS0 + 4}_CTRL", 5)
    board.write("SIO", "GPIO_OUT_SET", 1 << _CS0 + 4)
    board.write("SIO", "GPIO_OE", 1 << _CS0 + 4)

    def exchange(data: bytes) -> bytes:
        board.write("SIO", "GPIO_OUT_CLR", 1 << _CS0 + 4)
        received = []
        for byte in data:
            _send(board, byte)
            _wait(board, BSY, 0)
            received += _received(board)
        board.write("SIO", "GPIO_OUT_SET", 1 << _CS0 + 4)
        return bytes(received)

    assert exchange(b"\x9f\0\0\0") == b"\xff\xef\x40\x10"
    for job, address, data in jobs:
        place = address.to_bytes(3, "big")
        if job == "read":
            expected = bytes(model[address : address + len(data)])
            assert exchange(b"\x03" + place + data)[4:] == expected
            continue
        exchange(b"\x06")
        assert exchange(b"\x05\0")[1] == 2
        if job == "program":
            exchange(b"\x02" + place + data)
            for index, byte in enumerate(data):
                model[address & -256 | address + index & 255] &= byte
        else:
            exchange(b"\x20" + place)
            model[:4096] = b"\xff" * 4096
        assert exchange(b"\x05\0")[1] == 0
    exchange(b"\x02\0\0\0\0")  # without the write enable before it
    assert flash.contents == model
