"""Random PIO programs and traffic on the native blocks and on the slow model, side by side."""

from __future__ import annotations

import random
from collections.abc import Callable

from peripheral_board import Board
from pio_model import ALL, PINS, Model

from priot.sim.cpu.state import Chip
from priot.sim.devices.devices import catch_up
from priot.sim.devices.pio import places

PIO0_FUNCTION = 6
_COMPARED = ("CTRL", "FSTAT", "FLEVEL", "FDEBUG", "IRQ", "DBG_PADOUT", "DBG_PADOE", "INTR")
_SCRATCH = {
    "x": places.X,
    "y": places.Y,
    "isr": places.ISR,
    "osr": places.OSR,
    "isr_count": places.ISR_COUNT,
    "osr_count": places.OSR_COUNT,
}


class Pair:
    """A board and the model, to which the same is done."""

    def __init__(self, given: tuple[int, int]) -> None:
        self.board, self.model = Board(), Model(given)
        self._chip = self.board.machine.chip
        for pin in range(30):
            for block in range(2):
                if given[block] >> pin & 1:
                    control = PIO0_FUNCTION + block
                    self.board.write("IO_BANK0", f"GPIO{pin}_CTRL", control)

    def write(self, block: int, register: str, value: int) -> None:
        self.board.write(f"PIO{block}", register, value)
        self.model.blocks[block].write(register, value)

    def set_pin(self, pin: int, level: bool) -> None:
        self.board.chip.io_bank0.set_input(pin, level)
        outside = self.model.outside & ~(1 << pin)
        self.model.outside = outside | level << pin

    def read(self, block: int, register: str) -> int:
        """The same on both, unless the datasheet leaves it open."""
        found = self.board.read(f"PIO{block}", register)
        wanted = self.model.blocks[block].read(register)
        assert wanted in (found, -1), f"PIO{block}.{register}: {found:#x}, not {wanted:#x}"
        return found

    def run(self, cycles: int) -> None:
        """Cycle by cycle; the native blocks are only looked at when they ask for it."""
        clock = self.board.clock
        for _ in range(cycles):
            self.model.step()
            clock.advance(clock.cycles + 1)
            if self._chip[Chip.DEVICES_AT] <= clock.cycles:
                catch_up(self.board.machine, clock.cycles)
            raised = self.board.interrupts
            assert raised == self.model.interrupts, f"cycle {clock.cycles}"

    def compare(self) -> None:
        """All that can be seen, and the scratch registers."""
        for at, block in enumerate(self.model.blocks):
            for register in _COMPARED:
                self.read(at, register)
            base = places.BLOCKS + at * places.BLOCK_SIZE + places.MACHINES
            for number, machine in enumerate(block.machines):
                self.read(at, f"SM{number}_ADDR")
                self.read(at, f"SM{number}_EXECCTRL")
                for name, place in _SCRATCH.items():
                    found = int(self._chip[base + number * places.MACHINE_SIZE + place])
                    wanted = getattr(machine, name)
                    assert found == wanted, f"PIO{at} SM{number} {name}: {found:#x}, {wanted:#x}"
        assert self.board.chip.io_bank0.inputs == self.model.levels()


def instruction(chance: random.Random) -> int:
    """Any instruction; those that a program needs to go on are likelier."""
    kind = chance.choice((0, 0, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 7, 7))
    delay = chance.choice((0, 0, chance.randrange(32)))
    op = kind << 13 | delay << 8 | chance.randrange(256)
    if kind == 4:
        op &= ~0x1F
    if kind == 6:
        op &= ~0x88
    if kind == 0 and chance.random() < 0.5:
        op = op & ~0x1F | chance.randrange(6)
    return op


def _divisor(chance: random.Random) -> int:
    integer = chance.choice((1, 1, 1, 2, 3, chance.randrange(1, 9)))
    return integer << 16 | chance.choice((0, 0, chance.randrange(256))) << 8


def _execctrl(chance: random.Random) -> int:
    value = chance.getrandbits(32) & ~(3 << 17)
    if chance.random() < 0.6:
        value &= ~(1 << 30)
    if chance.random() < 0.3:
        value |= chance.randrange(4) << 17
    top = chance.choice((5, 7, chance.randrange(32)))
    return value & ~(0x3FF << 7) | top << 12 | chance.choice((0, chance.randrange(top + 1))) << 7


def _shiftctrl(chance: random.Random) -> int:
    value = chance.getrandbits(32)
    return value if chance.random() < 0.3 else value & ~(3 << 30)


def _pinctrl(chance: random.Random) -> int:
    sides = chance.choice((0, 0, 1, 2, chance.randrange(6)))
    outs = chance.choice((0, 1, 4, 8, 32))
    sets = chance.randrange(6)
    return sides << 29 | sets << 26 | outs << 20 | chance.getrandbits(20)


_REGISTERS: dict[str, Callable[[random.Random], int]] = {
    "CLKDIV": _divisor,
    "EXECCTRL": _execctrl,
    "SHIFTCTRL": _shiftctrl,
    "PINCTRL": _pinctrl,
    "INSTR": instruction,
}


def _configure(pair: Pair, chance: random.Random, block: int) -> None:
    for place in range(32):
        if chance.random() < 0.7 or place < 8:
            pair.write(block, f"INSTR_MEM{place}", instruction(chance))
    for number in range(4):
        for register in ("CLKDIV", "EXECCTRL", "SHIFTCTRL", "PINCTRL"):
            pair.write(block, f"SM{number}_{register}", _REGISTERS[register](chance))
        pair.write(block, f"SM{number}_INSTR", chance.choice((0, 4, 0xA042)))
        pair.run(3)
    if chance.random() < 0.5:
        pair.write(block, "INPUT_SYNC_BYPASS", chance.getrandbits(32))
    for line in range(2):
        if chance.random() < 0.6:
            mask = chance.getrandbits(12) & chance.getrandbits(12)
            pair.write(block, f"IRQ{line}_INTE", mask)
    pair.write(block, "CTRL", chance.choice((1, 3, 15, 15)) | chance.choice((0, 15)) << 8)


def _disturb(pair: Pair, chance: random.Random) -> None:
    """Something that a program or the outside may do."""
    block, number = chance.randrange(2), chance.randrange(4)
    what = chance.random()
    if what < 0.35:
        pair.write(block, f"TXF{number}", chance.getrandbits(32))
    elif what < 0.55:
        pair.read(block, f"RXF{number}")
    elif what < 0.75:
        pair.set_pin(chance.randrange(30), chance.random() < 0.5)
    elif what < 0.80:
        pair.write(block, chance.choice(("IRQ", "IRQ_FORCE")), chance.getrandbits(8))
    elif what < 0.84:
        pair.write(block, "FDEBUG", ALL)
    elif what < 0.93:
        register = chance.choice(tuple(_REGISTERS))
        pair.write(block, f"SM{number}_{register}", _REGISTERS[register](chance))
        if register == "INSTR":
            pair.run(2)  # until it is executed
    elif what < 0.96:
        pair.write(block, f"INSTR_MEM{chance.randrange(8)}", instruction(chance))
    else:
        restarts = chance.getrandbits(8) & chance.getrandbits(8) << 4
        pair.write(block, "CTRL", chance.getrandbits(4) | restarts)


def run_random(seed: int, turns: int = 30) -> None:
    """One pair of random blocks; an AssertionError says where they part."""
    chance = random.Random(seed)
    given = chance.choice((PINS, 0x0000_FFFF, 0x3333_3333 & PINS))
    pair = Pair((given, PINS & ~given))
    for pin in range(30):
        if chance.random() < 0.4:
            pair.set_pin(pin, True)
    _configure(pair, chance, 0)
    if chance.random() < 0.6:
        _configure(pair, chance, 1)
    for _ in range(turns):
        pair.run(chance.choice((1, 1, 2, 3, chance.randrange(1, 30))))
        pair.compare()
        _disturb(pair, chance)
