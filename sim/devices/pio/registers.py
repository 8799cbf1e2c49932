"""Registers of the PIO blocks as the bus sees them. RP2040 datasheet, 3.7."""

from __future__ import annotations

from typing import Any

import numpy as np

from priot.sim.cpu.native import native
from priot.sim.cpu.state import NEVER, Chip, Core
from priot.sim.devices.pio.divider import restart_clock, settle_clock, write_clkdiv
from priot.sim.devices.pio.execution import let_go_of_pins
from priot.sim.devices.pio.fifos import empty_fifos, put, take
from priot.sim.devices.pio.machines import (
    advance_pio,
    change_flags,
    drive_block,
    machine_at,
    raw_interrupts,
    schedule_pio,
    tell,
    wake_block,
    wake_machine,
)
from priot.sim.devices.pio.places import (
    AT,
    AUTOPULL,
    AUTOPUSH,
    BEGUN,
    BLOCK_SIZE,
    BLOCKS,
    BYPASS,
    CLKDIV,
    COUNT,
    DELAY,
    DELAY_MASK,
    DEPTH,
    DIVISOR,
    ENABLE_BIT,
    ENABLED,
    EXECCTRL,
    FDEBUG,
    FIFO,
    FIRST,
    FLAGS,
    GIVEN,
    GIVEN_STALLS,
    HEAD,
    IN_BASE,
    IN_RIGHT,
    INPUTS,
    INTE,
    ISR,
    ISR_COUNT,
    JMP_PIN,
    MACHINES_OF_A_BLOCK,
    MEMORY,
    MEMORY_SIZE,
    NEXT,
    NOW,
    ONCE_AT,
    OSR_COUNT,
    OUT_BASE,
    OUT_MASK,
    OUT_RIGHT,
    PADOE,
    PADOUT,
    PC,
    PIN_MASK,
    PINCTRL,
    PULL_THRESHOLD,
    PUSH_THRESHOLD,
    RAISES,
    REQUEST,
    RX,
    SECOND,
    SET_BASE,
    SET_MASK,
    SHIFTCTRL,
    SIDE_BASE,
    SIDE_BITS,
    SIDE_DIRECTIONS,
    SIDE_MASK,
    SIDE_OPTIONAL,
    STALL,
    STICKY,
    TX,
    WORDS,
    WRAP_BOTTOM,
    WRAP_TOP,
    WRITTEN,
)

BASES = 0x5020_0000, 0x5030_0000
_PIO0, _PIO_END, _BLOCK_AT = 0x502, 0x504, 20  # address >> 20
CTRL, FSTAT, FDEBUG_AT, FLEVEL, TXF0, RXF0 = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x20
IRQ, IRQ_FORCE, SYNC_BYPASS, DBG_PADOUT, DBG_PADOE = 0x30, 0x34, 0x38, 0x3C, 0x40
DBG_CFGINFO, INSTR_MEM0, SM0, INTR, INTE0 = 0x44, 0x48, 0xC8, 0x128, 0x12C
END = 0x144
MACHINE_STEP = 0x18  # bytes from the registers of a machine to those of the next
CLKDIV_AT, EXECCTRL_AT, SHIFTCTRL_AT, ADDR_AT, INSTR_AT, PINCTRL_AT = range(0, MACHINE_STEP, 4)
_CONFIGURATION = MEMORY_SIZE << 16 | MACHINES_OF_A_BLOCK << 8 | 4  # FIFOs of 4 words
_TXOVER, _RXUNDER = 16, 8  # low bits of FDEBUG's fields
_FDEBUG_BITS = 0x0F0F_0F0F
_EXECCTRL_BITS, _SHIFTCTRL_BITS, _JOINS = 0x7FFF_FF9F, 0xFFFF_0000, 0xC000_0000
_INTERRUPTS = 0xFFF
_PENDING, _STOP_AT, _WINDOW = int(Core.PENDING), int(Core.STOP_AT), int(Core.WINDOW)
_RUNS = int(Core.RUNS)
_PIO_AT, _DEVICES_AT = int(Chip.PIO_AT), int(Chip.DEVICES_AT)
_DEVICES_ON = int(Chip.DEVICES_ON)
PIO_ON = 4  # of DEVICES_ON
_INSTR_CYCLES = 2
"""From a store to INSTR to its execution, so that a load right behind it does not see its effect:
what the SDK's pio_sm_drain_tx_fifo needs to leave an empty OSR. Inference, no document says it."""


@native
def is_pio(address: Any) -> Any:
    """Whether an address lies in one of the two blocks."""
    return address >> _BLOCK_AT >= _PIO0 and address >> _BLOCK_AT < _PIO_END


@native
def clears_pio(address: Any) -> Any:
    """Of the register at an address: the bits that a written 1 clears."""
    offset = address & 0xFFF
    return np.int64(_FDEBUG_BITS if offset == FDEBUG_AT else 0xFF if offset == IRQ else 0)


@native
def _spread(mask: Any, base: Any) -> Any:
    return (mask << base | mask >> 32 - base) & PIN_MASK


@native
def _configure(chip: Any, block: Any, machine: Any, number: Any) -> None:
    """What follows from EXECCTRL, SHIFTCTRL and PINCTRL."""
    control, shift = chip[machine + EXECCTRL], chip[machine + SHIFTCTRL]
    pins = chip[machine + PINCTRL]
    chip[machine + WRAP_TOP], chip[machine + WRAP_BOTTOM] = control >> 12 & 31, control >> 7 & 31
    chip[machine + JMP_PIN] = control >> 24 & 31
    chip[machine + STICKY] = control >> 17 & 1
    if chip[machine + STICKY] == 0:
        let_go_of_pins(chip, block, machine, number)
    chip[machine + ENABLE_BIT] = control >> 19 & 31 if control >> 18 & 1 else -1
    bits = min(5, pins >> 29 & 7)
    optional = control >> 30 & 1 and bits
    chip[machine + SIDE_BITS], chip[machine + SIDE_OPTIONAL] = bits, optional
    chip[machine + SIDE_DIRECTIONS] = control >> 29 & 1
    chip[machine + DELAY_MASK] = (1 << 5 - bits) - 1
    base = pins >> 10 & 31
    chip[machine + SIDE_BASE] = base
    chip[machine + SIDE_MASK] = _spread((1 << bits - (optional != 0)) - 1, base)
    base = pins & 31
    chip[machine + OUT_BASE] = base
    chip[machine + OUT_MASK] = _spread((1 << min(32, pins >> 20 & 63)) - 1, base)
    base = pins >> 5 & 31
    chip[machine + SET_BASE] = base
    chip[machine + SET_MASK] = _spread((1 << min(5, pins >> 26 & 7)) - 1, base)
    chip[machine + IN_BASE] = pins >> 15 & 31
    chip[machine + OUT_RIGHT], chip[machine + IN_RIGHT] = shift >> 19 & 1, shift >> 18 & 1
    chip[machine + AUTOPULL], chip[machine + AUTOPUSH] = shift >> 17 & 1, shift >> 16 & 1
    # 0 stands for 32
    chip[machine + PULL_THRESHOLD] = ((shift >> 25 & 31) - 1 & 31) + 1
    chip[machine + PUSH_THRESHOLD] = ((shift >> 20 & 31) - 1 & 31) + 1


@native
def _restart(chip: Any, block: Any, machine: Any, number: Any) -> None:
    """SM_RESTART: what is hard to reach otherwise."""
    chip[machine + ISR] = chip[machine + ISR_COUNT] = 0
    chip[machine + OSR_COUNT] = 32
    chip[machine + DELAY] = chip[machine + BEGUN] = 0
    chip[machine + GIVEN], chip[machine + ONCE_AT] = -1, NEVER
    chip[machine + GIVEN_STALLS] = 0
    let_go_of_pins(chip, block, machine, number)


@native
def reset_pio(core: Any, other: Any, chip: Any, index: Any, now: Any) -> None:
    """Reset values of a block."""
    block = BLOCKS + index * BLOCK_SIZE
    for place in range(block, block + BLOCK_SIZE):
        chip[place] = 0
    for number in range(MACHINES_OF_A_BLOCK):
        machine = machine_at(block, number)
        chip[machine + REQUEST] = 8 * index + number
        chip[machine + CLKDIV], chip[machine + EXECCTRL] = 1 << 16, 31 << 12
        chip[machine + SHIFTCTRL], chip[machine + PINCTRL] = 3 << 18, 5 << 26
        chip[machine + DIVISOR] = 1 << 8
        chip[machine + AT] = NEVER
        _configure(chip, block, machine, number)
        _restart(chip, block, machine, number)
        restart_clock(chip, machine, now)
        empty_fifos(chip, machine)
    chip[block + NEXT] = NEVER
    chip[NOW] = now
    chip[FIRST] = chip[SECOND] = chip[INPUTS]
    tell(core, other, chip, now)
    drive_block(core, other, chip, index, now)
    _settle(chip)


@native
def _settle(chip: Any) -> None:
    """After any change: whether anything runs, and when it could be noticed."""
    schedule_pio(chip)
    chip[_DEVICES_AT] = min(chip[_DEVICES_AT], chip[_PIO_AT])
    happens = min(chip[BLOCKS + NEXT], chip[BLOCKS + BLOCK_SIZE + NEXT])
    on = happens < NEVER or chip[BLOCKS + ENABLED] | chip[BLOCKS + BLOCK_SIZE + ENABLED] != 0
    chip[_DEVICES_ON] = chip[_DEVICES_ON] & ~PIO_ON | (PIO_ON if on else 0)


@native
def _fifo_status(chip: Any, block: Any) -> Any:
    value = np.int64(0)
    for number in range(MACHINES_OF_A_BLOCK):
        machine = machine_at(block, number)
        tx, rx = chip[machine + TX + COUNT], chip[machine + RX + COUNT]
        value |= np.int64(rx >= chip[machine + RX + DEPTH]) << number
        value |= np.int64(rx == 0) << 8 + number
        value |= np.int64(tx >= chip[machine + TX + DEPTH]) << 16 + number
        value |= np.int64(tx == 0) << 24 + number
    return value


@native
def _fifo_levels(chip: Any, block: Any) -> Any:
    value = np.int64(0)
    for number in range(MACHINES_OF_A_BLOCK):
        machine = machine_at(block, number)
        value |= chip[machine + TX + COUNT] << 8 * number
        value |= chip[machine + RX + COUNT] << 8 * number + 4
    return value


@native
def _peek_machine(chip: Any, block: Any, offset: Any) -> Any:
    machine = machine_at(block, offset // MACHINE_STEP)
    register = offset % MACHINE_STEP
    if register == CLKDIV_AT:
        return chip[machine + CLKDIV]
    if register == EXECCTRL_AT:
        return chip[machine + EXECCTRL] | chip[machine + GIVEN_STALLS] << 31
    if register == SHIFTCTRL_AT:
        return chip[machine + SHIFTCTRL]
    if register == ADDR_AT:
        return chip[machine + PC]
    if register == INSTR_AT:
        given = chip[machine + GIVEN]
        return given if given >= 0 else chip[block + MEMORY + chip[machine + PC]]
    return chip[machine + PINCTRL]


@native
def peek_pio(chip: Any, address: Any, absent: Any) -> Any:
    """The register at an address, without effect on it; `absent` where there is none."""
    index, offset = (address >> _BLOCK_AT) - _PIO0, address & 0xFFFFC
    block = BLOCKS + index * BLOCK_SIZE
    if offset >= END:
        return absent
    if offset >= INTE0:  # INTE, INTF, INTS of both requests
        line, register = (offset - INTE0) // 12, (offset - INTE0) % 12
        at = block + INTE + 2 * line
        if register == 8:
            return raw_interrupts(chip, index) & chip[at] | chip[at + 1]
        return chip[at + (register >> 2)]
    if offset == INTR:
        return raw_interrupts(chip, index)
    if offset >= SM0:
        return _peek_machine(chip, block, offset - SM0)
    if offset >= INSTR_MEM0:
        return np.int64(0)  # write-only
    if offset >= RXF0 and offset < IRQ:
        fifo = machine_at(block, offset - RXF0 >> 2) + RX
        return chip[fifo + WORDS + chip[fifo + HEAD]]
    if offset == CTRL:
        return chip[block + ENABLED]
    if offset == FSTAT:
        return _fifo_status(chip, block)
    if offset == FDEBUG_AT:
        return chip[block + FDEBUG]
    if offset == FLEVEL:
        return _fifo_levels(chip, block)
    if offset == IRQ:
        return chip[block + FLAGS]
    if offset == SYNC_BYPASS:
        return chip[block + BYPASS]
    if offset == DBG_PADOUT:
        return chip[block + PADOUT]
    if offset == DBG_PADOE:
        return chip[block + PADOE]
    return np.int64(_CONFIGURATION if offset == DBG_CFGINFO else 0)


@native
def read_pio(core: Any, other: Any, chip: Any, now: Any, address: Any, absent: Any) -> Any:
    """Read the register at an address; RXF gives its oldest word away."""
    advance_pio(core, other, chip, now)
    value = peek_pio(chip, address, absent)
    offset = address & 0xFFFFC
    if offset >= RXF0 and offset < IRQ:
        number = offset - RXF0 >> 2
        block = BLOCKS + ((address >> _BLOCK_AT) - _PIO0) * BLOCK_SIZE
        machine = machine_at(block, number)
        if chip[machine + RX + COUNT]:
            take(chip, machine, RX)
            if chip[machine + STALL] == FIFO:
                wake_machine(chip, block, number, now)
            tell(core, other, chip, now)
        else:
            chip[block + FDEBUG] |= 1 << _RXUNDER + number
        _settle(chip)
    return value


@native
def _write_control(chip: Any, block: Any, value: Any, now: Any) -> None:
    """CTRL: enable machines, restart them and their clock dividers."""
    for number in range(MACHINES_OF_A_BLOCK):
        settle_clock(chip, machine_at(block, number), now)
    chip[block + ENABLED] = value & 15
    for number in range(MACHINES_OF_A_BLOCK):
        machine = machine_at(block, number)
        if value >> 4 + number & 1:
            _restart(chip, block, machine, number)
        if value >> 8 + number & 1:
            restart_clock(chip, machine, now)
        wake_machine(chip, block, number, now)


@native
def _write_fifo(chip: Any, block: Any, number: Any, value: Any, now: Any) -> None:
    machine = machine_at(block, number)
    if not put(chip, machine, TX, value):
        chip[block + FDEBUG] |= 1 << _TXOVER + number
        return
    empty = chip[machine + OSR_COUNT] >= chip[machine + PULL_THRESHOLD]
    if chip[machine + STALL] == FIFO or (chip[machine + AUTOPULL] and empty):
        wake_machine(chip, block, number, now)


@native
def _write_memory(chip: Any, block: Any, place: Any, value: Any) -> None:
    """An instruction, and whether any may now set a flag: IRQ, OUT EXEC and MOV EXEC."""
    chip[block + MEMORY + place] = value & 0xFFFF
    chip[block + RAISES] = 0
    for at in range(MEMORY_SIZE):
        op = chip[block + MEMORY + at]
        kind, destination = op >> 13, op >> 5 & 7
        if kind == 6 or (kind == 3 and destination == 7) or (kind == 5 and destination == 4):
            chip[block + RAISES] = 1


@native
def _write_machine(chip: Any, block: Any, offset: Any, value: Any, now: Any) -> None:
    number, register = offset // MACHINE_STEP, offset % MACHINE_STEP
    machine = machine_at(block, number)
    if register == INSTR_AT:
        chip[machine + WRITTEN], chip[machine + ONCE_AT] = value & 0xFFFF, now + _INSTR_CYCLES
        chip[block + NEXT] = min(chip[block + NEXT], chip[machine + ONCE_AT])
        return
    settle_clock(chip, machine, now)
    if register == CLKDIV_AT:
        write_clkdiv(chip, machine, value)
    elif register == EXECCTRL_AT:
        chip[machine + EXECCTRL] = value & _EXECCTRL_BITS
    elif register == PINCTRL_AT:
        chip[machine + PINCTRL] = value
    elif register == SHIFTCTRL_AT:
        changed = (chip[machine + SHIFTCTRL] ^ value) & _JOINS
        chip[machine + SHIFTCTRL] = value & _SHIFTCTRL_BITS
        if changed:
            empty_fifos(chip, machine)
    _configure(chip, block, machine, number)
    wake_machine(chip, block, number, now)


@native
def _write(chip: Any, block: Any, offset: Any, value: Any, now: Any) -> None:
    if offset >= INTE0:
        line, register = (offset - INTE0) // 12, (offset - INTE0) % 12
        if register < 8:
            chip[block + INTE + 2 * line + (register >> 2)] = value & _INTERRUPTS
    elif offset >= SM0 and offset < INTR:
        _write_machine(chip, block, offset - SM0, value, now)
    elif offset >= INSTR_MEM0 and offset < SM0:
        _write_memory(chip, block, offset - INSTR_MEM0 >> 2, value)
        wake_block(chip, block, now)
    elif offset >= TXF0 and offset < RXF0:
        _write_fifo(chip, block, offset - TXF0 >> 2, value, now)
    elif offset == CTRL:
        _write_control(chip, block, value, now)
    elif offset == FDEBUG_AT:
        chip[block + FDEBUG] &= ~value
        wake_block(chip, block, now)  # who is stalled says so again
    elif offset == IRQ:
        change_flags(chip, block, chip[block + FLAGS] & ~value, now)
    elif offset == IRQ_FORCE:
        change_flags(chip, block, chip[block + FLAGS] | value & 0xFF, now)
    elif offset == SYNC_BYPASS:
        chip[block + BYPASS] = value
        wake_block(chip, block, now)


@native
def write_pio(
    core: Any, other: Any, chip: Any, now: Any, address: Any, value: Any, absent: Any
) -> Any:
    """Write the register at an address: whether the core is to look around, or `absent`."""
    index, offset = (address >> _BLOCK_AT) - _PIO0, address & 0xFFFFC
    if offset >= END:
        return absent
    advance_pio(core, other, chip, now)
    pending, of_other = core[_PENDING], other[_PENDING]
    block = BLOCKS + index * BLOCK_SIZE
    if offset >= SM0 and offset < INTR and (offset - SM0) % MACHINE_STEP == INSTR_AT:
        once = chip[machine_at(block, (offset - SM0) // MACHINE_STEP) + ONCE_AT]
        if once < NEVER:  # the one before is done first
            advance_pio(core, other, chip, once + 1)
    _write(chip, block, offset, value, now)
    tell(core, other, chip, now)
    _settle(chip)
    if other[_RUNS] and other[_PENDING] != of_other:
        core[_WINDOW] = 0
        return np.int64(1)
    return np.int64(core[_PENDING] != pending or chip[_DEVICES_AT] < core[_STOP_AT])
