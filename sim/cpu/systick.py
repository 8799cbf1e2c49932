"""SysTick: the core's 24-bit timer, counting down. Arm DDI0419E, B3.3.

It counts the processor's clock, or the watchdog's tick while CLKSOURCE is 0. It is not stepped:
where it stands follows from when it stood where (TICK_SINCE, TICK_VALUE).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from priot.sim.cpu.native import native
from priot.sim.cpu.state import NEVER, Core
from priot.sim.cpu.ticks import cycle_of_tick, ticks

CSR, RVR, CVR, CALIB = 0xE000_E010, 0xE000_E014, 0xE000_E018, 0xE000_E01C
NOT_HERE = -1 << 62
SYS_TICK = 15  # its exception
_ENABLE, _TICKINT, _CLKSOURCE, _COUNTFLAG = 1 << 0, 1 << 1, 1 << 2, 1 << 16
_MASK = 0xFF_FFFF
_CONTROL, _RELOAD, _VALUE = int(Core.TICK_CONTROL), int(Core.TICK_RELOAD), int(Core.TICK_VALUE)
_SINCE, _WRAPPED, _AT = int(Core.TICK_SINCE), int(Core.TICK_WRAPPED), int(Core.TICK_AT)
_PENDING, _SCR, _EVENT, _SEVONPEND = (
    *(int(Core.PENDING), int(Core.SCR), int(Core.EVENT)),
    1 << 4,
)


@native
def _time(core: Any, chip: Any, now: Any) -> Any:
    """In periods of the clock that it counts."""
    return np.int64(now) if core[_CONTROL] & _CLKSOURCE else ticks(chip, now)


@native
def schedule_systick(core: Any, chip: Any) -> None:
    """Note the cycle at which it next pends its exception, unless that is pending already."""
    core[_AT] = NEVER
    if core[_PENDING] >> SYS_TICK & 1:
        return
    if core[_CONTROL] & (_ENABLE | _TICKINT) != _ENABLE | _TICKINT:
        return
    steps = core[_VALUE]
    if steps == 0:
        if core[_RELOAD] == 0:
            return
        steps = core[_RELOAD] + 1
    at = core[_SINCE] + steps
    core[_AT] = at if core[_CONTROL] & _CLKSOURCE else cycle_of_tick(chip, at)


@native
def advance_systick(core: Any, chip: Any, now: Any) -> None:
    """Bring the counter up to a cycle; pends the exception if it came to 0 meanwhile."""
    if core[_CONTROL] & _ENABLE == 0:
        return
    time = _time(core, chip, now)
    elapsed, value, period = time - core[_SINCE], core[_VALUE], core[_RELOAD] + 1
    core[_SINCE] = time
    if elapsed < value:
        core[_VALUE] = value - elapsed
        return
    beyond = elapsed - value
    zeros = np.int64(value > 0)
    if period > 1:
        zeros += beyond // period
        core[_VALUE] = (period - beyond % period) % period
    else:
        core[_VALUE] = 0
    if zeros:
        core[_WRAPPED] = 1
        if core[_CONTROL] & _TICKINT:
            if core[_PENDING] >> SYS_TICK & 1 == 0 and core[_SCR] & _SEVONPEND:
                core[_EVENT] = 1
            core[_PENDING] |= 1 << SYS_TICK
    schedule_systick(core, chip)


@native
def read_systick(core: Any, chip: Any, now: Any, address: Any) -> Any:
    """The register at an address, NOT_HERE for others; reading CSR clears COUNTFLAG."""
    if address < CSR or address > CALIB:
        return np.int64(NOT_HERE)
    advance_systick(core, chip, now)
    if address == CSR:
        value = core[_CONTROL] | core[_WRAPPED] * _COUNTFLAG
        core[_WRAPPED] = 0
        return value
    if address == RVR:
        return core[_RELOAD]
    return core[_VALUE] if address == CVR else np.int64(0)


@native
def write_systick(core: Any, chip: Any, now: Any, address: Any, value: Any) -> Any:
    """Write the register at an address, NOT_HERE for others; a write to CVR clears it."""
    if address < CSR or address > CALIB:
        return np.int64(NOT_HERE)
    advance_systick(core, chip, now)
    if address == CSR:
        core[_CONTROL] = value & (_ENABLE | _TICKINT | _CLKSOURCE)
        core[_SINCE] = _time(core, chip, now)
    elif address == RVR:
        core[_RELOAD] = value & _MASK
    elif address == CVR:
        core[_VALUE] = core[_WRAPPED] = 0
    schedule_systick(core, chip)
    return np.int64(1)
