"""PWM against a model that counts every cycle, and against the datasheet's words (4.5)."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import pairwise

import pytest
from native_board import NativeBoard

_PWM = 4  # FUNCSEL
_EN, _PH_CORRECT, _A_INV, _B_INV = 1, 2, 4, 8


@dataclass
class Model:
    """A slice, cycle by cycle."""

    control: int = 0
    div: int = 16
    cc: int = 0
    top: int = 0xFFFF
    count: int = 0
    falls: bool = False
    fraction: int = 0
    level: int = 0
    wrap: int = 0xFFFF
    wraps: int = 0

    def take_over(self) -> None:
        self.level, self.wrap = self.cc, self.top

    def cycle(self) -> None:
        if not self.control & _EN:
            return
        self.fraction += 16
        if self.fraction < (self.div if self.div >= 16 else self.div + 4096):
            return
        self.fraction -= self.div if self.div >= 16 else self.div + 4096
        if not self.control & _PH_CORRECT:
            if self.count == self.wrap:
                self.count = 0
                self.restart()
            else:
                self.count = (self.count + 1) & 0xFFFF
        elif self.falls:
            if self.count == 0:
                self.falls = False
                self.restart()
            else:
                self.count -= 1
        elif self.count == self.wrap:
            self.falls = True
        else:
            self.count += 1

    def restart(self) -> None:
        self.take_over()
        self.wraps += 1

    @property
    def outputs(self) -> int:
        a = (self.count < self.level & 0xFFFF) != bool(self.control & _A_INV)
        b = (self.count < self.level >> 16) != bool(self.control & _B_INV)
        return a | b << 1


@pytest.mark.parametrize("seed", range(40))
def test_counts_and_outputs_as_cycle_by_cycle(seed: int) -> None:
    rng = random.Random(seed)
    board, model = NativeBoard(), Model()
    number = rng.randrange(8)
    pins = 2 * number
    for pin in (pins, pins + 1):
        board.write("IO_BANK0", f"GPIO{pin}_CTRL", _PWM)
    highest = rng.choice([0, 1, 5, 30, 200])
    phase_correct = rng.choice([0, _PH_CORRECT])
    for _ in range(30):
        match rng.randrange(6):
            case 0:
                model.top = rng.randrange(highest + 1)
                board.write("PWM", f"CH{number}_TOP", model.top)
            case 1:
                model.cc = rng.randrange(highest + 3) | rng.randrange(highest + 3) << 16
                board.write("PWM", f"CH{number}_CC", model.cc)
            case 2:
                enabled = _EN if rng.random() < 0.8 else 0
                inverted = rng.choice([0, _A_INV, _B_INV])
                model.control = enabled | phase_correct | inverted
                board.write("PWM", f"CH{number}_CSR", model.control)
            case 3:
                model.div, model.fraction = rng.choice([16, 16, 24, 40, 17, 160]), 0
                board.write("PWM", f"CH{number}_DIV", model.div)
        if not model.control & _EN:
            model.take_over()
        cycles = rng.choice([1, 2, 7, 50, 333])
        board.pass_time(cycles)
        for _ in range(cycles):
            model.cycle()
        assert board.read("PWM", f"CH{number}_CTR") == model.count
        raw = board.read("PWM", "INTR") >> number & 1
        assert raw == (model.wraps > 0)
        assert board.chip.io_bank0.levels >> pins & 3 == model.outputs
        if rng.random() < 0.3:
            board.write("PWM", "INTR", 1 << number)
            model.wraps = 0


def _edges(board: NativeBoard, pin: int, cycles: int) -> list[tuple[int, int]]:
    """Changes of a pin as (cycle, level), found by looking every cycle."""
    found = []
    before = board.chip.io_bank0.levels >> pin & 1
    begin = board.clock.cycles
    for _ in range(cycles):
        board.pass_time(1)
        board.read("SIO", "GPIO_IN")
        level = board.chip.io_bank0.levels >> pin & 1
        if level != before:
            found.append((board.clock.cycles - begin, level))
        before = level
    return found


def _start(board: NativeBoard, number: int, top: int, cc: int, control: int) -> None:
    for name, value in (("TOP", top), ("CC", cc), ("CSR", control)):
        board.write("PWM", f"CH{number}_{name}", value)


def test_period_and_duty() -> None:
    """4.5.2.6: a period is (TOP + 1) * (1 or, phase-correct, 2) * DIV cycles."""
    for control, factor in ((_EN, 1), (_EN | _PH_CORRECT, 2)):
        board = NativeBoard()
        board.write("IO_BANK0", "GPIO4_CTRL", _PWM)
        board.write("PWM", "CH2_DIV", 2 << 4 | 8)
        _start(board, 2, 19, 6, control)
        edges = _edges(board, 4, 400)
        rises = [at for at, level in edges if level]
        assert {later - at for at, later in pairwise(rises)} == {50 * factor}
        high = sum(
            later - at for (at, level), (later, _) in pairwise(edges) if level and at > 20
        ) / sum(later - at for (at, level), (later, _) in pairwise(edges) if at > 20)
        assert high == pytest.approx(6 / 20, abs=0.05)


def test_no_and_full_duty_do_not_toggle() -> None:
    """4.5.2.2."""
    for cc, level in ((0, 0), (20, 1)):
        board = NativeBoard()
        board.write("IO_BANK0", "GPIO4_CTRL", _PWM)
        _start(board, 2, 19, cc, _EN)
        assert _edges(board, 4, 100) == []
        assert board.chip.io_bank0.levels >> 4 & 1 == level


def test_an_interrupt_for_every_wrap() -> None:
    board = NativeBoard()
    board.write("PWM", "INTE", 1 << 3)
    begin = board.clock.cycles
    _start(board, 3, 99, 0, _EN)
    for period in range(1, 4):
        while 4 not in board.interrupts:
            board.pass_time(1)
        assert board.clock.cycles - begin == 100 * period
        board.write("PWM", "INTR", 1 << 3)
        assert 4 not in board.interrupts


@pytest.mark.parametrize(("mode", "counts"), [(1, 30 + 12), (2, 2), (3, 2)])
def test_counts_what_the_pin_b_does(mode: int, counts: int) -> None:
    """4.5.2.5: cycles while it is high, or edges; the pin is an input then."""
    board = NativeBoard()
    board.write("IO_BANK0", "GPIO3_CTRL", _PWM)
    _start(board, 1, 0xFFFF, 0, _EN | mode << 4)
    for level, cycles in ((1, 30), (0, 50), (1, 12), (0, 5)):
        board.chip.io_bank0.set_input(3, bool(level))
        board.pass_time(cycles)
    assert board.read("PWM", "CH1_CTR") == counts
    assert board.chip.io_bank0.outputs[1] >> 3 & 1 == 0


def test_phase_is_moved_by_counts() -> None:
    board = NativeBoard()
    board.write("PWM", "CH0_DIV", 4 << 4)
    _start(board, 0, 0xFFFF, 0, _EN)
    board.pass_time(40)
    assert board.read("PWM", "CH0_CTR") == 10
    board.write("PWM", "CH0_CSR", _EN | 1 << 7)
    assert board.read("PWM", "CH0_CTR") == 11
    assert board.read("PWM", "CH0_CSR") == _EN
    board.write("PWM", "CH0_CSR", _EN | 1 << 6)
    board.pass_time(40)
    assert board.read("PWM", "CH0_CTR") == 20


def test_a_wrap_paces_the_dma() -> None:
    board = NativeBoard()
    _start(board, 5, 99, 0, _EN)
    for name, value in (
        ("READ_ADDR", 0x2000_0000),
        ("WRITE_ADDR", 0x2000_0100),
        ("TRANS_COUNT", 5),
    ):
        board.write("DMA", f"CH0_{name}", value)
    board.write("DMA", "CH0_CTRL_TRIG", 1 | 29 << 15)
    board.pass_time(350)
    assert board.read("DMA", "CH0_TRANS_COUNT") == 2
