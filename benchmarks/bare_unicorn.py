"""The trainer on Unicorn without any counting: what the simulator's exactness is measured against.

It serves as a target of ``priot.experiments.device.host.Device``, so that it runs the very same
commands.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from unicorn import UC_ARCH_ARM, UC_HOOK_INTR, UC_MODE_THUMB
from unicorn.arm_const import UC_ARM_REG_PC, UC_ARM_REG_SP, UC_CPU_ARM_CORTEX_M0
from unicorn.unicorn_py3.unicorn import Uc

from priot.sim import Pico, Stop, StopReason, Symbol
from priot.sim.memory_map import SRAM


class BareUnicorn:
    """A program linked for SRAM, on Unicorn with one hook: the one that sees its breakpoints."""

    def __init__(self, elf: Path) -> None:
        pico = Pico(elf)
        self._symbol = pico.symbol
        self._engine = Uc(UC_ARCH_ARM, UC_MODE_THUMB, cpu=UC_CPU_ARM_CORTEX_M0)
        self._engine.mem_map(SRAM.base, SRAM.size)
        self._engine.mem_write(SRAM.base, pico.sram.tobytes())
        self._engine.hook_add(UC_HOOK_INTR, lambda engine, *_: engine.emu_stop())
        self._engine.reg_write(UC_ARM_REG_SP, pico.registers.sp)
        self._pc = pico.registers.pc
        self._resuming = False

    @property
    def cycles(self) -> int:
        """Nothing is counted here."""
        return 0

    def run(self, max_cycles: int | None) -> Stop:
        """Run to the next breakpoint, on from behind the last one; cycles are not limited."""
        self._engine.emu_start((self._pc + 2 * self._resuming) | 1, 0xFFFF_FFFE)
        self._pc, self._resuming = self._engine.reg_read(UC_ARM_REG_PC), True
        return Stop(StopReason.HALT, 0, self._engine.mem_read(self._pc, 1)[0])

    def symbol(self, name: str) -> Symbol:
        """A symbol of the program."""
        return self._symbol(name)

    def read(self, address: int, dtype: DTypeLike, count: int) -> NDArray[Any]:
        """A copy of ``count`` elements of memory."""
        size = np.dtype(dtype).itemsize * count
        return np.frombuffer(self._engine.mem_read(address, size), dtype)

    def write(self, address: int, data: bytes) -> None:
        """Overwrite memory."""
        self._engine.mem_write(address, data)
