"""NVIC: which exceptions are pending, enabled and active, over the native loop's arrays.

Arm DDI0419E, B3.4; DDI0484C, 5. The RP2040 wires 26 of the 32 interrupts (datasheet, 2.3.2) and
has priorities of two bits. Which exception is taken is native: priot.sim.cpu.exceptions.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from priot.sim.cpu.exceptions import FIRST_IRQ, HARD_FAULT, NMI, PEND_SV, SV_CALL
from priot.sim.cpu.state import Core, CoreState
from priot.sim.cpu.systick import SYS_TICK

IRQS = 32

_ISER, _ICER, _ISPR, _ICPR, _IPR = 0x000, 0x080, 0x100, 0x180, 0x300
_ALWAYS_ENABLED = 1 << NMI | 1 << HARD_FAULT
_SEVONPEND = 1 << 4  # of SCR
_SYSTEM = 1 << SV_CALL | 1 << PEND_SV | 1 << SYS_TICK


class Nvic:
    """Exceptions by number (SVCall 11, PendSV 14, SysTick 15, interrupt n is 16 + n).

    Attributes:
        priorities: of each exception; 0 is the most urgent of 0-3.
    """

    name = "NVIC"
    base = 0xE000_E100
    size = 0x400

    def __init__(self, state: CoreState) -> None:
        self._core = state.core
        self.priorities: npt.NDArray[np.int64] = state.priorities
        self.reset()

    def reset(self) -> None:
        """Nothing pending, enabled or active."""
        self.priorities[:] = 0
        self._core[Core.PENDING] = self._core[Core.LINES] = self._core[Core.ACTIVE] = 0
        self.enabled = _SYSTEM

    @property
    def pending(self) -> int:
        """A bit for each exception, as in all that follows."""
        return int(self._core[Core.PENDING])

    @pending.setter
    def pending(self, value: int) -> None:
        if value & ~int(self._core[Core.PENDING]) and self._core[Core.SCR] & _SEVONPEND:
            self._core[Core.EVENT] = 1
        self._core[Core.PENDING] = value

    @property
    def enabled(self) -> int:
        """Those that may be taken; NMI and HardFault always may."""
        return int(self._core[Core.ENABLED])

    @enabled.setter
    def enabled(self, value: int) -> None:
        self._core[Core.ENABLED] = value | _ALWAYS_ENABLED

    @property
    def active(self) -> int:
        """Those that have begun and not ended."""
        return int(self._core[Core.ACTIVE])

    def pend(self, exception: int) -> None:
        """Make an exception pending."""
        self.pending |= 1 << exception

    def read(self, offset: int) -> int | None:
        """See Peripheral."""
        if offset in (_ISER, _ICER):
            return self.enabled >> FIRST_IRQ
        if offset in (_ISPR, _ICPR):
            return self.pending >> FIRST_IRQ
        if _IPR <= offset < _IPR + IRQS:
            first = FIRST_IRQ + offset - _IPR
            return pack_priorities(self.priorities[first : first + 4].tolist())
        return None

    def peek(self, offset: int) -> int | None:
        """See Peripheral; no read changes anything."""
        return self.read(offset)

    def write(self, offset: int, value: int) -> bool:
        """See Peripheral."""
        bits = value << FIRST_IRQ
        if offset == _ISER:
            self.enabled |= bits
        elif offset == _ICER:
            self.enabled &= ~bits
        elif offset == _ISPR:
            self.pending |= bits
        elif offset == _ICPR:
            still_high = int(self._core[Core.LINES]) & ~self.active
            self.pending = self.pending & ~bits | still_high & bits
        elif _IPR <= offset < _IPR + IRQS:
            first = FIRST_IRQ + offset - _IPR
            self.priorities[first : first + 4] = unpack_priorities(value)
        else:
            return False
        return True


def pack_priorities(priorities: list[int]) -> int:
    """Four priorities as a register: each in the top two bits of its byte."""
    return sum(priority << 8 * at + 6 for at, priority in enumerate(priorities))


def unpack_priorities(value: int) -> list[int]:
    """The four priorities in a register."""
    return [value >> 8 * at + 6 & 3 for at in range(4)]
