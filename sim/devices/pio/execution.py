"""What one instruction of a state machine does in one cycle. RP2040 datasheet, 3.4.

Machines see the inputs and IRQ flags of the beginning of a cycle, and a write to pins shows at its
end: of several, that of the machine with the highest number stays (3.5.6).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from priot.sim.cpu.native import native
from priot.sim.devices.pio.fifos import put, refill
from priot.sim.devices.pio.places import (
    AUTOPULL,
    AUTOPUSH,
    BEGUN,
    COUNT,
    ENABLE_BIT,
    EXECCTRL,
    FDEBUG,
    FIFO,
    FLAG,
    GIVEN,
    GOES,
    HELD,
    HELD_BY,
    HELD_DIRECTIONS,
    HELD_MASK,
    IN_BASE,
    IN_RIGHT,
    ISR,
    ISR_COUNT,
    JMP_PIN,
    LOWERED,
    NEXT_PULSE,
    OSR,
    OSR_COUNT,
    OUT_BASE,
    OUT_MASK,
    OUT_RIGHT,
    PADOE,
    PADOUT,
    PC,
    PIN,
    PULL_THRESHOLD,
    PUSH_THRESHOLD,
    RAISED,
    RX,
    SET_BASE,
    SET_MASK,
    SIDE_BASE,
    SIDE_BITS,
    SIDE_DIRECTIONS,
    SIDE_MASK,
    SIDE_OPTIONAL,
    STICKY,
    TX,
    WRAP_BOTTOM,
    WRAP_TOP,
    X,
    Y,
)

ALL = 0xFFFF_FFFF
JMP, WAIT, IN, OUT, PUSH_PULL, MOV, IRQ = range(7)
TXSTALL, RXSTALL = 24, 0  # low bits of FDEBUG's fields


@native
def _rotate(bits: Any, count: Any) -> Any:
    return (bits << count | bits >> 32 - count) & ALL


@native
def _write_pins(
    chip: Any, block: Any, machine: Any, number: Any, mask: Any, data: Any, directions: Any
) -> None:
    """Of OUT, SET and MOV; data and mask are where the pins are."""
    at = block + (PADOE if directions else PADOUT)
    chip[at] = chip[at] & ~mask | data & mask
    if chip[machine + STICKY]:
        chip[machine + HELD], chip[machine + HELD_MASK] = data & mask, mask
        chip[machine + HELD_DIRECTIONS] = directions
        chip[block + HELD_BY] |= 1 << number


@native
def hold_pins(chip: Any, block: Any, machine: Any) -> None:
    """Assert the last write once more: EXECCTRL_OUT_STICKY."""
    at = block + (PADOE if chip[machine + HELD_DIRECTIONS] else PADOUT)
    chip[at] = chip[at] & ~chip[machine + HELD_MASK] | chip[machine + HELD]


@native
def let_go_of_pins(chip: Any, block: Any, machine: Any, number: Any) -> None:
    """Hold no write any more."""
    chip[machine + HELD_MASK] = chip[machine + HELD] = 0
    chip[block + HELD_BY] &= ~(1 << number)


@native
def _out_pins(chip: Any, block: Any, machine: Any, number: Any, data: Any, directions: Any) -> None:
    enable = chip[machine + ENABLE_BIT]
    if enable >= 0 and data >> enable & 1 == 0:
        let_go_of_pins(chip, block, machine, number)
        return
    mask, data = chip[machine + OUT_MASK], _rotate(data, chip[machine + OUT_BASE])
    _write_pins(chip, block, machine, number, mask, data, directions)


@native
def _jumps(chip: Any, machine: Any, condition: Any, inputs: Any) -> Any:
    """Whether the condition of a JMP holds."""
    x, y = chip[machine + X], chip[machine + Y]
    if condition == 0:
        return True
    if condition == 1:
        return x == 0
    if condition == 2:
        chip[machine + X] = x - 1 & ALL
        return x != 0
    if condition == 3:
        return y == 0
    if condition == 4:
        chip[machine + Y] = y - 1 & ALL
        return y != 0
    if condition == 5:
        return x != y
    if condition == 6:
        return inputs >> chip[machine + JMP_PIN] & 1 != 0
    return chip[machine + OSR_COUNT] < chip[machine + PULL_THRESHOLD]


@native
def _flag(number: Any, index: Any) -> Any:
    """The bit of an IRQ flag; one that is relative has the machine's number in it."""
    flag = index & 7
    if index & 0x10:
        flag = flag & 4 | flag + number & 3
    return np.int64(1) << flag


@native
def _wait(
    chip: Any, block: Any, machine: Any, number: Any, op: Any, inputs: Any, flags: Any
) -> Any:
    wanted, source, index = op >> 7 & 1, op >> 5 & 3, op & 31
    if source == 2:
        bit = _flag(number, index)
        if (flags & bit != 0) != (wanted != 0):
            return np.int64(FLAG)
        if wanted:
            chip[block + LOWERED] |= bit
        return np.int64(GOES)
    if source == 1:
        index = index + chip[machine + IN_BASE] & 31
    level = inputs >> index & 1 if source < 2 else np.int64(0)
    return np.int64(GOES if level == wanted else PIN)


@native
def _push(chip: Any, block: Any, machine: Any, number: Any) -> Any:
    """The ISR into RX and clear it; whether there was room."""
    if not put(chip, machine, RX, chip[machine + ISR]):
        chip[block + FDEBUG] |= 1 << RXSTALL + number
        return False
    chip[machine + ISR] = chip[machine + ISR_COUNT] = 0
    return True


@native
def _source(chip: Any, machine: Any, source: Any, inputs: Any) -> Any:
    """What IN and MOV have in common."""
    if source == 0:
        base = chip[machine + IN_BASE]
        return (inputs >> base | inputs << 32 - base) & ALL
    if source == 1:
        return chip[machine + X]
    if source == 2:
        return chip[machine + Y]
    if source == 6:
        return chip[machine + ISR]
    if source == 7:
        return chip[machine + OSR]
    return np.int64(0)


@native
def _in(chip: Any, block: Any, machine: Any, number: Any, op: Any, inputs: Any) -> Any:
    """3.5.4.1: shifted once, whether or not the push stalls."""
    if chip[machine + BEGUN] == 0:
        count = (op - 1 & 31) + 1
        data = _source(chip, machine, op >> 5 & 7, inputs) & (1 << count) - 1
        isr = chip[machine + ISR]
        if chip[machine + IN_RIGHT]:
            isr = isr >> count | data << 32 - count
        else:
            isr = (isr << count | data) & ALL
        chip[machine + ISR] = isr
        chip[machine + ISR_COUNT] = min(32, chip[machine + ISR_COUNT] + count)
    full = chip[machine + ISR_COUNT] >= chip[machine + PUSH_THRESHOLD]
    if chip[machine + AUTOPUSH] and full and not _push(chip, block, machine, number):
        return np.int64(FIFO)
    return np.int64(GOES)


@native
def _stall_on_tx(chip: Any, block: Any, number: Any) -> Any:
    chip[block + FDEBUG] |= 1 << TXSTALL + number
    return np.int64(FIFO)


@native
def _is_empty(chip: Any, machine: Any) -> Any:
    """Whether the OSR has been shifted out."""
    return chip[machine + OSR_COUNT] >= chip[machine + PULL_THRESHOLD]


@native
def refill_if_empty(chip: Any, machine: Any) -> None:
    """The autopull of cycles without an OUT, and after one: 3.5.4.2."""
    if chip[machine + AUTOPULL] and _is_empty(chip, machine) and chip[machine + TX + COUNT]:
        refill(chip, machine)


@native
def _out(chip: Any, block: Any, machine: Any, number: Any, op: Any) -> Any:
    if chip[machine + AUTOPULL] and _is_empty(chip, machine):
        if chip[machine + TX + COUNT] == 0:
            return _stall_on_tx(chip, block, number)
        refill(chip, machine)  # and it cannot be shifted out in the same cycle
        return np.int64(NEXT_PULSE)
    count, osr = (op - 1 & 31) + 1, chip[machine + OSR]
    if chip[machine + OUT_RIGHT]:
        data = osr & (1 << count) - 1
        osr >>= count
    else:
        data = osr >> 32 - count
        osr = osr << count & ALL
    chip[machine + OSR] = osr
    chip[machine + OSR_COUNT] = min(32, chip[machine + OSR_COUNT] + count)
    destination = op >> 5 & 7
    if destination == 0:
        _out_pins(chip, block, machine, number, data, 0)
    elif destination == 1:
        chip[machine + X] = data
    elif destination == 2:
        chip[machine + Y] = data
    elif destination == 4:
        _out_pins(chip, block, machine, number, data, 1)
    elif destination == 5:
        chip[machine + PC] = data & 31
    elif destination == 6:
        chip[machine + ISR], chip[machine + ISR_COUNT] = data, count
    elif destination == 7:
        chip[machine + GIVEN] = data & 0xFFFF
    refill_if_empty(chip, machine)
    return np.int64(GOES)


@native
def _push_or_pull(chip: Any, block: Any, machine: Any, number: Any, op: Any) -> Any:
    only_if, blocks = op & 0x40, op & 0x20
    if op & 0x80 == 0:
        if only_if and chip[machine + ISR_COUNT] < chip[machine + PUSH_THRESHOLD]:
            return np.int64(GOES)
        if not _push(chip, block, machine, number):
            if blocks:
                return np.int64(FIFO)
            chip[machine + ISR] = chip[machine + ISR_COUNT] = 0  # the data are lost
        return np.int64(GOES)
    # 3.4.7.2: with autopull, a PULL has nothing to do while there is something in the OSR.
    if (only_if or chip[machine + AUTOPULL]) and not _is_empty(chip, machine):
        return np.int64(GOES)
    if chip[machine + TX + COUNT]:
        refill(chip, machine)
    elif blocks:
        return _stall_on_tx(chip, block, number)
    else:
        chip[machine + OSR], chip[machine + OSR_COUNT] = chip[machine + X], 0
    return np.int64(GOES)


@native
def _reverse(bits: Any) -> Any:
    bits = (bits >> 1 & 0x5555_5555) | (bits & 0x5555_5555) << 1
    bits = (bits >> 2 & 0x3333_3333) | (bits & 0x3333_3333) << 2
    bits = (bits >> 4 & 0x0F0F_0F0F) | (bits & 0x0F0F_0F0F) << 4
    bits = (bits >> 8 & 0x00FF_00FF) | (bits & 0x00FF_00FF) << 8
    return bits >> 16 | (bits & 0xFFFF) << 16


@native
def _mov(chip: Any, block: Any, machine: Any, number: Any, op: Any, inputs: Any) -> None:
    source, change, destination = op & 7, op >> 3 & 3, op >> 5 & 7
    if source == 5:  # STATUS
        control = chip[machine + EXECCTRL]
        level = chip[machine + (RX if control & 0x10 else TX) + COUNT]
        value = np.int64(ALL if level < control & 15 else 0)
    else:
        value = _source(chip, machine, source, inputs)
    if change == 1:
        value ^= ALL
    elif change == 2:
        value = _reverse(value)
    if destination == 0:
        data = _rotate(value, chip[machine + OUT_BASE])
        _write_pins(chip, block, machine, number, chip[machine + OUT_MASK], data, 0)
    elif destination == 1:
        chip[machine + X] = value
    elif destination == 2:
        chip[machine + Y] = value
    elif destination == 4:
        chip[machine + GIVEN] = value & 0xFFFF
    elif destination == 5:
        chip[machine + PC] = value & 31
    elif destination == 6:
        chip[machine + ISR], chip[machine + ISR_COUNT] = value, 0
    elif destination == 7:
        chip[machine + OSR], chip[machine + OSR_COUNT] = value, 0


@native
def _irq(chip: Any, block: Any, machine: Any, number: Any, op: Any, flags: Any) -> Any:
    bit = _flag(number, op & 31)
    if op & 0x40:
        chip[block + LOWERED] |= bit
    elif chip[machine + BEGUN] == 0:
        chip[block + RAISED] |= bit
        return np.int64(FLAG if op & 0x20 else GOES)
    elif flags & bit:
        return np.int64(FLAG)
    return np.int64(GOES)


@native
def _set(chip: Any, block: Any, machine: Any, number: Any, op: Any) -> None:
    destination, data = op >> 5 & 7, op & 31
    if destination == 0 or destination == 4:
        data, mask = _rotate(data, chip[machine + SET_BASE]), chip[machine + SET_MASK]
        _write_pins(chip, block, machine, number, mask, data, np.int64(destination == 4))
    elif destination == 1:
        chip[machine + X] = data
    elif destination == 2:
        chip[machine + Y] = data


@native
def _side_set(chip: Any, block: Any, machine: Any, op: Any) -> None:
    """3.5.1: in the first cycle of an instruction, whether it stalls or not."""
    bits = chip[machine + SIDE_BITS]
    value = (op >> 8 & 31) >> 5 - bits
    if chip[machine + SIDE_OPTIONAL] and value >> bits - 1 & 1 == 0:
        return
    mask = chip[machine + SIDE_MASK]
    at = block + (PADOE if chip[machine + SIDE_DIRECTIONS] else PADOUT)
    chip[at] = chip[at] & ~mask | _rotate(value, chip[machine + SIDE_BASE]) & mask


@native
def execute(
    chip: Any,
    block: Any,
    machine: Any,
    number: Any,
    op: Any,
    inputs: Any,
    flags: Any,
    given: Any,
) -> Any:
    """Execute or try an instruction; what it waits for, or GOES.

    `given`: it does not come from PC, which stays unless the instruction writes it.
    """
    kind = op >> 13
    stall = np.int64(GOES)
    jumps = given
    if kind == JMP:
        if _jumps(chip, machine, op >> 5 & 7, inputs):
            chip[machine + PC] = op & 31
            jumps = True
    elif kind == WAIT:
        stall = _wait(chip, block, machine, number, op, inputs, flags)
    elif kind == IN:
        stall = _in(chip, block, machine, number, op, inputs)
    elif kind == OUT:
        stall = _out(chip, block, machine, number, op)
        jumps = jumps or op >> 5 & 7 == 5
    elif kind == PUSH_PULL:
        stall = _push_or_pull(chip, block, machine, number, op)
    elif kind == MOV:
        _mov(chip, block, machine, number, op, inputs)
        jumps = jumps or op >> 5 & 7 == 5
    elif kind == IRQ:
        stall = _irq(chip, block, machine, number, op, flags)
    else:
        _set(chip, block, machine, number, op)
    if chip[machine + SIDE_BITS] and chip[machine + BEGUN] == 0:
        _side_set(chip, block, machine, op)
    if kind != OUT:
        refill_if_empty(chip, machine)
    if stall != GOES:
        chip[machine + BEGUN] = 1
        return stall
    chip[machine + BEGUN] = 0
    if not jumps:
        pc = chip[machine + PC]
        top = pc == chip[machine + WRAP_TOP]
        chip[machine + PC] = chip[machine + WRAP_BOTTOM] if top else pc + 1 & 31
    return stall
