"""RTC, ADC, flash cache control and the serial flash controller."""

import pytest
from peripheral_board import Board

_SECOND = 125_000_000


def _set_rtc(board: Board, date: tuple[int, int, int], dotw: int, *time: int) -> None:
    """rtc_init and rtc_set_datetime of the SDK."""
    board.write("RTC", "CLKDIV_M1", 46_875 - 1)
    board.write("RTC", "CTRL", 0)
    assert board.read("RTC", "CTRL") & 2 == 0
    year, month, day = date
    hour, minute, second = time
    board.write("RTC", "SETUP_0", year << 12 | month << 8 | day)
    board.write("RTC", "SETUP_1", dotw << 24 | hour << 16 | minute << 8 | second)
    board.write("RTC", "CTRL", 1 << 4)
    board.write("RTC", "CTRL", 1)
    assert board.read("RTC", "CTRL") & 2 == 2


def _rtc(board: Board) -> tuple[int, ...]:
    time, date = board.read("RTC", "RTC_0"), board.read("RTC", "RTC_1")
    return (
        *(date >> 12, date >> 8 & 0xF, date & 0x1F),
        time >> 24,
        *(time >> 16 & 0x1F, time >> 8 & 0x3F, time & 0x3F),
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((2023, 12, 31, 0, 23, 59, 58), (2024, 1, 1, 1, 0, 0, 0)),
        ((2024, 2, 28, 3, 23, 59, 58), (2024, 2, 29, 4, 0, 0, 0)),
        ((2023, 2, 28, 2, 23, 59, 58), (2023, 3, 1, 3, 0, 0, 0)),
        ((2020, 1, 13, 6, 11, 20, 0), (2020, 1, 13, 6, 11, 20, 2)),
    ],
)
def test_rtc_runs(before: tuple[int, ...], after: tuple[int, ...]) -> None:
    board = Board()
    board.init_clocks()
    _set_rtc(board, before[:3], *before[3:])  # type: ignore[arg-type]
    assert _rtc(board) == before
    board.run(2 * _SECOND - 1)
    assert _rtc(board) != after
    board.run(1)
    assert _rtc(board) == after


def test_rtc_century_without_leap_day_and_many_days() -> None:
    board = Board()
    board.init_clocks()
    _set_rtc(board, (2100, 2, 28), 0, 0, 0, 0)
    board.set_bits("RTC", "CTRL", 1 << 8)
    board.clock.advance(board.clock.cycles + 86_400 * _SECOND)
    assert _rtc(board) == (2100, 3, 1, 1, 0, 0, 0)
    board.clock.advance(board.clock.cycles + 366 * 86_400 * _SECOND)
    assert _rtc(board) == (2101, 3, 2, 3, 0, 0, 0)


def test_rtc_alarm() -> None:
    board = Board()
    board.init_clocks()
    _set_rtc(board, (2020, 1, 1), 3, 10, 0, 0)
    board.write("RTC", "IRQ_SETUP_1", 1 << 28 | 5)  # at second 5
    board.set_bits("RTC", "IRQ_SETUP_0", 1 << 28)
    assert board.read("RTC", "IRQ_SETUP_0") >> 29 == 1
    board.write("RTC", "INTE", 1)
    board.run(5 * _SECOND - 1)
    assert board.interrupts == set()
    board.run(1)
    assert board.interrupts == {25}
    assert board.read("RTC", "INTS") == 1
    board.clear_bits("RTC", "IRQ_SETUP_0", 1 << 28)
    assert board.interrupts == set()
    assert board.sleeps()


def volts_of(code: int) -> float:
    """In the middle of the step that converts to `code`."""
    return (code + 0.5) / 4096 * 3.3


def test_adc_reads_mid_scale_and_27_degrees() -> None:
    """adc_init, adc_select_input and adc_read of the SDK; the formula of the datasheet."""
    board = Board()
    board.init_clocks()
    board.write("ADC", "CS", 1)
    board.wait_for("ADC", "CS", 1 << 8, 1 << 8)
    board.set_bits("ADC", "CS", 1 << 2)
    assert board.read("ADC", "CS") == 1
    assert board.wait_for("ADC", "CS", 1 << 8, 1 << 8) == 250  # 96 cycles of 48 MHz
    assert board.read("ADC", "RESULT") == 2048
    board.set_bits("ADC", "CS", 1 << 1 | 4 << 12)
    board.set_bits("ADC", "CS", 1 << 2)
    board.wait_for("ADC", "CS", 1 << 8, 1 << 8)
    volts = board.read("ADC", "RESULT") * 3.3 / (1 << 12)
    assert 27 - (volts - 0.706) / 0.001721 == pytest.approx(27, abs=0.3)


def test_adc_fifo_and_round_robin() -> None:
    board = Board()
    board.init_clocks()
    board.chip.adc.voltages[:3] = [volts_of(code) for code in (100, 200, 300)]
    board.write("ADC", "FCS", 1 | 3 << 24)  # interrupt at 3
    board.write("ADC", "INTE", 1)
    board.write("ADC", "CS", 1 | 1 << 3 | 0b101 << 16)
    board.run(749)
    assert board.interrupts == set()
    board.run(1)
    assert board.interrupts == {22}
    assert [board.read("ADC", "FIFO") for _ in range(3)] == [100, 300, 100]
    assert board.interrupts == set()
    board.run(250 * 5)
    assert board.read("ADC", "FCS") & 0xF_0F00 == 4 << 16 | 1 << 11 | 1 << 9
    board.clear_bits("ADC", "CS", 1 << 3)
    board.run(250)
    for _ in range(4):
        board.read("ADC", "FIFO")
    assert board.read("ADC", "FIFO") == 0
    assert board.read("ADC", "FCS") & 0x700 == 1 << 10 | 1 << 8
    board.write("ADC", "FCS", 1 << 10 | 1 << 11)
    assert board.read("ADC", "FCS") == 1 << 8


def test_adc_divider() -> None:
    board = Board()
    board.init_clocks()
    board.write("ADC", "DIV", 47_999 << 8)  # 1 kHz
    board.write("ADC", "FCS", 1)
    board.write("ADC", "CS", 1 | 1 << 3)
    board.run(250 + 2 * 125_000 - 1)
    assert board.read("ADC", "FCS") >> 16 & 0xF == 2
    board.run(1)
    assert board.read("ADC", "FCS") >> 16 & 0xF == 3


def _convert(board: Board) -> int:
    board.set_bits("ADC", "CS", 1 << 2)
    board.run(250)
    return board.read("ADC", "RESULT")


@pytest.mark.parametrize(
    ("volts", "code"), [(0.0, 0), (3.3, 4095), (1.0, 1241), (-1.0, 0), (5.0, 4095)]
)
def test_adc_converts_a_voltage(volts: float, code: int) -> None:
    board = Board()
    board.init_clocks()
    board.chip.adc.voltages[2] = volts
    board.write("ADC", "CS", 1 | 2 << 12)
    assert _convert(board) == code


def test_adc_holds_a_voltage_when_its_conversion_begins() -> None:
    board = Board()
    board.init_clocks()
    start = board.clock.cycles
    board.chip.adc.voltages[0] = lambda seconds: seconds
    board.write("ADC", "CS", 1)
    board.run(1000)
    board.set_bits("ADC", "CS", 1 << 2)
    board.run(5000)
    assert board.read("ADC", "RESULT") == int((start + 1000) / 5000 / 3.3 * 4096)  # Board.seconds


def test_adc_fifo_of_bytes_and_what_lies_in_it() -> None:
    board = Board()
    board.init_clocks()
    board.chip.adc.voltages[0] = volts_of(0xABC)
    board.write("ADC", "FCS", 1 | 1 << 1)  # SHIFT
    board.write("ADC", "CS", 1 | 1 << 3)
    board.run(250 * 4)
    assert board.read("ADC", "FCS") & 0xF_0F00 == 4 << 16 | 1 << 9  # FULL
    assert board.read("ADC", "FIFO") == 0xAB


def test_adc_asks_the_dma_for_what_reached_the_threshold() -> None:
    board = Board()
    board.init_clocks()
    board.write("ADC", "FCS", 1 | 1 << 3 | 2 << 24)  # DREQ_EN, two
    board.write("ADC", "CS", 1 | 1 << 3)
    board.run(2 * 250 - 1)
    assert board.data_requests == set()
    board.run(1)
    assert board.data_requests == {36}
    board.read("ADC", "FIFO")
    assert board.data_requests == set()


class _Cache:
    hits = accesses = 0

    def __init__(self) -> None:
        self.calls: list[object] = []

    def flush(self) -> None:
        self.calls.append("flush")

    def enable(self, on: bool) -> None:
        self.calls.append(on)

    def read_takes(self, cycles: int) -> None:
        self.calls.append(cycles)


def test_cache_control() -> None:
    cache = _Cache()
    board = Board(cache)
    assert cache.calls == [True, "flush"]
    cache.calls.clear()
    board.clear_bits("XIP_CTRL", "CTRL", 1)
    board.write("XIP_CTRL", "FLUSH", 1)
    assert board.read("XIP_CTRL", "FLUSH") == 0
    board.write("XIP_CTRL", "CTRL", 0b1001)  # POWER_DOWN forces EN to 0
    assert board.read("XIP_CTRL", "CTRL") == 0b1000
    assert cache.calls == [False, "flush", False]
    cache.hits, cache.accesses = 90, 100
    assert (board.read("XIP_CTRL", "CTR_HIT"), board.read("XIP_CTRL", "CTR_ACC")) == (90, 100)
    board.write("XIP_CTRL", "CTR_ACC", 0)
    cache.hits, cache.accesses = 95, 107
    assert (board.read("XIP_CTRL", "CTR_HIT"), board.read("XIP_CTRL", "CTR_ACC")) == (95, 7)
    cache.hits = 1 << 40
    assert board.read("XIP_CTRL", "CTR_HIT") == 0xFFFF_FFFF


def test_second_stage_boot_finds_quad_enabled() -> None:
    """What boot2_w25q080 asks the flash before it turns on execution in place."""
    board = Board()
    board.write("XIP_SSI", "SSIENR", 0)
    board.write("XIP_SSI", "BAUDR", 2)
    board.write("XIP_SSI", "CTRLR0", 7 << 16)
    board.write("XIP_SSI", "SSIENR", 1)
    for _ in range(2):
        for byte in (0x35, 0):
            board.write("XIP_SSI", "DR0", byte)
        board.wait_for("XIP_SSI", "SR", 0b101, 0b100)  # TFE, not BUSY
        board.read("XIP_SSI", "DR0")
        assert board.read("XIP_SSI", "DR0") == 0x02


@pytest.mark.parametrize("reads_words", [False, True])
def test_flash_identity_with_forced_chip_select(reads_words: bool) -> None:
    """flash_do_cmd of the SDK."""
    board = Board()
    if reads_words:
        _set_up_reads_of_words(board, 1)
    board.write("XIP_SSI", "SSIENR", 1)

    def command(sent: bytes) -> bytes:
        board.write("IO_QSPI", "GPIO_QSPI_SS_CTRL", 2 << 8)
        received = bytearray()
        for byte in sent:
            board.write("XIP_SSI", "DR0", byte)
            board.wait_for("XIP_SSI", "SR", 1 << 3, 1 << 3)
            received.append(board.read("XIP_SSI", "DR0"))
        board.write("IO_QSPI", "GPIO_QSPI_SS_CTRL", 3 << 8)
        return bytes(received)

    assert command(bytes([0x9F, 0, 0, 0]))[1:] == bytes([0xEF, 0x40, 0x15])
    assert len(set(command(bytes([0x4B, *[0] * 12]))[5:])) > 4
    assert command(bytes([0x05, 0, 0]))[1:] == bytes(2)
    assert command(bytes([0x03, 0]))[1:] == b"\xff"


class _Flash(_Cache):
    """A cache before a flash in which each word is its address; a word takes 50 cycles."""

    word_cycles = 50

    def word_at(self, address: int) -> int:
        return address


_EMPTY, _FULL = 1 << 1, 1 << 2  # XIP_CTRL.STAT


def test_words_stream_from_flash() -> None:
    """2.6.3.3: two words wait in the FIFO, and the stream for room in it."""
    board = Board(_Flash())
    board.write("XIP_CTRL", "STREAM_ADDR", 0x1000_0103)
    board.write("XIP_CTRL", "STREAM_CTR", 4)
    board.run(49)
    assert board.read("XIP_CTRL", "STAT") & _EMPTY
    assert board.data_requests == set()
    assert board.read("XIP_CTRL", "STREAM_FIFO") == 0  # nothing there
    board.run(1)
    assert board.data_requests == {37}
    assert board.read("XIP_CTRL", "STAT") & (_EMPTY | _FULL) == 0
    board.run(1000)
    assert board.read("XIP_CTRL", "STAT") & _FULL
    assert board.read("XIP_CTRL", "STREAM_CTR") == 2
    assert board.read("XIP_CTRL", "STREAM_ADDR") == 0x1000_0108
    assert board.read("XIP_CTRL", "STREAM_FIFO") == 0x1000_0100
    board.run(50)
    assert board.blocks["XIP_AUX"].read(0x40) == 0x1000_0104  # at every address
    assert board.read("XIP_CTRL", "STREAM_FIFO") == 0x1000_0108
    assert board.data_requests == set()
    assert board.read("XIP_CTRL", "STAT") & _EMPTY
    board.run(50)
    assert board.read("XIP_CTRL", "STREAM_FIFO") == 0x1000_010C
    board.run(1000)
    assert board.read("XIP_CTRL", "STAT") & _EMPTY
    assert board.read("XIP_CTRL", "STREAM_CTR") == 0


def test_a_stream_ends_when_its_count_is_cleared() -> None:
    board = Board(_Flash())
    board.write("XIP_CTRL", "STREAM_CTR", 100)
    board.run(60)
    board.write("XIP_CTRL", "STREAM_CTR", 0)
    board.run(1000)
    assert board.read("XIP_CTRL", "STREAM_FIFO") == 0
    assert board.read("XIP_CTRL", "STREAM_ADDR") == 4
    assert board.read("XIP_CTRL", "STAT") & _EMPTY


def _set_up_reads_of_words(board: Board, count: int) -> None:
    """As boot2_w25q080 of the SDK leaves it, but for the number of words."""
    board.write("XIP_SSI", "SSIENR", 0)
    board.write("XIP_SSI", "BAUDR", 2)
    board.write("XIP_SSI", "CTRLR0", 2 << 21 | 31 << 16 | 3 << 8)  # four lines
    board.write("XIP_SSI", "CTRLR1", count - 1)
    board.write("XIP_SSI", "SPI_CTRLR0", 0xA0 << 24 | 4 << 11 | 8 << 2 | 2)
    board.write("XIP_SSI", "SSIENR", 1)


def test_words_read_by_the_serial_controller() -> None:
    """4.10: 8 clocks of address and mode, 4 of waiting, 8 a word; big-endian."""
    board = Board(_Flash())
    _set_up_reads_of_words(board, 3)
    board.write("XIP_SSI", "DMACR", 1)
    board.write("XIP_SSI", "DR0", 0x00_0104 << 8 | 0xA0)
    board.run(39)
    assert board.read("XIP_SSI", "SR") & 0b1001 == 1  # busy
    assert board.data_requests == set()
    for word in (0x0401_0000, 0x0801_0000, 0x0C01_0000):
        board.run(1)
        assert board.data_requests == {39}
        assert board.read("XIP_SSI", "DR0") == word
        assert board.data_requests == set()
        board.run(15)
    assert board.read("XIP_SSI", "SR") & 0b1001 == 0


def test_interrupts_of_the_serial_controller() -> None:
    board = Board(_Flash())
    _set_up_reads_of_words(board, 18)
    board.write("XIP_SSI", "RXFTLR", 3)
    board.write("XIP_SSI", "IMR", 1 << 4)
    board.write("XIP_SSI", "DR0", 0)
    board.run(40 + 3 * 16 - 1)
    assert board.interrupts == set()
    board.run(1)
    assert board.interrupts == {6}
    assert board.read("XIP_SSI", "ISR") == 1 << 4
    board.run(1000)  # two words too many
    assert board.read("XIP_SSI", "RXFLR") == 16
    assert board.read("XIP_SSI", "RISR") == 1 << 4 | 1 << 3 | 1
    assert board.read("XIP_SSI", "RXOICR") == 1
    assert board.read("XIP_SSI", "RXOICR") == 0
    for _ in range(17):
        board.read("XIP_SSI", "DR0")
    assert board.interrupts == set()
    assert board.read("XIP_SSI", "RISR") == 1 << 2 | 1  # one read too many
    assert (board.read("XIP_SSI", "ICR"), board.read("XIP_SSI", "RISR")) == (1, 1)
