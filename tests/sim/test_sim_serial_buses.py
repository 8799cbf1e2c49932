"""I2C and SPI on the whole chip, through loads and stores of core 0: devices and wires."""

import pytest
from register_table import Probe

from priot.sim import Engine, Pico, SimError
from priot.sim.parts import I2cMemory
from priot.sim.peripherals import BLOCKS

_BASES = {block.name: block.base for block in BLOCKS}
_CS = 5


class Recorder:
    """An SPI device that notes what happens to it."""

    def __init__(self) -> None:
        self.events: list[object] = []

    def select(self) -> None:
        self.events.append("select")

    def deselect(self) -> None:
        self.events.append("deselect")

    def transfer(self, word: int, bits: int) -> int:
        self.events.append(word)
        return word ^ 0xFF


class Chip(Probe):
    """A probe that knows blocks and pins."""

    def __init__(self) -> None:
        super().__init__()
        self.reset()
        self.store(0x4000_8048, 1 << 11)  # clk_peri

    def put(self, block: str, offset: int, value: int) -> None:
        self.store(_BASES[block] + offset, value)

    def get(self, block: str, offset: int) -> int:
        return self.load(_BASES[block] + offset)

    def give(self, function: int, *pins: int) -> None:
        for pin in pins:
            self.put("IO_BANK0", 8 * pin + 4, function)

    def start_i2c(self, number: int, control: int, target: int, own: int) -> None:
        block = f"I2C{number}"
        for offset, value in ((0x0, control), (0x4, target), (0x8, own), (0x30, 0), (0x6C, 1)):
            self.put(block, offset, value)


def test_a_chip_select_of_sio_is_seen_at_once() -> None:
    chip, device = Chip(), Recorder()
    chip.pico.attach_spi(0, device, chip_select=_CS)
    chip.give(1, 16, 18, 19)
    chip.give(5, _CS)
    for offset, value in ((0x0, 0x407), (0x10, 2), (0x4, 2)):
        chip.put("SPI0", offset, value)
    chip.put("SIO", 0x14, 1 << _CS)  # GPIO_OUT_SET
    chip.put("SIO", 0x24, 1 << _CS)  # GPIO_OE_SET
    for word in (1, 2):
        chip.put("SIO", 0x18, 1 << _CS)  # GPIO_OUT_CLR
        chip.put("SPI0", 0x8, word)
        while chip.get("SPI0", 0xC) & 1 << 4:
            pass
        chip.put("SIO", 0x14, 1 << _CS)
        chip.put("SPI0", 0x8, 99)  # to nobody, though the device is selected before it ends
    assert device.events == ["select", 1, "deselect", "select", 2, "deselect"]
    assert chip.get("SPI0", 0x8) == 0xFE


def test_a_sensor() -> None:
    chip = Chip()
    chip.pico.attach_i2c(1, 0x68, I2cMemory(bytes(range(64, 128))))
    chip.give(3, 2, 3)
    chip.start_i2c(1, 0x165, 0x68, 0x55)
    for word in (0x10, 0x100, 0x300):
        chip.put("I2C1", 0x10, word)
    while chip.get("I2C1", 0x78) < 2:
        pass
    assert [chip.get("I2C1", 0x10) & 0xFF for _ in range(2)] == [0x50, 0x51]
    assert chip.pico.unmodelled == []


def test_wired_controllers() -> None:
    chip = Chip()
    chip.pico.wire([4, 6], [5, 7])
    chip.give(3, 4, 5, 6, 7)
    chip.start_i2c(0, 0x165, 0x17, 0x55)
    chip.start_i2c(1, 0x224, 0x55, 0x17)
    chip.put("I2C0", 0x10, 0x2A5)
    while not chip.get("I2C1", 0x78):
        pass
    assert chip.get("I2C1", 0x10) & 0xFF == 0xA5


def test_refusals() -> None:
    pico = Chip().pico
    with pytest.raises(ValueError, match="no bus 2; give 0 or 1"):
        pico.attach_i2c(2, 0x50, I2cMemory())
    with pytest.raises(ValueError, match="no bus -1"):
        pico.attach_spi(-1, Recorder())
    with pytest.raises(ValueError, match="no GPIO 30"):
        pico.attach_spi(0, Recorder(), chip_select=30)
    with pytest.raises(ValueError, match="no GPIO 31"):
        pico.wire([0, 31])
    with pytest.raises(ValueError, match="0 bytes"):
        I2cMemory(b"")
    unicorn = Pico(pico.program, engine=Engine.UNICORN)
    with pytest.raises(SimError, match="peripherals"):
        unicorn.attach_spi(0, Recorder())
