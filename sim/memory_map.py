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
# 2.6.3.1: the same bytes again, each window with its own way through the XIP cache.
FLASH_ALIASES = (0x1100_0000, 0x1200_0000, 0x1300_0000)
XIP = Region("XIP", FLASH.base, 4 << 24)  # all four windows
# 2.6.2: four striped banks of 64 KB, then scratch X and Y of 4 KB each, without a gap.
SRAM = Region("SRAM", 0x2000_0000, 264 * 1024)

# 2.6.2: the four striped banks once more, one behind another.
SRAM_UNSTRIPED = Region("SRAM unstriped", 0x2100_0000, 256 * 1024)
# 2.6.3: the cache's own memory, which programs may use while the cache is off.
XIP_SRAM = Region("XIP SRAM", 0x1500_0000, 16 * 1024)

REGIONS = (FLASH, SRAM, SRAM_UNSTRIPED, XIP_SRAM)  # what a program is loaded into
# 2.6.1: boot code and library functions.
ROM = Region("ROM", 0x0000_0000, 16 * 1024)


def region_of(address: int, size: int = 1) -> Region | None:
    """The region that holds all `size` bytes from `address` on, or None."""
    return next((region for region in REGIONS if region.holds(address, size)), None)
