"""The System Control Block: identity, vector table, software-pended exceptions, reset, sleep.

Arm DDI0419E, B3.2; values of CPUID from the RP2040 datasheet, 2.4.8. VTOR and SCR stand where
the native loop looks for them.
"""

from __future__ import annotations

from priot.sim.cpu.exceptions import FIRST_IRQ, HARD_FAULT, NMI, PEND_SV, SV_CALL
from priot.sim.cpu.nvic import Nvic, pack_priorities, unpack_priorities
from priot.sim.cpu.state import EXCEPTIONS, Core, CoreState
from priot.sim.cpu.systick import SYS_TICK

_CPUID, _ICSR, _VTOR, _AIRCR, _SCR, _CCR, _SHPR2, _SHPR3, _SHCSR = (
    *(0x00, 0x04, 0x08, 0x0C, 0x10, 0x14),
    *(0x1C, 0x20, 0x24),
)
_CORTEX_M0_PLUS_R0P1 = 0x410C_C601
_VECTKEY, _VECTKEY_READ = 0x05FA, 0xFA05
_SYSRESETREQ = 1 << 2
_STKALIGN_AND_UNALIGN_TRP = 1 << 9 | 1 << 3
_SVCALLPENDED = 15
_NMIPENDSET = 31
_PENDSVSET, _PENDSVCLR, _PENDSTSET, _PENDSTCLR = 28, 27, 26, 25
_SLEEPONEXIT, _SLEEPDEEP, _SEVONPEND = 1 << 1, 1 << 2, 1 << 4


class SystemControl:
    """The SCB; `reset_requested` says whether a program wrote SYSRESETREQ."""

    name = "SCB"
    base = 0xE000_ED00
    size = 0x40

    def __init__(self, state: CoreState, nvic: Nvic) -> None:
        self._core = state.core
        self._nvic = nvic
        self.reset()

    def reset(self) -> None:
        """See Peripheral."""
        self.vtor = 0
        self.reset_requested = False
        self._core[Core.SCR] = 0

    @property
    def vtor(self) -> int:
        """The vector table's address."""
        return int(self._core[Core.VTOR])

    @vtor.setter
    def vtor(self, value: int) -> None:
        self._core[Core.VTOR] = value

    def read(self, offset: int) -> int | None:
        """See Peripheral."""
        priorities = self._nvic.priorities.tolist()
        match offset:
            case 0x00:
                return _CORTEX_M0_PLUS_R0P1
            case 0x04:
                return self._icsr()
            case 0x08:
                return self.vtor
            case 0x0C:
                return _VECTKEY_READ << 16
            case 0x10:
                return int(self._core[Core.SCR])
            case 0x14:
                return _STKALIGN_AND_UNALIGN_TRP
            case 0x1C:
                return pack_priorities([0, 0, 0, priorities[SV_CALL]])
            case 0x20:
                return pack_priorities([0, 0, priorities[PEND_SV], priorities[SYS_TICK]])
            case 0x24:
                return (self._nvic.pending >> SV_CALL & 1) << _SVCALLPENDED
        return None

    def peek(self, offset: int) -> int | None:
        """See Peripheral; no read changes anything."""
        return self.read(offset)

    def write(self, offset: int, value: int) -> bool:
        """See Peripheral."""
        nvic = self._nvic
        if offset == _ICSR:
            for bit, exception, pends in (
                (_NMIPENDSET, NMI, True),
                (_PENDSVSET, PEND_SV, True),
                (_PENDSVCLR, PEND_SV, False),
                (_PENDSTSET, SYS_TICK, True),
                (_PENDSTCLR, SYS_TICK, False),
            ):
                if value >> bit & 1:
                    mask = 1 << exception
                    nvic.pending = nvic.pending | mask if pends else nvic.pending & ~mask
        elif offset == _VTOR:
            self.vtor = value & 0xFFFF_FF00
        elif offset == _AIRCR:
            if value >> 16 == _VECTKEY and value & _SYSRESETREQ:
                self.reset_requested = True
        elif offset == _SCR:
            self._core[Core.SCR] = value & (_SLEEPONEXIT | _SLEEPDEEP | _SEVONPEND)
        elif offset == _SHPR2:
            nvic.priorities[SV_CALL] = unpack_priorities(value)[3]
        elif offset == _SHPR3:
            nvic.priorities[PEND_SV : SYS_TICK + 1] = unpack_priorities(value)[2:]
        elif offset == _SHCSR:
            others = nvic.pending & ~(1 << SV_CALL)
            nvic.pending = others | (value >> _SVCALLPENDED & 1) << SV_CALL
        else:
            return offset in (_CPUID, _CCR)  # read only
        return True

    def _icsr(self) -> int:
        nvic = self._nvic
        waiting = nvic.pending & nvic.enabled
        priorities = nvic.priorities.tolist()
        first = min(
            (n for n in range(EXCEPTIONS) if waiting >> n & 1),
            # NMI and HardFault have no priority register, and come first.
            key=lambda n: (priorities[n] if n > HARD_FAULT else -1, n),
            default=0,
        )
        return (
            (nvic.pending >> NMI & 1) << _NMIPENDSET
            | (nvic.pending >> PEND_SV & 1) << _PENDSVSET
            | (nvic.pending >> SYS_TICK & 1) << _PENDSTSET
            | bool(nvic.pending >> FIRST_IRQ) << 22  # ISRPENDING
            | first << 12  # VECTPENDING
            | int(self._core[Core.IPSR])  # VECTACTIVE
        )
