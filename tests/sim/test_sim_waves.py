"""PIO that looks at a pin of PWM sees each level in its own cycle, however often time is asked."""

from __future__ import annotations

import pytest
from native_board import NativeBoard

_PIN, _FUNCTION_PWM = 16, 4
_IN_PINS, _AUTOPUSH, _RIGHT = 0x4001, 1 << 16, 1 << 18
_WORDS = 4


def _captured(step: int) -> int:
    """Samples of every cycle, the first lowest, with time in steps of so many cycles."""
    board = NativeBoard()
    board.write("IO_BANK0", f"GPIO{_PIN}_CTRL", _FUNCTION_PWM)
    board.write("PWM", "CH0_TOP", 3)
    board.write("PWM", "CH0_DIV", 4 << 4)
    board.write("PWM", "CH0_CC", 1)
    board.write("PIO0", "INSTR_MEM0", _IN_PINS)
    board.write("PIO0", "SM0_EXECCTRL", 0)  # wraps there
    board.write("PIO0", "SM0_SHIFTCTRL", _AUTOPUSH | _RIGHT)
    board.write("PIO0", "SM0_PINCTRL", _PIN << 15)
    board.write("PWM", "CH0_CSR", 1)
    board.write("PIO0", "CTRL", 1)
    for _ in range(0, 32 * _WORDS, step):
        board.pass_time(step)
        board.read("PIO0", "FLEVEL")
    words = [board.read("PIO0", "RXF0") for _ in range(_WORDS)]
    return sum(word << 32 * at for at, word in enumerate(words))


@pytest.mark.parametrize("step", [1, 2, 3, 4, 5, 7, 8, 12, 16, 128])
def test_a_wave_keeps_its_shape(step: int) -> None:
    """4.5.2: high for 1 of 4 counts of 4 cycles. It is seen two cycles late, and from then on."""
    samples = [_captured(step) >> at & 1 for at in range(8, 32 * _WORDS)]
    assert all(first == second for first, second in zip(samples, samples[16:], strict=False))
    assert sum(samples[:16]) == 4
