"""MRS and MSR: the special registers. Arm DDI0419E, B4.2."""

from __future__ import annotations

from typing import Any

import numpy as np

from priot.sim.cpu.exceptions import note_sp, program_status, set_program_status, use_stack
from priot.sim.cpu.native import native
from priot.sim.cpu.state import Core
from priot.sim.memory_map import SRAM

_IPSR, _PRIMASK, _CONTROL = int(Core.IPSR), int(Core.PRIMASK), int(Core.CONTROL)
_MSP, _PSP, _T, _FAST = int(Core.MSP), int(Core.PSP), int(Core.THUMB), int(Core.FAST)
_MPU_CONTROL, _WATCHING = int(Core.MPU_CONTROL), int(Core.WATCHING)
_COUNTED = int(Core.COUNTED)
_SRAM_SIZE = SRAM.size
_SPSEL, _NPRIV = 2, 1
_SP = 13
# SYSm
_FLAGS_UP_TO, _NONE, _MAIN, _PROCESS, _MASK, _CONTROLS = 3, 4, 8, 9, 16, 20
_FLAGS, _EXCEPTION = 0xF000_0000, 0x3F


@native
def is_privileged(core: Any) -> Any:
    """Handlers are; threads unless CONTROL.nPRIV is set."""
    return core[_IPSR] != 0 or core[_CONTROL] & _NPRIV == 0


@native
def guard(core: Any) -> None:
    """Send accesses the long way where MPU, privilege, a debugger or BUSCTRL have a say."""
    asked = core[_WATCHING] or core[_COUNTED]
    guarded = core[_MPU_CONTROL] & 1 or core[_CONTROL] & _NPRIV or asked
    core[_FAST] = 0 if guarded else _SRAM_SIZE


@native
def _exists(number: Any) -> Any:
    """B4.2.2: there is a special register of this number; the others are UNPREDICTABLE."""
    return (number <= _PROCESS and number != _NONE) or number in (_MASK, _CONTROLS)


@native
def read_special(core: Any, registers: Any, number: Any) -> Any:
    """What MRS reads, -1 if UNPREDICTABLE; T reads 0, and so does what is not an unprivileged's."""
    if not _exists(number):
        return np.int64(-1)
    if number < 8:
        status = program_status(core)
        shown = np.int64(_FLAGS) if number <= _FLAGS_UP_TO else np.int64(0)
        if number & 1 and is_privileged(core):
            shown |= _EXCEPTION
        return status & shown
    if not is_privileged(core):
        return core[_CONTROL] if number == _CONTROLS else np.int64(0)
    on_process = core[_CONTROL] & _SPSEL
    if number == _MAIN:
        return core[_MSP] if on_process else np.int64(registers[_SP])
    if number == _PROCESS:
        return np.int64(registers[_SP]) if on_process else core[_PSP]
    if number == _MASK:
        return core[_PRIMASK]
    return core[_CONTROL]


@native
def write_special(core: Any, registers: Any, number: Any, value: Any) -> Any:
    """What MSR does; whether there is such a register: if not, it is UNPREDICTABLE.

    Whoever writes MSP goes to another stack, which is not judged by the limit of this one.
    """
    if not _exists(number):
        return False
    if number <= _FLAGS_UP_TO:
        kept = program_status(core) & ~np.int64(_FLAGS)
        set_program_status(core, kept | value & _FLAGS)
        return True
    if not is_privileged(core):
        return True
    on_process = core[_CONTROL] & _SPSEL
    if number in (_MAIN, _PROCESS):
        sp = value & 0xFFFF_FFFC
        if (number == _MAIN) == (on_process == 0):
            note_sp(core, sp, np.int64(registers[_SP]))
            registers[_SP] = np.uint32(sp)
        else:
            core[_MSP if number == _MAIN else _PSP] = sp
    elif number == _MASK:
        core[_PRIMASK] = value & 1
    elif number == _CONTROLS:
        if core[_IPSR] == 0:
            use_stack(core, registers, value & _SPSEL)
            note_sp(core, np.int64(registers[_SP]), np.int64(registers[_SP]))
        core[_CONTROL] = core[_CONTROL] & ~_NPRIV | value & _NPRIV
        guard(core)
    return True
