"""Exceptions: which is due, entry, tail-chaining and return. Arm DDI0419E, B1.5.

Cycles: entry by Arm DDI0484C, 3.6.1. The manual is silent on the others. Return is taken as a
POP of the eight words with PC (3 + 8), tail-chaining as entry without eight stores and the
first address; the instruction that returns is counted as always.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from priot.sim.cpu.crossbar import is_ahead
from priot.sim.cpu.memory import REASONS, fault
from priot.sim.cpu.mpu import refuses_to
from priot.sim.cpu.native import native
from priot.sim.cpu.places import place
from priot.sim.cpu.state import (
    FLASH_AT,
    LOG_SIZE,
    NEVER,
    ROM_AT,
    SRAM_AT,
    XIP_SRAM_AT,
    Chip,
    Core,
    Sleep,
    Status,
)
from priot.sim.cpu.systick import SYS_TICK, advance_systick, schedule_systick
from priot.sim.devices.devices import advance_devices
from priot.sim.faults import FaultReason
from priot.sim.memory_map import FLASH, SRAM

ENTRY_CYCLES, RETURN_CYCLES, TAIL_CHAIN_CYCLES = 15, 11, 6
NMI, HARD_FAULT, SV_CALL, PEND_SV, FIRST_IRQ = 2, 3, 11, 14, 16
NMI_PRIORITY, HARD_FAULT_PRIORITY, MASKED_PRIORITY, THREAD_PRIORITY = -2, -1, 0, 4

_FRAME = 32  # bytes: R0-R3, R12, LR, return address, xPSR
_PADDED = 1 << 9  # of the stacked xPSR: SP was not a multiple of 8
_TO_HANDLER, _TO_MAIN, _TO_PROCESS = 0xFFFF_FFF1, 0xFFFF_FFF9, 0xFFFF_FFFD
_SPSEL = 2
_THUMB = 1 << 24
_BY_THE_OTHER = (1 << 13 | 1 << 15 | 1 << 16) << FIRST_IRQ  # IO_IRQ_BANK0, SIO_IRQ_PROC0 and 1
_SLEEPONEXIT, _SEVONPEND = 1 << 1, 1 << 4
_SRAM, _SRAM_SIZE, _FLASH = SRAM.base, SRAM.size, FLASH.base >> 24

_OVERFLOW, _WRITE, _READ, _FETCH, _VECTOR, _ARM, _SUPERVISOR, _PROTECTED = (
    REASONS.index(reason)
    for reason in (
        *(FaultReason.STACK_OVERFLOW, FaultReason.WRITE, FaultReason.READ),
        *(FaultReason.FETCH, FaultReason.NO_HANDLER, FaultReason.ARM_STATE),
        *(FaultReason.SUPERVISOR_CALL, FaultReason.PROTECTED),
    )
)
_CYCLES, _NZ, _C, _V, _T = (
    int(Core.CYCLES),
    int(Core.NZ),
    int(Core.CARRY),
    int(Core.OVERFLOW),
    int(Core.THUMB),
)
_IPSR, _PRIMASK, _CONTROL = int(Core.IPSR), int(Core.PRIMASK), int(Core.CONTROL)
_MSP, _PSP, _EVENT, _SLEEPS = int(Core.MSP), int(Core.PSP), int(Core.EVENT), int(Core.SLEEPS)
_PENDING, _ENABLED, _ACTIVE = int(Core.PENDING), int(Core.ENABLED), int(Core.ACTIVE)
_LINES, _VTOR, _SCR = int(Core.LINES), int(Core.VTOR), int(Core.SCR)
_ENTERING, _STOP_AT = int(Core.ENTERING), int(Core.STOP_AT)
_SP_LOW, _SP_LIMIT, _ANSWERED = int(Core.SP_LOW), int(Core.SP_LIMIT), int(Core.ANSWERED)
_FETCHED, _ENTRY = int(Core.FETCHED), int(Core.ENTRY_CYCLES)
_UNSTACKED, _NO_VECTOR = int(Core.UNSTACKED), int(Core.NO_VECTOR)
_FAST, _NPRIV = int(Core.FAST), 1
_LOGGED, _LOG = int(Core.LOGGED), int(Core.LOG)
_EVENT_AT, _LIMIT = int(Chip.EVENT_AT), int(Chip.LIMIT)
_NOT, _WFI, _WFE, _HELD = int(Sleep.NOT), int(Sleep.WFI), int(Sleep.WFE), int(Sleep.HELD)
_GO, _DUE, _BUDGET, _FOREVER = (
    int(Status.GO),
    int(Status.DUE),
    int(Status.BUDGET),
    int(Status.FOREVER),
)
_FAULT, _TURN = int(Status.FAULT), int(Status.TURN)
_NUMBER, _PROGRESS, _QUIET_UNTIL = (*(int(Core.NUMBER), int(Core.PROGRESS), int(Core.QUIET_UNTIL)),)
_LOOK = int(Core.LOOK)
_RUNS, _WINDOW, _HIT = int(Core.RUNS), int(Core.WINDOW), int(Core.HIT)
_SUPERVISED, _INSTRUCTIONS = int(Core.SUPERVISED), int(Core.INSTRUCTIONS)
_TICK_AT, _DEVICES_AT = int(Core.TICK_AT), int(Chip.DEVICES_AT)
_PAUSE_AT = int(Core.PAUSE_AT)
_OWED, _BUS_STALLS = int(Core.OWED), int(Core.BUS_STALLS)
_DEBUGGER, _LEAVING = int(Status.DEBUGGER), int(Core.LEAVING)
_SP, _LR, _PC = 13, 14, 15


@native
def priority_of(priorities: Any, number: Any) -> Any:
    """Of an exception: the lower, the more urgent."""
    if number == NMI:
        return np.int64(NMI_PRIORITY)
    return np.int64(HARD_FAULT_PRIORITY) if number == HARD_FAULT else priorities[number]


@native
def execution_priority(core: Any, priorities: Any) -> Any:
    """Of what is being executed, PRIMASK left aside."""
    lowest = np.int64(THREAD_PRIORITY)
    active = core[_ACTIVE]
    number = 0
    while active:
        if active & 1:
            lowest = min(lowest, priority_of(priorities, number))
        active >>= 1
        number += 1
    return lowest


@native
def most_urgent(core: Any, priorities: Any) -> Any:
    """The exception that is pending, enabled and most urgent; 0 if there is none."""
    waiting = core[_PENDING] & core[_ENABLED]
    best, urgency = np.int64(0), np.int64(THREAD_PRIORITY)
    number = 0
    while waiting:
        if waiting & 1:
            priority = priority_of(priorities, number)
            if priority < urgency:
                best, urgency = np.int64(number), priority
        waiting >>= 1
        number += 1
    return best


@native
def due(core: Any, priorities: Any, masked: Any) -> Any:
    """The exception to take now, PRIMASK being as `masked` says; 0 if none."""
    number = most_urgent(core, priorities)
    if number == 0:
        return number
    priority = priority_of(priorities, number)
    if priority >= execution_priority(core, priorities):
        return np.int64(0)
    return np.int64(0) if masked and priority >= MASKED_PRIORITY else number


@native
def program_status(core: Any) -> Any:
    """XPSR."""
    nz = core[_NZ]
    flags = np.int64(nz < 0) << 31 | np.int64(nz & 0xFFFF_FFFF == 0) << 30
    return flags | core[_C] << 29 | core[_V] << 28 | core[_T] << 24 | core[_IPSR]


@native
def set_program_status(core: Any, value: Any) -> None:
    """Write XPSR."""
    nz = np.int64(0) if value >> 30 & 1 else np.int64(1)
    if value >> 31 & 1:
        nz = np.int64(-(1 << 32)) if value >> 30 & 1 else np.int64(-1)
    core[_NZ] = nz
    core[_C], core[_V] = value >> 29 & 1, value >> 28 & 1
    core[_T], core[_IPSR] = value >> 24 & 1, value & 0x3F


@native
def use_stack(core: Any, registers: Any, process: Any) -> None:
    """Let R13 be PSP or MSP; CONTROL.SPSEL says so afterwards."""
    if core[_CONTROL] >> 1 & 1:
        core[_PSP] = np.int64(registers[_SP])
    else:
        core[_MSP] = np.int64(registers[_SP])
    core[_CONTROL] = core[_CONTROL] & ~_SPSEL | (_SPSEL if process else 0)
    registers[_SP] = np.uint32(core[_PSP] if process else core[_MSP])


@native
def note_sp(core: Any, sp: Any, before: Any) -> Any:
    """Note how deep the main stack grew from `before`; whether that is below its limit.

    Below the limit already, SP is on another stack of the program's own.
    """
    if core[_CONTROL] & _SPSEL or sp >= core[_SP_LOW] or before < core[_SP_LIMIT]:
        return False
    if sp < core[_SP_LIMIT]:
        return True
    core[_SP_LOW] = sp
    return False


@native
def _stack(core: Any, registers: Any, words: Any) -> Any:
    """Push the frame, and use the main stack; GO, or FAULT where it would go below its limit.

    Where a word cannot be stored, that is noted: the handler of faults comes in the place of the
    exception, the stack pointer moved as if all had been well. B1.5.6, B1.5.15.
    """
    sp = np.int64(registers[_SP])
    frame = (sp - _FRAME) & 0xFFFF_FFF8
    if note_sp(core, frame, sp):
        fault(core, _OVERFLOW, frame, 0)
        return _FAULT
    status = program_status(core) | (_PADDED if sp & 4 else 0)
    at = frame - _SRAM
    if at >= 0 and at + _FRAME <= _SRAM_SIZE and core[_FAST]:
        at = at + SRAM_AT >> 2
        for number in range(4):
            words[at + number] = registers[number]
        words[at + 4], words[at + 5] = registers[12], registers[_LR]
        words[at + 6] = registers[_PC]
        words[at + 7] = np.uint32(status)
    else:
        privileged = core[_IPSR] != 0 or core[_CONTROL] & _NPRIV == 0
        for number in range(8):
            address = frame + 4 * number & 0xFFFF_FFFF
            at = place(address)
            if refuses_to(core, address, True, False, privileged):
                fault(core, _PROTECTED, address, 4)
                core[_UNSTACKED] = 1
                return _GO
            if (at >= ROM_AT and at < XIP_SRAM_AT) or address >> 24 == _FLASH:
                continue  # the bus takes it, and nothing changes
            if at < 0 or at >= FLASH_AT:
                fault(core, _WRITE, address, 4)
                core[_UNSTACKED] = 1
                return _GO
            if number < 4:
                words[at >> 2] = registers[number]
            elif number == 7:
                words[at >> 2] = np.uint32(status)
            else:
                words[at >> 2] = registers[12 if number == 4 else 10 + number - 1]
    _use_frame(core, registers)
    return _GO


@native
def _use_frame(core: Any, registers: Any) -> None:
    """The frame is stored, as far as it could be: SP is at its end, LR tells the way back."""
    registers[_SP] = np.uint32((np.int64(registers[_SP]) - _FRAME) & 0xFFFF_FFF8)
    if core[_IPSR]:
        registers[_LR] = np.uint32(_TO_HANDLER)
    else:
        on_process = core[_CONTROL] & _SPSEL
        registers[_LR] = np.uint32(_TO_PROCESS if on_process else _TO_MAIN)
        use_stack(core, registers, False)


@native
def _log(core: Any, number: Any, sp: Any, cycle: Any, handler: Any) -> None:
    """Note an entry, or with number 0 an end, for a trace; where there is none it is lost."""
    at = core[_LOGGED] if core[_LOGGED] < LOG_SIZE else 0
    core[_LOGGED] = at + 1
    at = _LOG + 4 * at
    core[at], core[at + 1], core[at + 2], core[at + 3] = number, sp, cycle, handler


@native
def _begin(core: Any, chip: Any, registers: Any, words: Any, number: Any) -> Any:
    """Go to the handler of an exception whose frame is stacked; FAULT is a lockup.

    A vector that leads to no code is a fault of the handler, ahead of its first instruction.
    """
    bit = np.int64(1) << number
    entry = core[_VTOR] + 4 * number
    at = place(entry)
    if core[_UNSTACKED]:
        if number in (NMI, HARD_FAULT) and core[_UNSTACKED] == 1:
            core[_ACTIVE] |= bit
            return _FAULT
        core[_UNSTACKED] = 0
        _use_frame(core, registers)
    if at < 0:
        fault(core, _VECTOR, entry, 4)
        core[_ACTIVE] |= 1 << HARD_FAULT  # whose vector is not there either
        return _FAULT
    vector = np.int64(words[at >> 2])
    _log(core, number, np.int64(registers[_SP]), core[_CYCLES] - core[_ENTRY], vector & ~1)
    if number == SYS_TICK:  # what it pends until now makes no difference
        advance_systick(core, chip, core[_CYCLES])
    core[_PENDING] &= ~bit
    if number == SYS_TICK:
        schedule_systick(core, chip)
    core[_ACTIVE] |= bit
    core[_EVENT] = 1
    core[_IPSR], core[_T] = number, vector & 1
    registers[_PC] = np.uint32(vector & ~1)
    core[_FETCHED] = 0
    core[_NO_VECTOR] = entry if vector & 1 == 0 or place(vector & ~1) < 0 else 0
    return _GO


@native
def may_leave(core: Any, back: Any) -> Any:
    """Whether a branch to `back` in a handler is a proper return from its exception. B1.5.8."""
    bit = np.int64(1) << core[_IPSR]
    nested = core[_ACTIVE] & ~bit != 0
    known = back in (_TO_HANDLER, _TO_MAIN, _TO_PROCESS)
    return known and core[_ACTIVE] & bit != 0 and nested == (back == _TO_HANDLER)


@native
def leave(core: Any, registers: Any, priorities: Any, words: Any) -> Any:
    """Return from the exception: PC holds an EXC_RETURN value. B1.5.8."""
    back = np.int64(registers[_PC])
    bit = np.int64(1) << core[_IPSR]
    core[_ACTIVE] &= ~bit
    _pend_again(core, core[_LINES] & bit)
    core[_EVENT] = 1
    core[_FETCHED] = 0
    chained = due(core, priorities, core[_PRIMASK])
    if chained:
        registers[_LR] = np.uint32(back)
        _log(core, 0, 0, core[_CYCLES], 0)
        core[_CYCLES] += TAIL_CHAIN_CYCLES
        core[_ENTERING], core[_ENTRY] = chained, TAIL_CHAIN_CYCLES
        return _GO
    frame = core[_PSP] if back == _TO_PROCESS else np.int64(registers[_SP])
    if not _fits(core, words, frame, back):
        # The handler of faults comes by tail-chaining; no frame is stacked. B1.5.15.
        registers[_LR] = np.uint32(back)
        _log(core, 0, 0, core[_CYCLES], 0)
        core[_CYCLES] += TAIL_CHAIN_CYCLES
        core[_ENTERING], core[_ENTRY] = HARD_FAULT, TAIL_CHAIN_CYCLES
        return _FAULT
    core[_CYCLES] += RETURN_CYCLES
    _log(core, 0, 0, core[_CYCLES], 0)
    for number in range(4):
        registers[number] = words[place(frame + 4 * number) >> 2]
    registers[12], registers[_LR] = words[place(frame + 16) >> 2], words[place(frame + 20) >> 2]
    registers[_PC] = np.uint32(np.int64(words[place(frame + 24) >> 2]) & ~1)
    status = np.int64(words[place(frame + 28) >> 2])
    set_program_status(core, status)
    sp = (frame + _FRAME | (4 if status & _PADDED else 0)) & 0xFFFF_FFFF
    if back == _TO_PROCESS:
        core[_PSP] = sp
        use_stack(core, registers, True)
    else:
        registers[_SP] = np.uint32(sp)
    if core[_SCR] & _SLEEPONEXIT and core[_ACTIVE] == 0:
        core[_SLEEPS] = _WFI
    return _GO


@native
def _fits(core: Any, words: Any, frame: Any, back: Any) -> Any:
    """Whether the frame can be read, and leads to the mode that EXC_RETURN names."""
    privileged = back == _TO_HANDLER or core[_CONTROL] & _NPRIV == 0
    for number in range(8):
        address = frame + 4 * number & 0xFFFF_FFFF
        if core[_FAST] == 0 and refuses_to(core, address, False, False, privileged):
            fault(core, _PROTECTED, address, 4)
            return False
        if place(address) < 0:
            fault(core, _READ, frame, _FRAME)
            return False
    to_handler = np.int64(words[place(frame + 28) >> 2]) & 0x3F != 0
    if to_handler != (back == _TO_HANDLER):
        fault(core, _FETCH, back, 2)
        return False
    return True


@native
def _pend_again(core: Any, bits: Any) -> None:
    """A request that is still there when its handler ends."""
    if bits & ~core[_PENDING] and core[_SCR] & _SEVONPEND:
        core[_EVENT] = 1
    core[_PENDING] |= bits


@native
def rests(core: Any, priorities: Any) -> Any:
    """Whether it sleeps on; what is pending may end the sleep. B1.5.18 and B1.5.19.

    Under PRIMASK, WFI still ends with an exception that could be taken otherwise; WFE does not.
    """
    if core[_SLEEPS] == _HELD:
        return True
    if core[_SLEEPS] == _NOT:
        return False
    waits = core[_SLEEPS] == _WFE
    has_event = waits and core[_EVENT]
    if not has_event and due(core, priorities, waits and core[_PRIMASK]) == 0:
        return True
    if waits:
        core[_EVENT] = 0
    core[_SLEEPS] = _NOT
    return False


@native
def _hears(core: Any, other: Any) -> Any:
    """Whether the other core can interrupt this one at any time, by the mailbox or a pin."""
    both = core[_RUNS] and other[_RUNS] and other[_SLEEPS] == _NOT
    return both and core[_ENABLED] & _BY_THE_OTHER


@native
def pauses(core: Any, other: Any, chip: Any, priorities: Any, now: Any) -> Any:
    """Whether to look around behind a word of an LDM, STM, PUSH or POP."""
    happens = min(chip[_EVENT_AT], core[_TICK_AT], chip[_DEVICES_AT])
    if now >= happens or due(core, priorities, core[_PRIMASK]):
        return True
    return _hears(core, other) and is_ahead(core, other, now)


@native
def gives_way(core: Any, other: Any) -> Any:
    """Whether its turn is over, and the other core may go on at once."""
    awake = core[_SLEEPS] == _NOT and other[_SLEEPS] == _NOT and other[_RUNS]
    return awake and core[_CYCLES] >= core[_WINDOW] and other[_CYCLES] < core[_CYCLES]


@native
def look_around(
    core: Any, other: Any, chip: Any, registers: Any, priorities: Any, lines: Any, words: Any
) -> Any:
    """Between two instructions: sleep, events, exceptions, limit; GO if the core may go on.

    An instruction that came to rest between two of its words goes on, unless an exception is due:
    then it is abandoned, to begin anew when the handler returns. Arm DDI0484C, 3.6.1.
    """
    core[_LOOK] = 0
    if core[_ANSWERED]:  # an access that was performed ends before anything else
        core[_STOP_AT], core[_QUIET_UNTIL] = core[_CYCLES] + 1, 0
        return _GO
    if core[_OWED]:
        core[_CYCLES] += core[_OWED]
        core[_BUS_STALLS] += core[_OWED]
        core[_OWED] = 0
    hears = _hears(core, other)
    if core[_LEAVING]:
        if core[_CYCLES] >= chip[_EVENT_AT]:
            return _DUE  # what happened meanwhile has a say in where it leads
        if core[_CYCLES] >= core[_TICK_AT]:
            advance_systick(core, chip, core[_CYCLES])
        if hears and is_ahead(core, other, core[_CYCLES]):
            return _TURN
        core[_LEAVING] = 0
        status = leave(core, registers, priorities, words)
        if status != _GO:
            return status
    if core[_HIT] and core[_PROGRESS] == 0:
        return _DEBUGGER
    if core[_PAUSE_AT] and core[_INSTRUCTIONS] + core[_SUPERVISED] >= core[_PAUSE_AT]:
        return _DEBUGGER
    while True:
        if core[_CYCLES] >= core[_TICK_AT]:
            advance_systick(core, chip, core[_CYCLES])
        if min(core[_CYCLES], chip[_EVENT_AT]) >= chip[_DEVICES_AT]:
            if is_ahead(core, other, core[_CYCLES]):
                return _TURN
            pending = other[_PENDING]
            # What comes behind an event in Python may depend on it.
            until = min(core[_CYCLES], chip[_EVENT_AT])
            advance_devices(core, other, chip, lines, words, until)
            if other[_RUNS] and other[_PENDING] != pending:
                core[_WINDOW] = 0
        if rests(core, priorities):
            if other[_RUNS]:
                return _TURN  # time is for both to make
            happens = min(chip[_EVENT_AT], core[_TICK_AT], chip[_DEVICES_AT])
            if happens >= NEVER:
                return _FOREVER
            core[_CYCLES] = max(core[_CYCLES], min(happens, chip[_LIMIT]))
            if core[_CYCLES] < chip[_EVENT_AT]:
                if core[_CYCLES] >= min(core[_TICK_AT], chip[_DEVICES_AT]):
                    continue
                return _BUDGET
        if core[_CYCLES] >= chip[_EVENT_AT]:
            return _DUE
        if hears and is_ahead(core, other, core[_CYCLES]):
            return _TURN
        if core[_ENTERING]:
            # One that arrives late and is more urgent goes first.
            number = due(core, priorities, core[_PRIMASK]) or core[_ENTERING]
            if core[_UNSTACKED] == 1 and number not in (NMI, HARD_FAULT):
                core[_UNSTACKED] = 2
                return _FAULT
            core[_ENTERING] = 0
            status = _begin(core, chip, registers, words, number)
        elif due(core, priorities, core[_PRIMASK]):
            core[_PROGRESS] = 0
            status = _stack(core, registers, words)
            if status != _GO:
                return status
            core[_ENTERING] = due(core, priorities, core[_PRIMASK])
            core[_ENTRY] = ENTRY_CYCLES
            core[_CYCLES] += ENTRY_CYCLES
        else:
            break
        if status != _GO:
            return status
    if core[_CYCLES] >= core[_WINDOW]:
        return _TURN
    if core[_PROGRESS]:
        core[_STOP_AT], core[_QUIET_UNTIL] = core[_CYCLES] + 1, 0
        return _GO
    if core[_CYCLES] >= chip[_LIMIT]:
        return _BUDGET
    if core[_NO_VECTOR]:
        fault(core, _VECTOR, core[_NO_VECTOR], 4)
        core[_NO_VECTOR] = 0
        return _FAULT
    if core[_T] == 0:
        fault(core, _ARM, -1, 0)
        return _FAULT
    core[_QUIET_UNTIL] = min(chip[_EVENT_AT], core[_TICK_AT], chip[_DEVICES_AT])
    core[_STOP_AT] = min(core[_QUIET_UNTIL], chip[_LIMIT], core[_WINDOW])
    if core[_PAUSE_AT]:
        core[_STOP_AT] = core[_CYCLES] + 1
    if hears:  # no further than the other
        core[_STOP_AT] = min(core[_STOP_AT], other[_CYCLES] + 1 - core[_NUMBER])
        core[_QUIET_UNTIL] = 0
    return _GO


@native
def call_supervisor(core: Any, registers: Any, priorities: Any, words: Any) -> Any:
    """SVC: its exception pends, or the fault that it escalates to is the answer. B1.5.7.

    A fault of size 1 is one only where the program has no handler of faults: the vector leads to
    no code.
    """
    at = place(core[_VTOR] + 4 * SV_CALL)
    vector = np.int64(words[at >> 2]) if at >= 0 else np.int64(0)
    missing = vector & 1 == 0 or place(vector & ~1) < 0
    if priorities[SV_CALL] >= execution_priority(core, priorities) or core[_PRIMASK] or missing:
        late = priorities[SV_CALL] >= execution_priority(core, priorities) or core[_PRIMASK]
        fault(core, _SUPERVISOR, -1, 0 if late else 1)
        return _FAULT
    core[_PENDING] |= 1 << SV_CALL
    core[_SUPERVISED] += 1
    registers[_PC] += np.uint32(2)
    return _GO


@native
def overflow(core: Any, sp: Any) -> Any:
    """The stack would go below its limit; the Status."""
    fault(core, _OVERFLOW, sp, 0)
    return _FAULT
