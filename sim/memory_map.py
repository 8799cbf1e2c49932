"""Where the RP2040's memories lie, as far as they are modelled.

Source: RP2040 datasheet, 2.2 (address map) and 2.6 (memory); flash size of a Raspberry Pi Pico.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Region:
    """One span of the address space; `size` in bytes."""

    name: str
    base: int
    size: int

    @property
    def end(self) -> int:
        """The first address behind the region."""
        return self.base + self.size

    def holds(self, address: int, size: int = 1) -> bool:
        """Whether all `size` bytes from `address` on lie inside."""
        return self.base <= address and address + size <= self.end


# 2.6.3: execute-in-place window; the Pico's flash chip holds 2 MB of its 16 MB.
FLASH = Region("flash", 0x1000_0000, 2 * 1024 * 1024)
# 2.6.2: four striped banks of 64 KB, then scratch X and Y of 4 KB each, without a gap.
SRAM = Region("SRAM", 0x2000_0000, 264 * 1024)

REGIONS = (FLASH, SRAM)


def region_of(address: int, size: int = 1) -> Region | None:
    """The region that holds all `size` bytes from `address` on, or None."""
    return next((region for region in REGIONS if region.holds(address, size)), None)


# 2.2.4, 2.2.5 and 2.3: register blocks with their four atomic aliases: base, size, name.
_ALIASED = 0x4000
REGISTER_BLOCKS = (
    (0x1400_0000, _ALIASED, "XIP_CTRL"),
    (0x1800_0000, _ALIASED, "XIP_SSI"),
    *(
        (0x4000_0000 + number * _ALIASED, _ALIASED, name)
        for number, name in enumerate(
            (
                *("SYSINFO", "SYSCFG", "CLOCKS", "RESETS", "PSM", "IO_BANK0", "IO_QSPI"),
                *("PADS_BANK0", "PADS_QSPI", "XOSC", "PLL_SYS", "PLL_USB", "BUSCTRL", "UART0"),
                *("UART1", "SPI0", "SPI1", "I2C0", "I2C1", "ADC", "PWM", "TIMER", "WATCHDOG"),
                *("RTC", "ROSC", "VREG_AND_CHIP_RESET"),
            )
        )
    ),
    (0x4006_C000, _ALIASED, "TBMAN"),
    (0x5000_0000, _ALIASED, "DMA"),
    (0x5010_0000, 0x1000, "USBCTRL_DPRAM"),
    (0x5011_0000, _ALIASED, "USBCTRL_REGS"),
    (0x5020_0000, _ALIASED, "PIO0"),
    (0x5030_0000, _ALIASED, "PIO1"),
    (0x5040_0000, _ALIASED, "XIP_AUX"),
    (0xD000_0000, 0x1000, "SIO"),
    (0xE000_0000, 0x1_0000, "PPB"),
)
