"""Every register block of the RP2040 by name and address. Source: RP2040 datasheet, 2.2."""

from dataclasses import dataclass
from functools import lru_cache

_WITH_ALIASES = 0x4000  # 2.1.2: registers, then their XOR, SET and CLEAR aliases


@dataclass(frozen=True)
class Block:
    """A span of the address space that one block answers; `size` in bytes, aliases included."""

    name: str
    base: int
    size: int


_APB = [
    "SYSINFO",
    "SYSCFG",
    "CLOCKS",
    "RESETS",
    "PSM",
    "IO_BANK0",
    "IO_QSPI",
    "PADS_BANK0",
    "PADS_QSPI",
    "XOSC",
    "PLL_SYS",
    "PLL_USB",
    "BUSCTRL",
    "UART0",
    "UART1",
    "SPI0",
    "SPI1",
    "I2C0",
    "I2C1",
    "ADC",
    "PWM",
    "TIMER",
    "WATCHDOG",
    "RTC",
    "ROSC",
    "VREG_AND_CHIP_RESET",
]

BLOCKS = (
    Block("ROM", 0x0000_0000, 0x4000),
    Block("XIP", 0x1000_0000, 0x400_0000),
    Block("XIP_CTRL", 0x1400_0000, _WITH_ALIASES),
    Block("XIP_SRAM", 0x1500_0000, 0x4000),
    Block("XIP_SSI", 0x1800_0000, _WITH_ALIASES),
    Block("SRAM", 0x2000_0000, 0x4_2000),
    Block("SRAM unstriped", 0x2100_0000, 0x4_0000),
    *(
        Block(name, 0x4000_0000 + _WITH_ALIASES * index, _WITH_ALIASES)
        for index, name in enumerate(_APB)
    ),
    Block("TBMAN", 0x4006_C000, _WITH_ALIASES),
    Block("DMA", 0x5000_0000, _WITH_ALIASES),
    Block("USBCTRL_DPRAM", 0x5010_0000, 0x1000),
    Block("USBCTRL_REGS", 0x5011_0000, _WITH_ALIASES),
    Block("PIO0", 0x5020_0000, _WITH_ALIASES),
    Block("PIO1", 0x5030_0000, _WITH_ALIASES),
    Block("XIP_AUX", 0x5040_0000, _WITH_ALIASES),
    Block("SIO", 0xD000_0000, 0x1000),
    Block("PPB", 0xE000_0000, 0x10_0000),
)


@lru_cache(4096)  # every access that Python answers asks
def block_of(address: int) -> Block | None:
    """The block that holds an address; None where the datasheet names none."""
    return next((b for b in BLOCKS if b.base <= address < b.base + b.size), None)
