"""Where an address leads: everything beyond the loop's own short way to SRAM and flash.

RP2040 datasheet, 2.2 (address map), 2.1.3 and 2.3.1 (what an access takes).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from priot.sim.cpu.crossbar import APB, is_ahead, occupy, port_of_place, port_of_register
from priot.sim.cpu.flash_cache import NOT_YET, drop, read_at_once, read_flash
from priot.sim.cpu.mpu import refuses
from priot.sim.cpu.native import native
from priot.sim.cpu.places import place
from priot.sim.cpu.private import read_private, write_private
from priot.sim.cpu.sio import NOT_HERE, read_sio, write_sio
from priot.sim.cpu.state import (
    FLASH_AT,
    NEVER,
    ROM_AT,
    XIP_SRAM_AT,
    Chip,
    Core,
    Status,
)
from priot.sim.cpu.systick import read_systick, write_systick
from priot.sim.cpu.ticks import ticks
from priot.sim.devices.devices import advance_devices, read_device, write_device
from priot.sim.faults import FaultReason

APB_READ_CYCLES, APB_WRITE_CYCLES, SIO_CYCLES = 2, 3, -1
"""Beside the two of an LDR or STR: the APB takes 3 cycles to read and 4 to write instead of 1,
SIO hangs on the core's single-cycle port."""
# Where a called function returns to: an address that never holds code (Armv6-M reserves
# 0xE0100000-0xFFFFFFFF for the vendor, execute never), and no EXC_RETURN value.
RETURN_ADDRESS = 0xEFFF_FFFE
BIAS = 8  # added to cycles in an answer, since they may be fewer than none
ATTENTION = 1 << 40  # in an answer: look around before the next instruction

REASONS = tuple(FaultReason)
_UNALIGNED, _WRITE_FLASH, _FETCH, _MPU, _UNPREDICTABLE = (
    REASONS.index(reason)
    for reason in (
        *(FaultReason.UNALIGNED, FaultReason.WRITE_FLASH, FaultReason.FETCH),
        *(FaultReason.PROTECTED, FaultReason.UNPREDICTABLE),
    )
)
_FAULT, _ACCESS, _TURN = -int(Status.FAULT), -int(Status.ACCESS), -int(Status.TURN)

# Enumerations as plain integers, which compiled code holds by value.
_NOW, _ADDRESS, _SIZE, _VALUE, _WRITES = (
    *(int(Core.NOW), int(Core.ADDRESS), int(Core.SIZE), int(Core.VALUE), int(Core.WRITES)),
)
_ANSWERED, _REPLY, _PROGRESS = int(Core.ANSWERED), int(Core.REPLY), int(Core.PROGRESS)
_REASON, _FAULT_ADDRESS, _FAULT_SIZE = (
    *(int(Core.REASON), int(Core.FAULT_ADDRESS), int(Core.FAULT_SIZE)),
)
_FAST = int(Core.FAST)
_WATCHING, _PASSED = int(Core.WATCHING), int(Core.PASSED)
_HIT, _HIT_AT, _LOOK = int(Core.HIT), int(Core.HIT_AT), int(Core.LOOK)
_BREAKPOINTS, _WATCHPOINTS = int(Chip.BREAKPOINTS), int(Chip.WATCHPOINTS)
_BREAKPOINT_LIST, _WATCHPOINT_LIST = int(Chip.BREAKPOINT_LIST), int(Chip.WATCHPOINT_LIST)
_OFFSET = int(Chip.TIMER_OFFSET)
_STEADY_COUNT, _STEADY = int(Chip.STEADY_COUNT), int(Chip.STEADY)
_TIMERAWH, _TIMERAWL = 0x4005_4024, 0x4005_4028
_APB, _NOT_YET = APB, NOT_YET
_ALIASES = 0x3000  # RP2040 datasheet, 2.1.2
_DEVICES_ON, _DEVICES_AT = int(Chip.DEVICES_ON), int(Chip.DEVICES_AT)
_STOP_AT = int(Core.STOP_AT)
_PPB = 0xE00  # address >> 20; words only: B3.1.1


@native
def fault(core: Any, reason: Any, address: Any, size: Any) -> Any:
    """Note what went wrong; the answer of an access that failed."""
    core[_REASON], core[_FAULT_ADDRESS], core[_FAULT_SIZE] = reason, address, size
    core[_ANSWERED] = core[_PROGRESS] = 0
    return np.int64(_FAULT)


@native
def _stops_at(core: Any, chip: Any, address: Any) -> Any:
    """Whether there is a breakpoint, and the core is not to go past it this time."""
    passed = core[_PASSED] == address
    core[_PASSED] = -1
    for at in range(chip[_BREAKPOINTS]):
        if chip[_BREAKPOINT_LIST + at] == address:
            return not passed
    return False


@native
def _watch(core: Any, chip: Any, address: Any, size: Any, kind: Any) -> None:
    """Note the first watchpoint that an access hits; of a register also by its atomic aliases."""
    aliased = address >> 28 in (0x4, 0x5) or address >> 24 in (0x14, 0x18)
    plain = address & ~_ALIASES if aliased else address
    for at in range(chip[_WATCHPOINTS]):
        entry = _WATCHPOINT_LIST + 3 * at
        first, end = chip[entry + 1], chip[entry + 2]
        if chip[entry] & kind == 0 or core[_HIT]:
            continue
        if address < end and address + size > first:
            core[_HIT], core[_HIT_AT] = at + 1, max(address, first)
            core[_LOOK] = 1
        elif plain < end and plain + size > first:
            core[_HIT], core[_HIT_AT] = at + 1, max(plain, first)
            core[_LOOK] = 1


@native
def _is_under_way(core: Any) -> Any:
    """Whether the instruction at PC is being executed, and is fetched again only to go on."""
    return core[_ANSWERED] or core[_PROGRESS]


@native
def fetch_place(core: Any, chip: Any, address: Any) -> Any:
    """Where in the array of memories an instruction lies.

    -1 if nowhere, with a fault noted; -2 at a breakpoint, -3 where a host's call returns to.
    """
    if address == RETURN_ADDRESS:
        return np.int64(-3)
    if core[_WATCHING] and not _is_under_way(core) and _stops_at(core, chip, address):
        return np.int64(-2)
    return code_place(core, address)


@native
def code_place(core: Any, address: Any) -> Any:
    """The same for any halfword of an instruction.

    One that is under way was fetched before: its access may have been to the MPU.
    """
    if core[_FAST] == 0 and not _is_under_way(core) and refuses(core, address, False, True):
        fault(core, _MPU, address, 2)
        return np.int64(-1)
    at = place(address) if address < 0x2200_0000 else np.int64(-1)
    if at < 0:
        fault(core, _FETCH, address, 2)
    return at


@native
def ask(core: Any, now: Any, address: Any, size: Any, value: Any, writes: Any) -> Any:
    """Leave an access to Python: the loop comes to rest, and the instruction is executed again."""
    core[_NOW], core[_ADDRESS], core[_SIZE] = now, address, size
    core[_VALUE], core[_WRITES] = value, writes
    return np.int64(_ACCESS)


@native
def _extra(core: Any, other: Any, chip: Any, cycle: Any, address: Any, writes: Any) -> Any:
    """Cycles beside the two of a load or store of a register, with the bias."""
    port = port_of_register(address)
    if port < 0:
        return np.int64(BIAS + SIO_CYCLES if address >> 28 == 0xD else BIAS)
    extra = np.int64(0)
    if port == _APB:
        extra = np.int64(APB_WRITE_CYCLES if writes else APB_READ_CYCLES)
    return BIAS + extra + occupy(core, other, chip, cycle, port, 1 + extra)


@native
def fetch(
    core: Any, other: Any, chip: Any, lines: Any, now: Any, late: Any, address: Any, at: Any
) -> Any:
    """Cycles that a word of code waits outside the short way to SRAM; NOT_YET as of flash."""
    if at >= FLASH_AT:
        return read_flash(core, other, chip, lines, now, late, address)
    return occupy(core, other, chip, now + late, port_of_place(at), np.int64(1))


@native
def fetch_beyond(core: Any, other: Any, chip: Any, lines: Any, cycle: Any, address: Any) -> Any:
    """Cycles that a branch waits for the word behind it, which was asked for before it went."""
    at = place(address)
    if at >= FLASH_AT:
        return read_at_once(core, other, chip, lines, cycle, address)
    if at < 0:
        return np.int64(0)
    return occupy(core, other, chip, cycle, port_of_place(at), np.int64(1))


@native
def _read_timer(chip: Any, now: Any, address: Any) -> Any:
    """TIMERAWL and TIMERAWH, which programs poll; NOT_HERE for others."""
    if (address != _TIMERAWL and address != _TIMERAWH) or chip[_OFFSET] >= NEVER:
        return np.int64(NOT_HERE)
    count = ticks(chip, now) + chip[_OFFSET]
    return (count if address == _TIMERAWL else count >> 32) & 0xFFFF_FFFF


@native
def read_register(core: Any, other: Any, chip: Any, sio: Any, now: Any, address: Any) -> Any:
    """A register that is native, at the address of its word; NOT_HERE for others."""
    if address >> 28 == 0xD:
        return read_sio(core, chip, sio, now, address & 0xFFFF)
    if address >> 28 == 0xE:
        found = read_private(core, address)
        return read_systick(core, chip, now, address) if found == NOT_HERE else found
    for entry in range(chip[_STEADY_COUNT]):
        at = _STEADY + 3 * entry
        if chip[at] == address and now < chip[at + 2]:
            return chip[at + 1]
    found = _read_timer(chip, now, address)
    return read_device(core, other, chip, now, address) if found == NOT_HERE else found


@native
def write_register(
    core: Any, other: Any, chip: Any, sio: Any, now: Any, address: Any, value: Any
) -> Any:
    """Write a register that is native; NOT_HERE for others."""
    if address >> 28 == 0xD:
        return write_sio(core, other, chip, sio, now, address & 0xFFFF, value)
    if address >> 28 == 0xE:
        done = write_private(core, address, value)
        if done == NOT_HERE:
            done = write_systick(core, chip, now, address, value)
        return done
    return write_device(core, other, chip, now, address, value)


@native
def load(
    core: Any,
    other: Any,
    chip: Any,
    sio: Any,
    lines: Any,
    memory: Any,
    halfwords: Any,
    words: Any,
    now: Any,
    address: Any,
    size: Any,
) -> Any:
    """The value at an address, its extra cycles (with BIAS) from bit 32 on, and perhaps ATTENTION.

    Below 0: a Status.
    """
    if address & (size - 1):
        return fault(core, _UNALIGNED, address, size)
    if core[_FAST] == 0 and refuses(core, address, False, False):
        return fault(core, _MPU, address, size)
    at = place(address)
    if at >= 0:
        if at >= FLASH_AT:
            extra = read_flash(core, other, chip, lines, now, np.int64(0), address & ~3)
            if extra == _NOT_YET:
                return np.int64(_TURN)
        else:
            extra = occupy(core, other, chip, now, port_of_place(at), np.int64(1))
        extra += BIAS
        if size == 4:
            value = np.int64(words[at >> 2])
        elif size == 2:
            value = np.int64(halfwords[at >> 1])
        else:
            value = np.int64(memory[at])
        if core[_WATCHING]:
            _watch(core, chip, address, size, 1)
        return value | extra << 32
    if size < 4 and address >> 20 == _PPB:
        return fault(core, _UNPREDICTABLE, address, size)
    if core[_ANSWERED]:
        if core[_WATCHING]:
            _watch(core, chip, address, size, 1)
        return core[_REPLY] | _extra(core, other, chip, now, address, False) << 32
    if is_ahead(core, other, now):
        return np.int64(_TURN)
    if chip[_DEVICES_ON]:
        advance_devices(core, other, chip, lines, words, now)
    found = read_register(core, other, chip, sio, now, address & ~3)
    if found != NOT_HERE:
        if size < 4:
            found = found >> 8 * (address & 3) & (1 << 8 * size) - 1
        if core[_WATCHING]:
            _watch(core, chip, address, size, 1)
        soon = chip[_DEVICES_AT] < core[_STOP_AT]
        extra = _extra(core, other, chip, now, address, False)
        return found | extra << 32 | (ATTENTION if soon else 0)
    return ask(core, now, address, size, 0, 0)


@native
def store(
    core: Any,
    other: Any,
    chip: Any,
    sio: Any,
    lines: Any,
    memory: Any,
    halfwords: Any,
    words: Any,
    now: Any,
    address: Any,
    size: Any,
    value: Any,
) -> Any:
    """Store; extra cycles with BIAS, and perhaps ATTENTION; below 0: a Status."""
    if address & (size - 1):
        return fault(core, _UNALIGNED, address, size)
    if core[_FAST] == 0 and refuses(core, address, True, False):
        return fault(core, _MPU, address, size)
    at = place(address)
    if at >= FLASH_AT and address >> 24 == 0x10:  # drops the line, and changes nothing
        drop(lines, address)
        return BIAS + occupy(core, other, chip, now, port_of_place(at), np.int64(1))
    if at >= FLASH_AT:
        return fault(core, _WRITE_FLASH, address, size)
    if at >= ROM_AT and at < XIP_SRAM_AT:  # TinyUSB 0.18 does so at every control transfer
        return np.int64(BIAS)
    if at >= 0:
        if size == 4:
            words[at >> 2] = np.uint32(value)
        elif size == 2:
            halfwords[at >> 1] = np.uint16(value)
        else:
            memory[at] = np.uint8(value)
        if core[_WATCHING]:
            _watch(core, chip, address, size, 2)
        return BIAS + occupy(core, other, chip, now, port_of_place(at), np.int64(1))
    if size < 4 and address >> 20 == _PPB:
        return fault(core, _UNPREDICTABLE, address, size)
    if core[_ANSWERED]:
        if core[_WATCHING]:
            _watch(core, chip, address, size, 2)
        return _extra(core, other, chip, now, address, True) | ATTENTION
    if is_ahead(core, other, now):
        return np.int64(_TURN)
    if chip[_DEVICES_ON]:
        advance_devices(core, other, chip, lines, words, now)
    word = value
    if size < 4:  # a byte or halfword comes on every lane: 2.1.4
        word = (value & 0xFF) * 0x0101_0101 if size == 1 else (value & 0xFFFF) * 0x0001_0001
    found = write_register(core, other, chip, sio, now, address & ~3, word)
    if found != NOT_HERE:
        if core[_WATCHING]:
            _watch(core, chip, address, size, 2)
        return _extra(core, other, chip, now, address, True) | (ATTENTION if found else 0)
    return ask(core, now, address, size, value, 1)
