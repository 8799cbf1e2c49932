"""I2C: times, aborts, both ends of the bus, FIFOs, interrupts. Values: RP2040 datasheet, 4.3."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from peripheral_board import Board

from priot.sim.parts import I2cMemory

READ, STOP, RESTART = 1 << 8, 1 << 9, 1 << 10
RX_UNDER, RX_OVER, RX_FULL, TX_OVER, TX_EMPTY, RD_REQ, TX_ABRT = (1 << bit for bit in range(7))
RX_DONE, ACTIVITY, STOP_DET, START_DET, GEN_CALL, RESTART_DET = (1 << bit for bit in range(7, 13))
I2C0_IRQ, I2C1_IRQ = 23, 24
I2C0_TX, I2C0_RX = 32, 33
# The SDK's counts for 100 kHz of 125 MHz; 4.3.14.1: low is LCNT + 1, high HCNT + SPKLEN + 7.
LCNT, HCNT, SPKLEN = 750, 500, 46
LOW, HIGH = 751, 553
BIT = LOW + HIGH
START = HIGH
STOPPING = LOW + HIGH
_SDA0, _SCL0, _SDA1, _SCL1 = 4, 5, 6, 7
MASTER = 0x165  # IC_CON: fast, restarts, no slave, TX_EMPTY after the shift
SLAVE = 0x224  # fast, restarts, holds the bus while its FIFO is full


class Recorder:
    """A device that notes what happens to it."""

    def __init__(self, answers: bytes = b"", refuses: tuple[int, ...] = ()) -> None:
        self.events: list[object] = []
        self.answers = list(answers)
        self.refuses = refuses

    def start(self, read: bool) -> bool:
        self.events.append("read" if read else "write")
        return True

    def write(self, byte: int) -> bool:
        self.events.append(byte)
        return byte not in self.refuses

    def read(self) -> int:
        return self.answers.pop(0)

    def stop(self) -> None:
        self.events.append("stop")


def _set_up(board: Board, block: str, control: int) -> None:
    board.write(block, "IC_ENABLE", 0)
    board.write(block, "IC_INTR_MASK", 0)
    board.write(block, "IC_CON", control)
    board.write(block, "IC_FS_SCL_HCNT", HCNT)
    board.write(block, "IC_FS_SCL_LCNT", LCNT)
    board.write(block, "IC_FS_SPKLEN", SPKLEN)


def _board(control: int = MASTER, target: int = 0x50) -> Board:
    board = Board()
    board.init_clocks()
    for pin in (_SDA0, _SCL0, _SDA1, _SCL1):
        board.write("IO_BANK0", f"GPIO{pin}_CTRL", 3)
    _set_up(board, "I2C0", control)
    board.write("I2C0", "IC_TAR", target)
    board.write("I2C0", "IC_ENABLE", 1)
    return board


def _attach(board: Board, device: object, address: int = 0x50, ten_bit: bool = False) -> None:
    board.chip.i2c_buses[0].attach(device, address, ten_bit)  # type: ignore[arg-type]


def _joined(slave: int = SLAVE, address: int = 0x17) -> Board:
    """I2C0 is the master of I2C1."""
    board = _board(target=address)
    board.chip.io_bank0.wire([1 << _SDA0 | 1 << _SDA1, 1 << _SCL0 | 1 << _SCL1])
    _set_up(board, "I2C1", slave)
    board.write("I2C1", "IC_SAR", address)
    board.write("I2C1", "IC_ENABLE", 1)
    return board


def _command(board: Board, *words: int) -> None:
    for word in words:
        board.write("I2C0", "IC_DATA_CMD", word)


def _raw(board: Board, block: str = "I2C0") -> int:
    return board.read(block, "IC_RAW_INTR_STAT")


def _wait(board: Board, bit: int, block: str = "I2C0") -> int:
    return board.wait_for_event(block, "IC_RAW_INTR_STAT", bit, bit)


def _finish(board: Board) -> None:
    """Until the master is idle and has no command."""
    board.wait_for_event("I2C0", "IC_STATUS", 1 << 5 | 1 << 2, 1 << 2)


def _received(board: Board, block: str = "I2C0") -> list[int]:
    count = board.read(block, "IC_RXFLR")
    return [board.read(block, "IC_DATA_CMD") for _ in range(count)]


def test_a_write_takes_its_time() -> None:
    board = _board()
    device = Recorder()
    _attach(board, device)
    _command(board, 0x12, 0x34 | STOP)
    assert _raw(board) & (START_DET | ACTIVITY | TX_EMPTY) == START_DET | ACTIVITY
    assert _wait(board, TX_EMPTY) == START + 27 * BIT
    assert device.events == ["write", 0x12, 0x34]
    assert _wait(board, STOP_DET) == STOPPING
    assert device.events[-1] == "stop"
    assert board.read("I2C0", "IC_STATUS") == 0b110


def test_standard_mode_has_counts_of_its_own() -> None:
    board = _board(control=MASTER & ~0b110 | 1 << 1)
    _attach(board, Recorder())
    _command(board, 0 | STOP)
    # SPKLEN serves both speeds; IC_SS_SCL_HCNT is 40 and IC_SS_SCL_LCNT 47 after reset.
    low, high = 48, 40 + SPKLEN + 7
    assert _wait(board, STOP_DET) == high + 19 * (low + high)


def test_tx_empty_follows_the_level_alone_without_its_control() -> None:
    board = _board(control=MASTER & ~(1 << 8))
    _attach(board, Recorder())
    _command(board, 1, 2, 3 | STOP)
    assert board.read("I2C0", "IC_TXFLR") == 3
    assert _wait(board, TX_EMPTY) == START + 27 * BIT  # the third byte leaves the FIFO
    board.write("I2C0", "IC_TX_TL", 3)
    _finish(board)
    _command(board, 1, 2, 3)
    assert _raw(board) & TX_EMPTY
    _command(board, 4)
    assert not _raw(board) & TX_EMPTY


def test_the_bus_is_held_until_there_is_a_command() -> None:
    board = _board()
    device = Recorder()
    _attach(board, device)
    _command(board, 1)
    _wait(board, TX_EMPTY)
    board.run(1_000_000)
    assert board.read("I2C0", "IC_STATUS") & 0x21 == 0x21
    assert not _raw(board) & STOP_DET
    assert board.sleeps()
    _command(board, 2 | STOP)
    assert _wait(board, STOP_DET) == 9 * BIT + STOPPING
    assert device.events == ["write", 1, 2, "stop"]


def test_a_new_target_is_addressed_by_a_restart_after_disabling() -> None:
    """The SDK's nostop transfers: a master that holds the bus stays active while it is disabled."""
    board = _board()
    device = I2cMemory(bytes(range(100, 200)))
    _attach(board, device)
    _command(board, 7)
    _wait(board, TX_EMPTY)
    board.write("I2C0", "IC_ENABLE", 0)
    assert board.read("I2C0", "IC_ENABLE_STATUS") == 1
    board.write("I2C0", "IC_TAR", 0x50)
    board.write("I2C0", "IC_ENABLE", 1)
    _command(board, READ | RESTART)
    # A repeated START: SCL low, set-up, hold; the address; eight bits.
    assert _wait(board, RX_FULL) == LOW + HIGH + START + 17 * BIT
    assert _received(board) == [107 | 1 << 11]
    assert not _raw(board) & STOP_DET
    _command(board, READ | STOP)
    assert _wait(board, RX_FULL) == 9 * BIT  # ACK of the one before, eight bits
    assert _received(board) == [108]
    assert _wait(board, STOP_DET) == BIT + STOPPING
    assert board.read("I2C0", "IC_STATUS") & 1 == 0


def test_direction_changes_make_a_restart() -> None:
    board = _board()
    device = Recorder(answers=b"ab")
    _attach(board, device)
    _command(board, 1, READ, READ | STOP)
    _wait(board, STOP_DET)
    assert device.events == ["write", 1, "read", "stop"]
    assert _received(board) == [ord("a") | 1 << 11, ord("b")]


def test_without_restarts_there_is_a_stop_and_a_start() -> None:
    board = _board(control=MASTER & ~(1 << 5))
    device = Recorder(answers=b"a")
    _attach(board, device)
    _command(board, 1, READ | STOP)
    assert _wait(board, STOP_DET) == START + 18 * BIT + STOPPING
    board.read("I2C0", "IC_CLR_STOP_DET")
    # Bus free, START, address, byte, NACK, STOP.
    assert _wait(board, STOP_DET) == LOW + START + 18 * BIT + STOPPING
    assert device.events == ["write", 1, "stop", "read", "stop"]


def test_an_empty_bus_refuses() -> None:
    board = _board()
    board.write("I2C0", "IC_INTR_MASK", TX_ABRT)
    _command(board, 1, 2, 3 | STOP)
    board.run(START + 9 * BIT - 1)
    assert board.interrupts == set()
    board.run(1)
    assert board.interrupts == {I2C0_IRQ}
    assert board.read("I2C0", "IC_INTR_STAT") == TX_ABRT
    assert board.read("I2C0", "IC_TX_ABRT_SOURCE") == 3 << 23 | 1 << 0
    assert _raw(board) & (TX_ABRT | TX_EMPTY | STOP_DET) == TX_ABRT | TX_EMPTY
    _command(board, 9)  # lost: the FIFO is held empty
    assert board.read("I2C0", "IC_TXFLR") == 0
    assert _wait(board, STOP_DET) == STOPPING
    assert board.read("I2C0", "IC_CLR_TX_ABRT") == 0
    assert board.read("I2C0", "IC_TX_ABRT_SOURCE") == 0
    assert board.interrupts == set()
    _command(board, 9)
    assert board.read("I2C0", "IC_TXFLR") == 1


def test_a_refused_byte_aborts() -> None:
    board = _board()
    device = Recorder(refuses=(2,))
    _attach(board, device)
    _command(board, 1, 2, 3, 4 | STOP)
    _wait(board, TX_ABRT)
    assert board.read("I2C0", "IC_TX_ABRT_SOURCE") == 2 << 23 | 1 << 3
    _wait(board, STOP_DET)
    assert device.events == ["write", 1, 2, "stop"]


def test_ten_bit_addresses() -> None:
    board = _board(control=MASTER | 1 << 4, target=0x2A5)
    device, other = Recorder(answers=b"z"), Recorder()
    _attach(board, device, 0x2A5, ten_bit=True)
    _attach(board, other, 0x25)
    _command(board, 1 | STOP)
    assert _wait(board, STOP_DET) == START + 27 * BIT + STOPPING
    board.read("I2C0", "IC_CLR_INTR")
    board.run(LOW)
    _command(board, READ | STOP)
    # Both bytes for writing, a repeated START, the first byte for reading, the data.
    expected = START + 18 * BIT + LOW + HIGH + START + 18 * BIT + STOPPING
    assert _wait(board, STOP_DET) == expected
    assert device.events == ["write", 1, "stop", "write", "read", "stop"]
    assert _received(board) == [ord("z") | 1 << 11]
    assert other.events == []


@pytest.mark.parametrize(
    ("target", "command", "reason", "control"),
    [
        (0x1A5, 1 | STOP, 1 << 1, MASTER | 1 << 4),  # nobody has these high bits
        (0x2A6, 1 | STOP, 1 << 2, MASTER | 1 << 4),  # nobody has these low ones
        (0x2A5, READ | STOP, 1 << 10, (MASTER | 1 << 4) & ~(1 << 5)),
        (1 << 11, 6 | STOP, 1 << 4, MASTER),  # general call without a listener
        (0xC55, 6 | STOP, 1 << 9, MASTER & ~(1 << 5)),  # START byte
    ],
)
def test_aborts(target: int, command: int, reason: int, control: int) -> None:
    board = _board(control=control, target=target)
    _attach(board, Recorder(), 0x2A5, ten_bit=True)
    _command(board, command)
    _wait(board, TX_ABRT)
    assert board.read("I2C0", "IC_TX_ABRT_SOURCE") == 1 << 23 | reason


def test_general_call() -> None:
    board = _board(target=1 << 11)
    device, other = Recorder(), Recorder()
    _attach(board, device, 0)
    _attach(board, other, 0x50)
    _command(board, 6 | STOP)
    _wait(board, STOP_DET)
    assert device.events == ["write", 6, "stop"]
    assert other.events == []
    _finish(board)
    _command(board, READ | STOP)
    _wait(board, TX_ABRT)
    assert board.read("I2C0", "IC_TX_ABRT_SOURCE") & 0xFFFF == 1 << 5


def test_start_byte() -> None:
    board = _board(target=0xC50)
    device = Recorder()
    _attach(board, device)
    _command(board, 6 | STOP)
    # 4.3.6.4: START, 00000001 that nobody acknowledges, repeated START.
    assert _wait(board, STOP_DET) == START + 9 * BIT + LOW + HIGH + START + 18 * BIT + STOPPING
    assert device.events == ["write", 6, "stop"]


def test_start_byte_without_restarts_aborts_until_that_is_mended() -> None:
    board = _board(control=MASTER & ~(1 << 5), target=0xC50)
    _command(board, 6 | STOP)
    board.read("I2C0", "IC_CLR_TX_ABRT")
    assert board.read("I2C0", "IC_TX_ABRT_SOURCE") & 0xFFFF == 1 << 9
    board.write("I2C0", "IC_ENABLE", 0)
    board.write("I2C0", "IC_TAR", 0x50)
    board.read("I2C0", "IC_CLR_TX_ABRT")
    assert board.read("I2C0", "IC_TX_ABRT_SOURCE") & 0xFFFF == 0


def test_no_master_no_slave() -> None:
    board = _board(control=MASTER & ~1)
    _command(board, 1)
    assert board.read("I2C0", "IC_TX_ABRT_SOURCE") & 0xFFFF == 1 << 11


def test_the_program_aborts() -> None:
    board = _board()
    device = Recorder()
    _attach(board, device)
    _command(board, *range(8))
    board.run(START + 9 * BIT + 100)  # within the first byte
    board.write("I2C0", "IC_ENABLE", 0b11)
    assert board.read("I2C0", "IC_ENABLE") == 0b11
    board.write("I2C0", "IC_ENABLE", 0b01)  # cannot be taken back
    assert board.read("I2C0", "IC_ENABLE") == 0b11
    assert _wait(board, TX_ABRT) == 9 * BIT - 100
    assert board.read("I2C0", "IC_TX_ABRT_SOURCE") == 7 << 23 | 1 << 16
    assert board.read("I2C0", "IC_ENABLE") == 0b01
    assert _wait(board, STOP_DET) == STOPPING
    assert device.events == ["write", 0, "stop"]


def test_an_abort_frees_a_bus_that_is_held() -> None:
    board = _board()
    _attach(board, Recorder())
    _command(board, 1)
    _wait(board, TX_EMPTY)
    board.write("I2C0", "IC_ENABLE", 0b11)
    assert _wait(board, STOP_DET) == STOPPING
    assert board.read("I2C0", "IC_TX_ABRT_SOURCE") == 1 << 16


def test_blocked_commands_wait() -> None:
    board = _board()
    _attach(board, Recorder())
    board.write("I2C0", "IC_ENABLE", 0b101)
    _command(board, 1 | STOP)
    board.run(1_000_000)
    assert board.read("I2C0", "IC_STATUS") & 1 == 0
    board.write("I2C0", "IC_ENABLE", 0b001)
    assert _wait(board, STOP_DET) == START + 18 * BIT + STOPPING


def test_disabling_ends_a_transfer_with_its_byte() -> None:
    board = _board()
    device = Recorder()
    _attach(board, device)
    _command(board, 1 | STOP, 2 | STOP)
    board.run(START + 10 * BIT)
    board.write("I2C0", "IC_ENABLE", 0)
    assert board.read("I2C0", "IC_TXFLR") == 0
    assert board.read("I2C0", "IC_ENABLE_STATUS") == 1
    assert _raw(board) & TX_EMPTY  # while anything is active
    _finish(board)
    assert board.read("I2C0", "IC_ENABLE_STATUS") == 0
    assert _raw(board) == START_DET | STOP_DET
    assert device.events == ["write", 1, "stop"]


def test_fifos_fill() -> None:
    board = _board()
    _command(board, *[0] * 16)
    assert board.read("I2C0", "IC_STATUS") & 0b110 == 0
    assert not _raw(board) & TX_OVER
    _command(board, 0)
    assert _raw(board) & TX_OVER
    assert board.read("I2C0", "IC_CLR_TX_OVER") == 0
    assert not _raw(board) & TX_OVER
    assert board.read("I2C0", "IC_DATA_CMD") == 0
    assert _raw(board) & RX_UNDER
    board.read("I2C0", "IC_CLR_RX_UNDER")
    assert not _raw(board) & RX_UNDER


@pytest.mark.parametrize("holds", [False, True])
def test_the_receive_fifo_overflows_or_holds_the_bus(holds: bool) -> None:
    board = _board(control=MASTER | holds << 9)
    _attach(board, I2cMemory(bytes(range(32))))
    board.write("I2C0", "IC_RX_TL", 3)
    for number in range(1, 18):
        board.wait_for_event("I2C0", "IC_STATUS", 0b10, 0b10)  # there is room
        _command(board, READ | STOP * (number == 17))
    board.run(40 * 9 * BIT)
    assert board.read("I2C0", "IC_STATUS") >> 4 & 1  # full
    assert bool(_raw(board) & RX_OVER) != holds
    assert bool(_raw(board) & STOP_DET) != holds
    first = [board.read("I2C0", "IC_DATA_CMD") & 0xFF for _ in range(13 + holds)]
    assert not _raw(board) & RX_FULL  # three are left
    _finish(board)
    rest = [byte & 0xFF for byte in _received(board)]
    assert first + rest == list(range(17 if holds else 16))


def test_data_requests() -> None:
    board = _board()
    _attach(board, Recorder(answers=bytes(8)))
    assert board.data_requests == set()
    board.write("I2C0", "IC_DMA_CR", 0b11)
    assert board.data_requests == {I2C0_TX}
    board.write("I2C0", "IC_DMA_TDLR", 1)
    board.write("I2C0", "IC_DMA_RDLR", 1)
    _command(board, READ)
    assert board.data_requests == {I2C0_TX}
    _command(board, READ | STOP)
    assert board.data_requests == set()
    board.run(START + 17 * BIT)
    assert board.data_requests == {I2C0_TX}  # one byte is there: not above the level
    board.run(9 * BIT)
    assert board.data_requests == {I2C0_TX, I2C0_RX}
    board.read("I2C0", "IC_DATA_CMD")
    assert board.data_requests == {I2C0_TX}


def test_registers_are_locked_while_enabled() -> None:
    board = _board()
    for register in ("IC_CON", "IC_TAR", "IC_SAR", "IC_FS_SCL_HCNT", "IC_SDA_HOLD", "IC_SDA_SETUP"):
        before = board.read("I2C0", register)
        board.write("I2C0", register, before ^ 0x5)
        assert board.read("I2C0", register) == before


def test_registers_keep_within_their_bounds() -> None:
    board = Board()
    for register, written, kept in (
        ("IC_SS_SCL_HCNT", 0, 6),
        ("IC_SS_SCL_LCNT", 7, 8),
        ("IC_FS_SCL_HCNT", 5, 6),
        ("IC_FS_SCL_LCNT", 0, 8),
        ("IC_FS_SPKLEN", 0, 1),
        ("IC_RX_TL", 255, 16),
        ("IC_TX_TL", 17, 16),
        ("IC_CON", 0x65 & ~0b110, 0x65 & ~0b110 | 2 << 1),  # no speed
        ("IC_CON", 0x65 | 0b110, 0x65 & ~0b110 | 2 << 1),  # high speed, which there is not
    ):
        board.write("I2C1", register, written)
        assert board.read("I2C1", register) == kept, register


def test_without_pins_nobody_answers() -> None:
    board = _board()
    _attach(board, Recorder())
    board.write("IO_BANK0", f"GPIO{_SDA0}_CTRL", 5)
    _command(board, 1 | STOP)
    _wait(board, TX_ABRT)
    _wait(board, STOP_DET)
    assert board.read("I2C0", "IC_TX_ABRT_SOURCE") & 1


def test_a_slave_receives() -> None:
    board = _joined()
    board.write("I2C1", "IC_INTR_MASK", START_DET | STOP_DET | RX_FULL)
    _command(board, 0x11)
    assert board.interrupts == {I2C1_IRQ}
    assert board.read("I2C1", "IC_INTR_STAT") == START_DET
    board.read("I2C1", "IC_CLR_START_DET")
    _command(board, 0x22 | STOP)
    assert _wait(board, RX_FULL, "I2C1") == START + 17 * BIT  # it has to answer in the next
    assert board.interrupts == {I2C1_IRQ}
    assert board.read("I2C1", "IC_STATUS") & 0x61 == 0x41
    board.run(10 * BIT)
    assert _received(board, "I2C1") == [0x11 | 1 << 11, 0x22]
    assert board.interrupts == set()
    board.run(STOPPING)
    assert board.read("I2C1", "IC_INTR_STAT") == STOP_DET
    assert board.read("I2C1", "IC_STATUS") & 0x41 == 0
    assert not _raw(board) & TX_ABRT


def test_a_slave_is_asked_and_holds_the_bus() -> None:
    board = _joined()
    board.write("I2C1", "IC_INTR_MASK", RD_REQ | RX_DONE)
    _command(board, READ, READ | STOP)
    board.run(START + 9 * BIT)
    assert board.interrupts == {I2C1_IRQ}
    board.run(100_000)
    assert board.read("I2C0", "IC_RXFLR") == 0
    assert board.read("I2C1", "IC_CLR_RD_REQ") == 0
    assert board.interrupts == set()
    board.write("I2C1", "IC_DATA_CMD", 0xA1)
    assert _wait(board, RX_FULL) == 8 * BIT
    assert _wait(board, RD_REQ, "I2C1") == BIT
    board.read("I2C1", "IC_CLR_RD_REQ")
    board.write("I2C1", "IC_DATA_CMD", 0xA2)
    assert _wait(board, RX_DONE, "I2C1") == 9 * BIT
    assert _received(board) == [0xA1 | 1 << 11, 0xA2]
    assert board.read("I2C1", "IC_TX_ABRT_SOURCE") == 0


def test_a_slave_sends_ahead_and_what_is_left_is_flushed() -> None:
    """4.3.10.1.4, slave-transmitter in bulk."""
    board = _joined()
    _command(board, READ, READ | STOP)
    board.run(START + 9 * BIT)
    board.read("I2C1", "IC_CLR_RD_REQ")
    for byte in (1, 2, 3):
        board.write("I2C1", "IC_DATA_CMD", byte)
    assert _wait(board, STOP_DET) == 18 * BIT + STOPPING
    assert [byte & 0xFF for byte in _received(board)] == [1, 2]
    assert not _raw(board, "I2C1") & RD_REQ
    assert board.read("I2C1", "IC_TX_ABRT_SOURCE") == 1 << 23 | 1 << 13
    assert board.read("I2C1", "IC_TXFLR") == 0


def test_a_slave_flushes_what_was_for_an_earlier_transfer() -> None:
    board = _joined()
    board.write("I2C1", "IC_DATA_CMD", 0x99)
    _command(board, READ | STOP)
    _wait(board, RD_REQ, "I2C1")
    assert board.read("I2C1", "IC_TX_ABRT_SOURCE") == 1 << 23 | 1 << 13
    board.write("I2C1", "IC_DATA_CMD", 0x11)  # lost before the abort is cleared
    board.read("I2C1", "IC_CLR_TX_ABRT")
    board.write("I2C1", "IC_DATA_CMD", 0x22)
    _wait(board, STOP_DET)
    assert [byte & 0xFF for byte in _received(board)] == [0x22]


def test_a_slave_must_not_read() -> None:
    board = _joined()
    _command(board, READ | STOP)
    _wait(board, RD_REQ, "I2C1")
    board.write("I2C1", "IC_DATA_CMD", READ)
    assert board.read("I2C1", "IC_TX_ABRT_SOURCE") == 1 << 15


@pytest.mark.parametrize("holds", [False, True])
def test_a_full_slave_holds_the_bus_or_loses_bytes(holds: bool) -> None:
    board = _joined(slave=SLAVE & ~(1 << 9) | holds << 9)
    _command(board, *range(16))
    board.wait_for_event("I2C1", "IC_RXFLR", 0x1F, 16)
    _command(board, 16, 17 | STOP)
    board.run(40 * BIT)
    assert bool(_raw(board, "I2C1") & RX_OVER) != holds
    assert bool(_raw(board) & STOP_DET) != holds
    first = _received(board, "I2C1")
    _wait(board, STOP_DET)
    received = [byte & 0xFF for byte in first + _received(board, "I2C1")]
    assert received == list(range(18 if holds else 16))


def test_a_slave_refuses_data() -> None:
    board = _joined()
    board.write("I2C1", "IC_ENABLE", 0)
    board.write("I2C1", "IC_SLV_DATA_NACK_ONLY", 1)
    board.write("I2C1", "IC_ENABLE", 1)
    _command(board, 1 | STOP)
    _wait(board, TX_ABRT)
    assert board.read("I2C0", "IC_TX_ABRT_SOURCE") & 0xFFFF == 1 << 3
    assert board.read("I2C1", "IC_RXFLR") == 0


def test_a_slave_that_is_disabled_within_a_transfer() -> None:
    board = _joined()
    _command(board, 1, 2, 3 | STOP)
    _wait(board, RX_FULL, "I2C1")
    board.write("I2C1", "IC_ENABLE", 0)
    assert board.read("I2C1", "IC_ENABLE_STATUS") & 1
    _wait(board, TX_ABRT)
    assert board.read("I2C0", "IC_TX_ABRT_SOURCE") == 1 << 23 | 1 << 3
    _wait(board, STOP_DET)
    assert board.read("I2C1", "IC_ENABLE_STATUS") == 0b110


@pytest.mark.parametrize("acknowledges", [False, True])
def test_a_slave_hears_general_calls(acknowledges: bool) -> None:
    board = _joined()
    board.write("I2C0", "IC_ENABLE", 0)
    board.write("I2C0", "IC_TAR", 1 << 11)
    board.write("I2C0", "IC_ENABLE", 1)
    board.write("I2C1", "IC_ACK_GENERAL_CALL", acknowledges)
    _command(board, 0x42 | STOP)
    _wait(board, STOP_DET)
    assert bool(_raw(board, "I2C1") & GEN_CALL) == acknowledges
    assert [byte & 0xFF for byte in _received(board, "I2C1")] == [0x42] * acknowledges
    assert board.read("I2C0", "IC_TX_ABRT_SOURCE") & 0xFFFF == (0 if acknowledges else 1 << 4)


@pytest.mark.parametrize("only_addressed", [False, True])
def test_a_slave_hears_conditions(only_addressed: bool) -> None:
    board = _joined(slave=SLAVE | only_addressed << 7)
    _command(board, 1, 2 | RESTART | STOP)
    _wait(board, STOP_DET)
    heard = START_DET | RESTART_DET | STOP_DET
    assert _raw(board, "I2C1") & heard == heard
    assert board.read("I2C1", "IC_CLR_INTR") == 0
    board.read("I2C0", "IC_CLR_INTR")
    board.write("I2C0", "IC_ENABLE", 0)
    board.write("I2C0", "IC_TAR", 0x18)
    board.write("I2C0", "IC_ENABLE", 1)
    _command(board, 1 | STOP)
    _wait(board, STOP_DET)
    assert _raw(board, "I2C1") & heard == START_DET | STOP_DET * (not only_addressed)


def test_a_slave_with_ten_bits() -> None:
    board = _joined(slave=SLAVE | 1 << 3, address=0x317)
    board.write("I2C0", "IC_ENABLE", 0)
    board.write("I2C0", "IC_CON", MASTER | 1 << 4)
    board.write("I2C0", "IC_ENABLE", 1)
    _command(board, 5, READ | STOP)
    _wait(board, RD_REQ, "I2C1")
    board.write("I2C1", "IC_DATA_CMD", 6)
    _wait(board, STOP_DET)
    assert _received(board) == [6 | 1 << 11]
    assert _received(board, "I2C1") == [5 | 1 << 11]


def test_two_masters_take_turns() -> None:
    board = _joined()
    device = Recorder()
    _attach(board, device)
    for block in ("I2C0", "I2C1"):
        board.write(block, "IC_ENABLE", 0)
        board.write(block, "IC_CON", MASTER)
        board.write(block, "IC_TAR", 0x50)
        board.write(block, "IC_ENABLE", 1)
    _command(board, 1 | STOP)
    board.write("I2C1", "IC_DATA_CMD", 2 | STOP)
    one = START + 18 * BIT + STOPPING
    assert _wait(board, STOP_DET) == one
    board.read("I2C1", "IC_CLR_STOP_DET")
    assert _wait(board, STOP_DET, "I2C1") == LOW + one
    assert device.events == ["write", 1, "stop", "write", 2, "stop"]


def test_unwired_again() -> None:
    board = _joined()
    board.chip.io_bank0.wire([1 << _SDA0 | 1 << _SDA1])
    _command(board, 1 | STOP)
    _wait(board, TX_ABRT)
    assert not _raw(board, "I2C1") & START_DET


def test_a_reset_frees_the_bus() -> None:
    board = _joined()
    _command(board, 1)
    _wait(board, TX_EMPTY)
    board.set_bits("RESETS", "RESET", 1 << 3)
    board.release(1 << 3)
    assert board.read("I2C0", "IC_STATUS") == 0b110
    assert board.read("I2C1", "IC_STATUS") & 1 == 0
    assert board.sleeps()


def test_bad_addresses() -> None:
    board = _board()
    _attach(board, Recorder())
    with pytest.raises(ValueError, match="0x50 already"):
        _attach(board, Recorder())
    with pytest.raises(ValueError, match="more than 7 bits"):
        _attach(board, Recorder(), 0xA0)
    _attach(board, Recorder(), 0x50, ten_bit=True)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.binary(min_size=1, max_size=9)), max_size=6),
    st.integers(1, 4000),
)
def test_a_memory_keeps_what_is_written(transfers: list[tuple[bool, bytes]], step: int) -> None:
    """However a program polls: writes arrive, and reads give the model's bytes."""
    board = _board()
    memory, model, place = I2cMemory(), bytearray(256), 0
    _attach(board, memory)
    for reads, data in transfers:
        words = [READ] * len(data) if reads else list(data)
        words[-1] |= STOP
        received = []
        for word in words:
            board.wait_for("I2C0", "IC_STATUS", 0b10, 0b10, step=step)
            _command(board, word)
            received += _received(board)
        _finish(board)
        received += _received(board)
        if reads:
            assert [byte & 0xFF for byte in received] == [
                model[(place + index) % 256] for index in range(len(data))
            ]
            place += len(data)
        else:
            place = data[0] + len(data) - 1
            for index, byte in enumerate(data[1:]):
                model[(data[0] + index) % 256] = byte
    assert memory.contents == model
