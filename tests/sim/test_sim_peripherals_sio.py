"""SIO: divider, interpolators, spinlocks, FIFO and GPIO."""

from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from peripheral_board import Board

_WORD = 1 << 32
_MIN = -(1 << 31)
_BOARD = Board()
_WORDS = st.integers(0, _WORD - 1) | st.integers(0, 20) | st.integers(_WORD - 20, _WORD - 1)


def _signed(value: int) -> int:
    return value - _WORD if value >> 31 else value


def _divide(dividend: int, divisor: int, kind: str) -> tuple[int, int]:
    board = _BOARD
    board.write("SIO", f"DIV_{kind}DIVIDEND", dividend)
    board.write("SIO", f"DIV_{kind}DIVISOR", divisor)
    board.clock.advance(board.clock.cycles + 8)
    return board.read("SIO", "DIV_QUOTIENT"), board.read("SIO", "DIV_REMAINDER")


@given(_WORDS, _WORDS)
@example(0, 0)
@example(_WORD - 1, 0)
def test_unsigned_division(dividend: int, divisor: int) -> None:
    quotient, remainder = _divide(dividend, divisor, "U")
    if divisor:
        assert (quotient, remainder) == (dividend // divisor, dividend % divisor)
    else:
        assert (quotient, remainder) == (0xFFFF_FFFF, dividend)


@given(_WORDS, _WORDS)
@example(_MIN % _WORD, _WORD - 1)
@example(_MIN % _WORD, 0)
@example(7, 0)
@example(0, 0)
def test_signed_division(dividend: int, divisor: int) -> None:
    quotient, remainder = _divide(dividend, divisor, "S")
    p, q = _signed(dividend), _signed(divisor)
    if (p, q) == (_MIN, -1):
        assert (_signed(quotient), remainder) == (_MIN, 0)
    elif q == 0:
        assert (_signed(quotient), _signed(remainder)) == (1 if p < 0 else -1, p)
    else:
        towards_zero = abs(p) // abs(q) * (1 if (p < 0) == (q < 0) else -1)
        assert _signed(quotient) == towards_zero
        assert _signed(remainder) == p - q * towards_zero


def test_divider_registers_and_time() -> None:
    board = Board()
    board.write("SIO", "DIV_SDIVIDEND", -100 % _WORD)
    board.clock.advance(board.clock.cycles + 1)
    board.write("SIO", "DIV_SDIVISOR", 7)
    assert board.read("SIO", "DIV_CSR") == 0b10
    board.clock.advance(board.clock.cycles + 7)
    assert board.read("SIO", "DIV_CSR") == 0b10
    board.clock.advance(board.clock.cycles + 1)
    assert board.read("SIO", "DIV_CSR") == 0b11
    assert _signed(board.read("SIO", "DIV_REMAINDER")) == -2
    assert board.read("SIO", "DIV_CSR") == 0b11
    assert _signed(board.read("SIO", "DIV_QUOTIENT")) == -14
    assert board.read("SIO", "DIV_CSR") == 0b01
    board.write("SIO", "DIV_UDIVIDEND", 99)  # the divisor stays, the signedness changes
    assert board.read("SIO", "DIV_QUOTIENT") == 14
    assert board.read("SIO", "DIV_SDIVIDEND") == 99


def test_divider_state_is_saved_and_restored() -> None:
    """As the SDK's hw_divider_save_state and hw_divider_restore_state do it."""
    board = Board()
    names = ["DIV_UDIVIDEND", "DIV_UDIVISOR", "DIV_REMAINDER", "DIV_QUOTIENT"]
    board.write("SIO", "DIV_UDIVIDEND", 1000)
    board.write("SIO", "DIV_UDIVISOR", 33)
    board.clock.advance(board.clock.cycles + 8)
    saved = [board.read("SIO", name) for name in names]
    board.write("SIO", "DIV_SDIVIDEND", 5)
    for name, value in zip(names, saved, strict=True):
        board.write("SIO", name, value)
    assert board.read("SIO", "DIV_CSR") == 0b11  # a result written ends the calculation
    assert [board.read("SIO", name) for name in names] == saved == [1000, 33, 10, 30]


def test_spinlocks() -> None:
    board = Board()
    for lock in (0, 5, 31):
        assert board.read("SIO", f"SPINLOCK{lock}") == 1 << lock
        assert board.read("SIO", f"SPINLOCK{lock}") == 0
    assert board.read("SIO", "SPINLOCK_ST") == 1 << 31 | 1 << 5 | 1
    board.write("SIO", "SPINLOCK5", 0)
    assert board.read("SIO", "SPINLOCK_ST") == 1 << 31 | 1
    assert board.read("SIO", "SPINLOCK5") == 1 << 5


def test_fifo_to_a_core_that_reads_nothing() -> None:
    board = Board()
    assert board.read("SIO", "CPUID") == 0
    for _ in range(8):
        assert board.read("SIO", "FIFO_ST") == 0b0010
        board.write("SIO", "FIFO_WR", 1)
    assert board.read("SIO", "FIFO_ST") == 0
    assert board.interrupts == set()
    board.write("SIO", "FIFO_WR", 1)
    assert board.read("SIO", "FIFO_ST") == 0b0100
    assert board.read("SIO", "FIFO_RD") == 0
    assert board.read("SIO", "FIFO_ST") == 0b1100
    assert board.interrupts == {15}
    board.write("SIO", "FIFO_ST", 0xFF)
    assert board.read("SIO", "FIFO_ST") == 0
    assert board.interrupts == set()


def test_gpio_set_clear_xor() -> None:
    board = Board()
    for name, width in (("GPIO_OUT", 30), ("GPIO_OE", 30), ("GPIO_HI_OUT", 6), ("GPIO_HI_OE", 6)):
        pins = (1 << width) - 1
        board.write("SIO", name, 0b1100)
        board.write("SIO", f"{name}_SET", 0b0110)
        assert board.read("SIO", name) == 0b1110
        board.write("SIO", f"{name}_CLR", 0b0100)
        assert board.read("SIO", name) == 0b1010
        board.write("SIO", f"{name}_XOR", 0xFFFF_FFFF)
        assert board.read("SIO", name) == 0b1010 ^ pins


def test_blink() -> None:
    """gpio_init, gpio_set_dir and gpio_put of the SDK on the Pico's LED."""
    board = Board()
    bank = board.chip.io_bank0
    board.write("SIO", "GPIO_OE_SET", 1 << 25)
    board.write("SIO", "GPIO_OUT_SET", 1 << 25)
    assert bank.outputs == (0, 0)
    board.write("IO_BANK0", "GPIO25_CTRL", 5)
    assert bank.outputs == (1 << 25, 1 << 25)
    assert board.read("SIO", "GPIO_IN") == 1 << 25
    assert board.read("IO_BANK0", "GPIO25_STATUS") == sum(
        1 << bit for bit in (8, 9, 12, 13, 17, 19, 24, 26)
    )
    board.write("IO_BANK0", "GPIO25_CTRL", 5 | 1 << 8)  # OUTOVER: invert
    assert board.read("SIO", "GPIO_IN") == 0
    board.write("IO_BANK0", "GPIO25_CTRL", 5 | 3 << 16)  # INOVER: high
    board.write("SIO", "GPIO_OUT_CLR", 1 << 25)
    assert board.read("SIO", "GPIO_IN") == 1 << 25
    board.write("IO_BANK0", "GPIO25_CTRL", 5)
    board.write("SIO", "GPIO_OUT_SET", 1 << 25)
    board.set_bits("PADS_BANK0", "GPIO25", 1 << 7)  # OD
    assert board.read("SIO", "GPIO_IN") == 0


def test_pulls_and_inputs() -> None:
    board = Board()
    bank = board.chip.io_bank0
    assert board.read("SIO", "GPIO_IN") == 0  # pulled down after reset
    board.write("PADS_BANK0", "GPIO2", 0x5A)  # up
    assert board.read("SIO", "GPIO_IN") == 0b100
    bank.set_input(2, False)
    bank.set_input(3, True)
    assert board.read("SIO", "GPIO_IN") == 0b1000
    board.write("PADS_BANK0", "GPIO3", 0x16)  # input disabled
    assert board.read("SIO", "GPIO_IN") == 0
    bank.set_input(2, None)
    assert board.read("SIO", "GPIO_IN") == 0b100
    board.write("PADS_BANK0", "GPIO2", 0x5E)  # both pulls: keeps
    assert board.read("SIO", "GPIO_IN") == 0b100


def test_gpio_interrupts() -> None:
    board = Board()
    bank = board.chip.io_bank0
    level_low, level_high, edge_low, edge_high = (1 << 4 * 2 + kind for kind in range(4))
    board.write("IO_BANK0", "PROC0_INTE1", edge_high)  # GPIO10
    bank.set_input(10, True)
    assert board.interrupts == {13}
    assert board.read("IO_BANK0", "INTR1") & 0xF00 == level_high | edge_high
    assert board.read("IO_BANK0", "PROC0_INTS1") == edge_high
    board.write("IO_BANK0", "INTR1", edge_high)
    assert board.interrupts == set()
    bank.set_input(10, False)
    assert board.interrupts == set()
    assert board.read("IO_BANK0", "INTR1") & 0xF00 == level_low | edge_low
    board.set_bits("IO_BANK0", "PROC0_INTE1", level_low)
    assert board.interrupts == {13}
    board.write("IO_BANK0", "PROC0_INTE1", 0)
    assert board.interrupts == set()
    board.write("IO_BANK0", "PROC0_INTF3", 1)
    assert board.read("IO_BANK0", "PROC0_INTS3") == 1
    assert board.interrupts == {13}


# Interpolators: the examples of the datasheet's 2.3.1.6 with the values that they give there.

_Write = Callable[[str, int], None]


def _interpolator(board: Board, index: int) -> tuple[_Write, Callable[[str], int]]:
    def write(name: str, value: int) -> None:
        board.write("SIO", f"INTERP{index}_{name}", value % _WORD)

    return write, lambda name: board.read("SIO", f"INTERP{index}_{name}")


def _control(shift: int = 0, low: int = 0, high: int = 31, **flags: bool) -> int:
    bits = {"signed": 15, "cross_input": 16, "cross_result": 17, "add_raw": 18, "mode0": 21}
    bits["mode1"] = 22
    return shift | low << 5 | high << 10 | sum(1 << bits[name] for name in flags)


@pytest.mark.parametrize("index", [0, 1])
def test_times_table(index: int) -> None:
    write, read = _interpolator(Board(), index)
    for lane in range(2):
        write(f"CTRL_LANE{lane}", _control())
    write("BASE0", 9)
    assert [read("POP_LANE0") for _ in range(10)] == list(range(9, 91, 9))


def test_moving_mask() -> None:
    write, read = _interpolator(Board(), 0)
    write("ACCUM0", 0x1234_ABCD)
    for nibble in range(8):
        write("CTRL_LANE0", _control(0, 4 * nibble, 4 * nibble + 3))
        assert read("ACCUM0_ADD") == 0x1234_ABCD & 0xF << 4 * nibble
        write("CTRL_LANE0", _control(0, 4 * nibble, 4 * nibble + 3, signed=True))
        value = 0x1234_ABCD & 0xF << 4 * nibble
        if value >> 4 * nibble + 3:
            value |= -1 << 4 * nibble + 4 & 0xFFFF_FFFF
        assert read("ACCUM0_ADD") == value
        assert read("CTRL_LANE0") >> 23 & 1 == (0x1234_ABCD >> 4 * nibble + 4 != 0)


def test_cross_lanes() -> None:
    write, read = _interpolator(Board(), 0)
    for lane in range(2):
        write(f"CTRL_LANE{lane}", _control(cross_result=True))
    for name, value in (("ACCUM0", 123), ("ACCUM1", 456), ("BASE0", 1), ("BASE1", 0)):
        write(name, value)
    values = [(read("PEEK_LANE0"), read("POP_LANE1")) for _ in range(4)]
    assert values == [(124, 456), (457, 124), (125, 457), (458, 125)]


def test_simple_blend() -> None:
    write, read = _interpolator(Board(), 0)
    write("CTRL_LANE0", _control(mode0=True))
    write("CTRL_LANE1", _control())
    write("BASE0", 500)
    write("BASE1", 1000)
    blended = []
    for step in range(7):
        write("ACCUM1", 255 * step // 6)
        blended.append(read("PEEK_LANE1"))
        assert read("PEEK_LANE0") == 255 * step // 6
    assert blended == [500, 582, 666, 748, 832, 914, 998]


def test_signed_and_unsigned_blend() -> None:
    write, read = _interpolator(Board(), 0)
    write("CTRL_LANE0", _control(mode0=True))
    write("BASE_1AND0", 0)
    write("BASE0", -1000)
    write("BASE1", 1000)
    write("ACCUM1", 128)
    write("CTRL_LANE1", _control(signed=True))
    assert _signed(read("PEEK_LANE1")) == 0
    write("CTRL_LANE1", _control())
    assert read("PEEK_LANE1") == (_WORD - 1000 + 1000) // 2


def test_clamp() -> None:
    write, read = _interpolator(Board(), 1)
    write("CTRL_LANE0", _control(2, 0, 29, signed=True, mode1=True))
    write("CTRL_LANE1", _control())
    write("BASE0", 0)
    write("BASE1", 255)
    clamped = []
    for value in range(-1024, 1025, 256):
        write("ACCUM0", value)
        clamped.append(read("PEEK_LANE0"))
    assert clamped == [0, 0, 0, 0, 0, 64, 128, 192, 255]


def test_texture_lookup() -> None:
    """Lanes take u and v apart, ADD_RAW steps through the texture, FULL is the address."""
    write, read = _interpolator(Board(), 0)
    fraction, width, height = 16, 2, 2
    write("CTRL_LANE0", _control(fraction, 0, width - 1, add_raw=True))
    write("CTRL_LANE1", _control(fraction - width, width, width + height - 1, add_raw=True))
    u, v, du, dv = 0, 0, 65536 // 2, 65536 // 3
    write("BASE0", du)
    write("BASE1", dv)
    write("BASE2", 0x2000_0000)
    for _ in range(12):
        pixel = (v >> fraction) % 4 * 4 + (u >> fraction) % 4
        assert read("POP_FULL") == 0x2000_0000 + pixel
        u, v = u + du, v + dv


def test_add_force_and_pairs() -> None:
    write, read = _interpolator(Board(), 1)
    write("CTRL_LANE0", _control(high=15) | 2 << 19)
    write("CTRL_LANE1", _control(signed=True, cross_input=True))
    write("ACCUM0", 0x10)
    write("ACCUM0_ADD", 0xFF00_0005)  # 24 bits count
    assert read("ACCUM0") == 0x15
    assert read("PEEK_LANE0") == 0x2000_0015
    assert read("ACCUM1_ADD") == 0x15  # crossed input
    write("BASE_1AND0", 0x8001_8002)
    assert (read("BASE0"), read("BASE1")) == (0x8002, 0xFFFF_8001)
    assert read("POP_LANE0") == 0x2000_0000 | 0x8017
    assert read("ACCUM0") == 0x8017  # FORCE_MSB is on the bus alone
    write("CTRL_LANE0", 0xFFFF_FFFF)
    assert read("CTRL_LANE0") & 0x007F_FFFF == 0x005F_FFFF  # CLAMP, no BLEND
