"""Interrupt requests of a core. Arm DDI0419E, B3.4."""

from __future__ import annotations

from typing import Any

import numpy as np

from priot.sim.cpu.native import native
from priot.sim.cpu.state import Core

FIRST_IRQ = 16
_LINES, _PENDING, _SLEEPS = int(Core.LINES), int(Core.PENDING), int(Core.SLEEPS)
_LOOK = int(Core.LOOK)
_CYCLES, _SCR, _EVENT, _SEVONPEND = int(Core.CYCLES), int(Core.SCR), int(Core.EVENT), 1 << 4


@native
def set_line(core: Any, irq: Any, level: Any, now: Any) -> None:
    """Drive an interrupt request of a core; it pends when it rises.

    A core that sleeps is as far as whoever drives its lines.
    """
    bit = np.int64(1) << (FIRST_IRQ + irq)
    if level and core[_LINES] & bit == 0:
        if core[_SCR] & _SEVONPEND and core[_PENDING] & bit == 0:
            core[_EVENT] = 1
        core[_PENDING] |= bit
        core[_LOOK] = 1
        if core[_SLEEPS]:
            core[_CYCLES] = max(core[_CYCLES], now)
    core[_LINES] = core[_LINES] | bit if level else core[_LINES] & ~bit
