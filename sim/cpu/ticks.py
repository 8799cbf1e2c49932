"""The watchdog's tick, which TIMER and SysTick count, as the native loop knows it.

At cycle c its count is base + (start + step * (c - since)) // scale:
priot.sim.peripherals.timebase.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from priot.sim.cpu.native import native
from priot.sim.cpu.state import NEVER, Chip

_BASE, _START, _STEP = int(Chip.TICKS_BASE), int(Chip.TICKS_START), int(Chip.TICKS_STEP)
_SINCE, _SCALE = int(Chip.TICKS_SINCE), int(Chip.TICKS_SCALE)


@native
def ticks(chip: Any, now: Any) -> Any:
    """Ticks until a cycle."""
    periods, rest = divmod(now - chip[_SINCE], chip[_SCALE])
    whole = chip[_BASE] + chip[_STEP] * periods
    return whole + (chip[_START] + chip[_STEP] * rest) // chip[_SCALE]


@native
def cycle_of_tick(chip: Any, count: Any) -> Any:
    """The first cycle at which a count is reached; NEVER if there are no ticks."""
    missing = (count - chip[_BASE]) * chip[_SCALE] - chip[_START]
    if missing <= 0:
        return chip[_SINCE]
    if chip[_STEP] == 0:
        return np.int64(NEVER)
    return chip[_SINCE] + (missing + chip[_STEP] - 1) // chip[_STEP]
