"""Parts beside the chip, for `Pico.attach_i2c` and `Pico.attach_spi`."""

from priot.sim.parts.i2c_memory import I2cMemory
from priot.sim.parts.spi_nor_flash import SpiNorFlash

__all__ = ["I2cMemory", "SpiNorFlash"]
