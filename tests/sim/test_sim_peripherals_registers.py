"""Register blocks as tables: addresses, reset values, writable bits, atomic resets."""

import random
from itertools import pairwise

import pytest
from peripheral_board import Board

from sim.peripherals import BLOCKS, block_of

# RP2040 datasheet, the lists of registers; written down apart from the model.
_RESET_VALUES = """
RESETS 0x4000c000: 0x00=01ffffff 0x04=0 0x08=0
CLOCKS 0x40008000: 0x00=0 0x04=100 0x08=1 0x24=0 0x28=100 0x2c=1 0x30=0 0x34=100 0x38=1 0x3c=0
CLOCKS 0x40008000: 0x40=100 0x44=1 0x48=0 0x50=1 0x54=0 0x58=100 0x5c=1 0x60=0 0x64=100 0x68=1
CLOCKS 0x40008000: 0x6c=0 0x70=100 0x74=1 0x78=ff 0x7c=0 0x80=0 0x84=0 0x88=1ffffff 0x8c=1 0x90=8
CLOCKS 0x40008000: 0x94=0 0x98=0 0x9c=0 0xa0=ffffffff 0xa4=7fff 0xa8=ffffffff 0xac=7fff 0xc4=0
PLL_SYS 0x40028000: 0x0=1 0x4=2d 0x8=0 0xc=77000
PLL_USB 0x4002c000: 0x0=1 0x4=2d 0x8=0 0xc=77000
XOSC 0x40024000: 0x00=0 0x04=0 0x08=77616b65 0x0c=c4 0x1c=0
ROSC 0x40060000: 0x00=aa0 0x04=0 0x08=0 0x0c=77616b65 0x10=ab0 0x14=8 0x18=80011000 0x20=0
TIMER 0x40054000: 0x08=0 0x10=0 0x20=0 0x24=0 0x28=0 0x2c=6 0x30=0 0x34=0 0x38=0 0x3c=0 0x40=0
WATCHDOG 0x40058000: 0x00=7000000 0x04=0 0x08=0 0x0c=0 0x28=0 0x2c=200
PSM 0x40010000: 0x0=0 0x4=0 0x8=0 0xc=1ffff
SYSINFO 0x40000000: 0x00=20002927 0x04=2
SYSCFG 0x40004000: 0x00=0 0x04=0 0x08=10000000 0x0c=0 0x10=0 0x14=66 0x18=0
VREG_AND_CHIP_RESET 0x40064000: 0x0=10b1 0x4=91 0x8=100
TBMAN 0x4006c000: 0x0=5
BUSCTRL 0x40030000: 0x00=0 0x04=1 0x08=0 0x0c=1f 0x14=1f 0x1c=1f 0x24=1f
IO_BANK0 0x40014000: 0x04=1f 0xec=1f 0x100=0 0x110=0 0x120=0 0x130=0 0x160=0 0x18c=0
IO_QSPI 0x40018000: 0x04=1f 0x2c=1f 0x34=0 0x38=0 0x3c=0 0x40=0 0x4c=0 0x54=0
PADS_BANK0 0x4001c000: 0x00=0 0x04=56 0x78=56 0x7c=da 0x80=5a
PADS_QSPI 0x40020000: 0x00=0 0x04=56 0x08=52 0x14=52 0x18=5a
UART0 0x40034000: 0x00=0 0x04=0 0x18=90 0x20=0 0x24=0 0x28=0 0x2c=0 0x30=300 0x34=12 0x38=0 0x3c=0
UART1 0x40038000: 0x48=0 0xfe0=11 0xfe4=10 0xfe8=34 0xfec=0 0xff0=d 0xff4=f0 0xff8=5 0xffc=b1
SIO 0xd0000000: 0x00=0 0x10=0 0x20=0 0x50=2 0x5c=0 0x70=0 0x74=0 0x78=1 0xac=0 0xec=0
RTC 0x4005c000: 0x00=0 0x04=0 0x08=0 0x0c=0 0x10=0 0x14=0 0x18=0 0x1c=0 0x2c=0
ADC 0x4004c000: 0x00=0 0x04=0 0x08=100 0x10=0 0x14=0 0x18=0 0x1c=0 0x20=0
USBCTRL_REGS 0x50110000: 0x4c=0
XIP_CTRL 0x14000000: 0x00=3 0x04=0 0x08=3 0x0c=0 0x10=0
XIP_SSI 0x18000000: 0x00=0 0x08=0 0x14=0 0x28=6 0x58=51535049 0x5c=3430312a 0xf0=0 0xf4=3000000
"""


def test_reset_values_and_addresses() -> None:
    blocks = Board().blocks
    seen = set()
    for line in _RESET_VALUES.split("\n"):
        if not line:
            continue
        head, values = line.split(": ")
        name, base = head.split()
        assert blocks[name].base == int(base, 16)
        for pair in values.split():
            offset, value = pair.split("=")
            assert blocks[name].read(int(offset, 16)) == int(value, 16), f"{name}+{offset}"
        seen.add(name)
    assert seen == set(blocks)


def test_offsets_and_names_are_unique() -> None:
    for block in Board().blocks.values():
        offsets = [register.offset for register in block.registers]
        names = [register.name for register in block.registers]
        assert len(set(offsets)) == len(offsets) == len(set(names)), block.name
        assert all(offset % 4 == 0 and offset < block.size for offset in offsets)


def test_only_writable_bits_are_stored() -> None:
    board = Board()
    for block, register, kept in (
        ("CLOCKS", "CLK_GPOUT0_CTRL", 0x0013_1DE0),
        ("CLOCKS", "CLK_RTC_CTRL", 0x0013_0CE0),
        ("CLOCKS", "CLK_USB_DIV", 0x300),
        ("PLL_USB", "PRIM", 0x0007_7000),
        ("PADS_BANK0", "GPIO29", 0xFF),
        ("IO_BANK0", "GPIO3_CTRL", 0x3003_331F),
        ("UART1", "UARTIMSC", 0x7FF),
        ("WATCHDOG", "SCRATCH7", 0xFFFF_FFFF),
        ("BUSCTRL", "BUS_PRIORITY", 0x1111),
        ("SYSINFO", "CHIP_ID", 0x2000_2927),
    ):
        board.write(block, register, 0xFFFF_FFFF)
        assert board.read(block, register) == kept, register


def test_no_register_no_answer() -> None:
    blocks = Board().blocks
    assert blocks["RESETS"].read(0xC) is None
    assert not blocks["SYSINFO"].write(0x8, 0)
    assert blocks["XIP_CTRL"].read(0x14) is None  # streaming


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
