"""The register blocks of the RP2040, one file each."""

from priot.sim.peripherals.blocks import BLOCKS, Block, block_of
from priot.sim.peripherals.chip import Peripherals, Surroundings, all_peripherals
from priot.sim.peripherals.interrupts import Irq
from priot.sim.peripherals.peripheral import Peripheral
from priot.sim.peripherals.scheduler import NEVER, Scheduler
from priot.sim.peripherals.xip_cache import XipCache

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
