"""The register blocks of the RP2040, one file each."""

from sim.peripherals.blocks import BLOCKS, Block, block_of
from sim.peripherals.chip import Peripherals, Surroundings, all_peripherals
from sim.peripherals.interrupts import Irq
from sim.peripherals.peripheral import Peripheral
from sim.peripherals.scheduler import NEVER, Scheduler
from sim.peripherals.xip_cache import XipCache

__all__ = [
    "BLOCKS",
    "NEVER",
    "Block",
    "Irq",
    "Peripheral",
    "Peripherals",
    "Scheduler",
    "Surroundings",
    "XipCache",
    "all_peripherals",
    "block_of",
]
