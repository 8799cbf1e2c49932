"""Register blocks as tables: addresses, names, resets; each register: test_sim_register_table."""

import random
from itertools import pairwise

import pytest
from peripheral_board import Board

from priot.sim.peripherals import BLOCKS, block_of


def test_offsets_and_names_are_unique() -> None:
    for block in Board().blocks.values():
        offsets = [register.offset for register in block.registers]
        names = [register.name for register in block.registers]
        assert len(set(offsets)) == len(offsets) == len(set(names)), block.name
        assert all(offset % 4 == 0 and offset < block.size for offset in offsets)


def test_no_register_no_answer() -> None:
    blocks = Board().blocks
    assert blocks["RESETS"].read(0xC) is None
    assert not blocks["SYSINFO"].write(0x8, 0)


def test_divider_that_clk_peri_lacks_takes_writes_and_stays_zero() -> None:
    """The SDK writes a divider for every clock, whether it has one or not."""
    clocks = Board().blocks["CLOCKS"]
    assert clocks.write(0x4C, 0x100)
    assert clocks.read(0x4C) == 0


@pytest.mark.parametrize("name", sorted(Board().blocks))
def test_reset_forgets_everything(name: str) -> None:
    rng = random.Random(name)
    board, fresh = Board(), Board()
    board.run(1000)
    fresh.run(1000)
    block = board.blocks[name]
    for _ in range(3):
        for register in block.registers:
            block.write(register.offset, rng.getrandbits(32))
    block.reset()
    for register in block.registers:
        if register.name != "RANDOMBIT":
            assert block.read(register.offset) == fresh.blocks[name].read(register.offset)
    board.chip.reset()
    assert board.interrupts == set()


def test_resets_reset_their_block_alone() -> None:
    board = Board()
    board.release(0x1FF_FFFF)
    assert board.read("RESETS", "RESET_DONE") == 0x1FF_FFFF
    board.write("PADS_BANK0", "GPIO0", 0x12)
    board.write("UART0", "UARTIBRD", 67)
    board.set_bits("RESETS", "RESET", 1 << 22)
    assert board.read("RESETS", "RESET_DONE") == 0x1BF_FFFF
    assert board.read("UART0", "UARTIBRD") == 0
    assert board.read("PADS_BANK0", "GPIO0") == 0x12


def test_block_names() -> None:
    for address, name in (
        (0x0000_0010, "ROM"),
        (0x1400_000C, "XIP_CTRL"),
        (0x4003_C000, "SPI0"),
        (0x4005_3FFC, "PWM"),
        (0x4005_4000, "TIMER"),
        (0x4006_F000, "TBMAN"),
        (0x5000_0000, "DMA"),
        (0x5011_0050, "USBCTRL_REGS"),
        (0x5030_2000, "PIO1"),
        (0xD000_0000, "SIO"),
        (0xE000_E010, "PPB"),
    ):
        block = block_of(address)
        assert block is not None
        assert block.name == name
    assert block_of(0x4006_8000) is None
    assert block_of(0x3000_0000) is None
    spans = sorted((block.base, block.base + block.size) for block in BLOCKS)
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))
    named = {block.name: block.base for block in BLOCKS}
    for block in Board().blocks.values():
        assert named[block.name] == block.base


def test_psm_and_random_bits() -> None:
    board, other = Board(), Board()
    board.set_bits("PSM", "FRCE_OFF", 1 << 16)  # PROC1
    assert board.read("PSM", "FRCE_OFF") == 1 << 16
    assert board.read("PSM", "DONE") == 0xFFFF
    bits = [board.read("ROSC", "RANDOMBIT") for _ in range(200)]
    assert 60 < sum(bits) < 140
    assert bits == [other.read("ROSC", "RANDOMBIT") for _ in range(200)]
