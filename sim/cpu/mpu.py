"""The memory protection unit and the privilege of an access. Arm DDI0419E, B3.5."""

from __future__ import annotations

from typing import Any

from priot.sim.cpu.native import native
from priot.sim.cpu.state import Core

REGIONS = 8
ENABLE, HFNMIENA, PRIVDEFENA = 1, 2, 4  # MPU_CTRL
_CONTROL, _IPSR, _PRIVILEGE = int(Core.MPU_CONTROL), int(Core.IPSR), int(Core.CONTROL)
_ACTIVE = int(Core.ACTIVE)
_BASES, _ATTRIBUTES = int(Core.MPU_BASES), int(Core.MPU_ATTRIBUTES)
_PPB = 0xE000_0000
_PPB_END = 0xE010_0000
_NMI_AND_HARD_FAULT = 1 << 2 | 1 << 3


@native
def refuses(core: Any, address: Any, writes: Any, executes: Any) -> Any:
    """Whether an access at an aligned address is not allowed."""
    privileged = core[_IPSR] != 0 or core[_PRIVILEGE] & 1 == 0
    return refuses_to(core, address, writes, executes, privileged)


@native
def refuses_to(core: Any, address: Any, writes: Any, executes: Any, privileged: Any) -> Any:
    """The same with a privilege that is not the present one.

    B3.5.1: outside of all regions the background map serves the privileged alone, and only with
    PRIVDEFENA. The private peripheral bus is beyond the MPU, and for the privileged alone.
    """
    if address >= _PPB and address < _PPB_END:
        return executes or not privileged
    control = core[_CONTROL]
    if control & ENABLE == 0:
        return False
    if core[_ACTIVE] & _NMI_AND_HARD_FAULT and control & HFNMIENA == 0:
        return False  # the priority is below 0
    for number in range(REGIONS - 1, -1, -1):  # the highest number that matches decides
        attributes = core[_ATTRIBUTES + number]
        if attributes & 1 == 0:
            continue
        bits = (attributes >> 1 & 31) + 1
        if bits < 8:
            bits = 8  # 256 bytes at least
        base = core[_BASES + number] >> bits << bits
        if address < base or address >= base + (1 << bits):
            continue
        if attributes >> 8 >> (address - base >> (bits - 3)) & 1:
            continue  # this eighth is not part of the region
        if executes and attributes >> 28 & 1:
            return True
        access = attributes >> 24 & 7
        if access in (0, 4):  # none; reserved
            return True
        if privileged:
            return writes and access in (5, 6, 7)
        return access in (1, 5) or (writes and access in (2, 6, 7))
    return not (privileged and control & PRIVDEFENA)
