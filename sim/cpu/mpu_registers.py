"""The MPU's registers over the native loop's arrays. Arm DDI0419E, B3.5."""

from __future__ import annotations

from priot.sim.cpu.mpu import ENABLE, HFNMIENA, PRIVDEFENA, REGIONS
from priot.sim.cpu.native import from_python
from priot.sim.cpu.special import guard
from priot.sim.cpu.state import Core, CoreState

_guard = from_python(guard)


class MpuRegisters:
    """MPU_TYPE to MPU_RASR."""

    name = "MPU"
    base = 0xE000_ED90
    size = 0x14

    def __init__(self, state: CoreState) -> None:
        self._core = state.core

    def reset(self) -> None:
        """Off, all regions disabled."""
        self._core[Core.MPU_CONTROL : Core.MPU_ATTRIBUTES + REGIONS] = 0
        _guard(self._core)

    def read(self, offset: int) -> int | None:
        """See Peripheral."""
        core = self._core
        number = int(core[Core.MPU_NUMBER])
        match offset:
            case 0x00:
                return REGIONS << 8
            case 0x04:
                return int(core[Core.MPU_CONTROL])
            case 0x08:
                return number
            case 0x0C:
                return int(core[Core.MPU_BASES + number]) | number
            case 0x10:
                return int(core[Core.MPU_ATTRIBUTES + number])
        return None

    def peek(self, offset: int) -> int | None:
        """See Peripheral; no read changes anything."""
        return self.read(offset)

    def write(self, offset: int, value: int) -> bool:
        """See Peripheral."""
        core = self._core
        match offset:
            case 0x04:
                core[Core.MPU_CONTROL] = value & (ENABLE | HFNMIENA | PRIVDEFENA)
                _guard(core)
            case 0x08:
                core[Core.MPU_NUMBER] = value & (REGIONS - 1)
            case 0x0C:
                if value & 0x10:  # VALID: it names the region
                    core[Core.MPU_NUMBER] = value & (REGIONS - 1)
                core[Core.MPU_BASES + core[Core.MPU_NUMBER]] = value & 0xFFFF_FF00
            case 0x10:
                core[Core.MPU_ATTRIBUTES + core[Core.MPU_NUMBER]] = value & 0x1707_FF3F
            case _:
                return offset == 0x00  # read only
        return True
