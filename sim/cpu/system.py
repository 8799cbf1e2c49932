"""The System Control Block and the MPU's registers over the native loop's arrays.

Arm DDI0419E, B3.2 and B3.5.
"""

from __future__ import annotations

from sim.cpu.mpu import ENABLE, HFNMIENA, PRIVDEFENA, REGIONS
from sim.cpu.nvic import NativeNvic
from sim.cpu.special import guard
from sim.cpu.state import Core, CoreState
from sim.system_control import SystemControl

_ICSR, _SHCSR = 0x04, 0x24
_NMIPENDSET = 1 << 31
_VECTACTIVE, _VECTPENDING = 0x1FF, 0x1FF << 12
_NMI, _SVCALL, _SVCALLPENDED = 2, 11, 1 << 15


class NativeSystemControl(SystemControl):
    """VTOR and SCR stand where the loop looks for them."""

    def __init__(self, state: CoreState, nvic: NativeNvic) -> None:
        self._core = state.core
        super().__init__(nvic)

    @property
    def vtor(self) -> int:  # type: ignore[override]
        """The vector table's address."""
        return int(self._core[Core.VTOR])

    @vtor.setter
    def vtor(self, value: int) -> None:
        self._core[Core.VTOR] = value

    @property
    def _scr(self) -> int:  # type: ignore[override]
        return int(self._core[Core.SCR])

    @_scr.setter
    def _scr(self, value: int) -> None:
        self._core[Core.SCR] = value

    def read(self, offset: int) -> int | None:
        """See Peripheral."""
        value = super().read(offset)
        if offset == _ICSR and value is not None:
            pending = self._nvic.pending
            value = value & ~_VECTACTIVE | int(self._core[Core.IPSR])
            for number in (_NMI + 1, _NMI):  # more urgent than what has a priority register
                if pending >> number & 1:
                    value = value & ~_VECTPENDING | number << 12
            value |= (pending >> _NMI & 1) << 31
        return value

    def write(self, offset: int, value: int) -> bool:
        """See Peripheral."""
        if offset == _ICSR and value & _NMIPENDSET:
            self._nvic.pend(_NMI)
            value &= ~_NMIPENDSET
        if offset == _SHCSR:
            others = self._nvic.pending & ~(1 << _SVCALL)
            self._nvic.pending = others | bool(value & _SVCALLPENDED) << _SVCALL
            return True
        return super().write(offset, value)


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
        guard(self._core)

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

    def write(self, offset: int, value: int) -> bool:
        """See Peripheral."""
        core = self._core
        match offset:
            case 0x04:
                core[Core.MPU_CONTROL] = value & (ENABLE | HFNMIENA | PRIVDEFENA)
                guard(core)
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
