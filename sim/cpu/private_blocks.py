"""What a core has for itself on its private bus."""

from __future__ import annotations

from priot.sim.bus import Bus
from priot.sim.cpu.mpu_registers import MpuRegisters
from priot.sim.cpu.nvic import Nvic
from priot.sim.cpu.processor import Processor
from priot.sim.cpu.system_control import SystemControl
from priot.sim.peripherals import Peripheral, Peripherals


class PrivateBlocks:
    """A core's own register blocks, and the bus as it sees it."""

    def __init__(self, processor: Processor, peripherals: Peripherals) -> None:
        arrays = processor.arrays
        self.nvic = Nvic(arrays)
        self.system_control = SystemControl(arrays, self.nvic)
        self._blocks: tuple[Peripheral, ...] = (
            *(self.nvic, self.system_control, MpuRegisters(arrays)),
        )
        shared = [block for block in peripherals.blocks if block is not peripherals.sios[0]]
        self.bus = Bus([*self._blocks, *shared, peripherals.sios[processor.number]])

    def reset(self) -> None:
        """Power-on."""
        for block in self._blocks:
            block.reset()
        self.bus.reset()
