"""The private peripherals that programs touch often: NVIC and SCB. Arm DDI0419E, B3.2 and B3.4.

SysTick has its own file, what is rare is modelled in Python.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from priot.sim.cpu.native import native
from priot.sim.cpu.state import Core

_ISER, _ICER, _ISPR, _ICPR = 0xE000_E100, 0xE000_E180, 0xE000_E200, 0xE000_E280
_FIRST_IRQ = 16
_PENDING, _ENABLED = int(Core.PENDING), int(Core.ENABLED)
_LINES, _ACTIVE = int(Core.LINES), int(Core.ACTIVE)
_SCR, _EVENT, _SEVONPEND = int(Core.SCR), int(Core.EVENT), 1 << 4
NOT_HERE = -1 << 62


@native
def read_private(core: Any, address: Any) -> Any:
    """The register at an address; NOT_HERE for others."""
    if address in (_ISER, _ICER):
        return core[_ENABLED] >> _FIRST_IRQ
    if address in (_ISPR, _ICPR):
        return core[_PENDING] >> _FIRST_IRQ
    return np.int64(NOT_HERE)


@native
def write_private(core: Any, address: Any, value: Any) -> Any:
    """Write the register at an address; NOT_HERE for others."""
    bits = value << _FIRST_IRQ
    if address == _ISER:
        core[_ENABLED] |= bits
    elif address == _ICER:
        core[_ENABLED] &= ~bits
    elif address == _ISPR:
        if bits & ~core[_PENDING] and core[_SCR] & _SEVONPEND:
            core[_EVENT] = 1
        core[_PENDING] |= bits
    elif address == _ICPR:  # a request that is still there stays pending
        core[_PENDING] &= ~(bits & ~(core[_LINES] & ~core[_ACTIVE]))
    else:
        return np.int64(NOT_HERE)
    return np.int64(1)
