"""The time of the state machines: both blocks in lockstep, from one cycle to the next that matters.

Nothing is stepped while nobody can notice: what happened is found out at the next access, or at
the cycle at which a machine may do what a core, a DMA channel or somebody at the pins waits for.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from priot.sim.cpu.lines import set_line
from priot.sim.cpu.native import native
from priot.sim.cpu.state import NEVER, PIN_LOG_SIZE, Chip
from priot.sim.devices.pins import PIO0_FUNCTION, Bank, drive_pins
from priot.sim.devices.pio.divider import pass_pulses, settle_clock, wake
from priot.sim.devices.pio.execution import execute, hold_pins, refill_if_empty
from priot.sim.devices.pio.places import (
    AT,
    BANK,
    BEGUN,
    BLOCK_SIZE,
    BLOCKS,
    BYPASS,
    DELAY,
    DELAY_MASK,
    ENABLED,
    FIRST,
    FLAG,
    FLAGS,
    GIVEN,
    GIVEN_STALLS,
    GOES,
    HELD_BY,
    INPUTS,
    INTE,
    INTF,
    LOWERED,
    MACHINE_SIZE,
    MACHINES,
    MACHINES_OF_A_BLOCK,
    MEMORY,
    NEXT,
    NEXT_PULSE,
    NOW,
    ONCE_AT,
    PADOE,
    PADOUT,
    PC,
    PIN,
    RAISED,
    RAISES,
    RIVAL,
    SECOND,
    STALL,
    TICK,
    TOLD,
    WRITTEN,
)

FIRST_IRQ = 7  # PIO0_0; then PIO0_1, PIO1_0, PIO1_1
_REQUESTS, _LISTENED = int(Chip.DATA_REQUESTS), int(Chip.REQUESTS_AWAITED)
_PIO_AT, _FUNCTION = int(Chip.PIO_AT), BANK + int(Bank.FUNCTION) + PIO0_FUNCTION
_NOTICED, _LOGGED = BANK + int(Bank.NOTICED), BANK + int(Bank.LOGGED)
_PINS_AWAITED = int(Chip.PINS_AWAITED)
# Cycles between two looks at the log of the pins, which is emptied from a quarter on: the rest has
# room for them, and for an instruction whose words all miss the XIP cache.
_LOG_INTERVAL = PIN_LOG_SIZE // 8


@native
def machine_at(block: Any, number: Any) -> Any:
    """The place of a machine."""
    return block + MACHINES + number * MACHINE_SIZE


@native
def runs(chip: Any, block: Any, machine: Any, number: Any) -> Any:
    """Whether its clock enables do anything."""
    return chip[block + ENABLED] >> number & 1 or chip[machine + GIVEN_STALLS]


@native
def wake_machine(chip: Any, block: Any, number: Any, now: Any) -> None:
    """Let a machine look again: something changed that it may wait for."""
    machine = machine_at(block, number)
    wake(chip, machine, now, runs(chip, block, machine, number))
    chip[block + NEXT] = min(chip[block + NEXT], chip[machine + AT])


@native
def wake_block(chip: Any, block: Any, now: Any) -> None:
    """The same for all machines of a block."""
    for number in range(MACHINES_OF_A_BLOCK):
        wake_machine(chip, block, number, now)


@native
def _wake_those(chip: Any, block: Any, stall: Any, now: Any) -> None:
    """The same for those that wait for one thing."""
    for number in range(MACHINES_OF_A_BLOCK):
        if chip[machine_at(block, number) + STALL] == stall:
            wake_machine(chip, block, number, now)


@native
def change_flags(chip: Any, block: Any, flags: Any, now: Any) -> None:
    """New IRQ flags, seen from a cycle on."""
    if flags != chip[block + FLAGS]:
        chip[block + FLAGS] = flags
        chip[TOLD] = 0
        _wake_those(chip, block, FLAG, now)


@native
def raw_interrupts(chip: Any, index: Any) -> Any:
    """INTR: data in RX, room in TX, flags 0 to 3."""
    requests = chip[_REQUESTS] >> 8 * index
    flags = chip[BLOCKS + index * BLOCK_SIZE + FLAGS]
    return requests >> 4 & 15 | (requests & 15) << 4 | (flags & 15) << 8


@native
def tell(core: Any, other: Any, chip: Any, now: Any) -> None:
    """Drive the interrupt requests of both blocks."""
    chip[TOLD] = 1
    for index in range(2):
        raw = raw_interrupts(chip, index)
        for line in range(2):
            at = BLOCKS + index * BLOCK_SIZE + 2 * line
            level = (raw & chip[at + INTE] | chip[at + INTF]) != 0
            irq = FIRST_IRQ + 2 * index + line
            set_line(core, irq, level, now)
            set_line(other, irq, level, now)


@native
def _at_once(
    chip: Any, block: Any, machine: Any, number: Any, inputs: Any, flags: Any, now: Any
) -> None:
    """Execute what was written to INSTR, whatever the clock divider says; 3.5.7."""
    op = chip[machine + WRITTEN]
    settle_clock(chip, machine, now)
    chip[machine + GIVEN], chip[machine + ONCE_AT] = -1, NEVER
    chip[machine + BEGUN] = chip[machine + STALL] = 0
    stall = execute(chip, block, machine, number, op, inputs, flags, True)
    chip[machine + GIVEN_STALLS] = stall != GOES
    if stall != GOES:
        chip[machine + GIVEN] = op
    if chip[machine + TICK] == now:
        pass_pulses(chip, machine, 1)
    going = runs(chip, block, machine, number)
    chip[machine + AT] = chip[machine + TICK] if going else np.int64(NEVER)


@native
def _pulse(
    chip: Any,
    block: Any,
    machine: Any,
    number: Any,
    inputs: Any,
    flags: Any,
    settled: Any,
) -> None:
    """What a machine does at a clock enable; `settled`: no input is on its way."""
    op = chip[machine + GIVEN]
    if op < 0 and chip[machine + DELAY]:
        refill_if_empty(chip, machine)
        pass_pulses(chip, machine, chip[machine + DELAY])
        chip[machine + DELAY] = 0
        chip[machine + AT] = chip[machine + TICK]
        return
    given = op >= 0
    if given:
        chip[machine + GIVEN] = -1
        if chip[machine + GIVEN_STALLS] == 0:
            chip[machine + DELAY] = 0  # its own delay is the one that counts
    else:
        op = chip[block + MEMORY + chip[machine + PC]]
    stall = execute(chip, block, machine, number, op, inputs, flags, given)
    if stall != GOES:
        if given:
            chip[machine + GIVEN] = op
        pass_pulses(chip, machine, 1)
        if stall == NEXT_PULSE or (stall == PIN and not settled):
            chip[machine + AT] = chip[machine + TICK]
            return
        chip[machine + STALL], chip[machine + AT] = stall, NEVER
        if stall == PIN:
            chip[_PINS_AWAITED] = 1
        return
    # Delays of what was written to INSTR, and of an instruction that executes data, are ignored.
    if given and chip[machine + GIVEN_STALLS]:
        chip[machine + GIVEN_STALLS] = 0
        pass_pulses(chip, machine, 1)
        going = runs(chip, block, machine, number)
        chip[machine + AT] = chip[machine + TICK] if going else np.int64(NEVER)
        return
    if chip[machine + GIVEN] >= 0:
        pass_pulses(chip, machine, 1)
    else:
        pass_pulses(chip, machine, 1 + (op >> 8 & chip[machine + DELAY_MASK]))
    chip[machine + AT] = chip[machine + TICK]


@native
def _cycle(chip: Any, block: Any, now: Any, levels: Any) -> None:
    """One cycle of a block in which something happens."""
    bypass = chip[block + BYPASS]
    inputs = chip[SECOND] & ~bypass | levels & bypass
    flags = chip[block + FLAGS]
    settled = levels == chip[FIRST] and levels == chip[SECOND]
    holders = chip[block + HELD_BY]
    for number in range(MACHINES_OF_A_BLOCK):
        machine = block + MACHINES + number * MACHINE_SIZE
        if holders >> number & 1:
            hold_pins(chip, block, machine)
        if chip[machine + ONCE_AT] == now:
            _at_once(chip, block, machine, number, inputs, flags, now)
        elif chip[machine + AT] == now:
            _pulse(chip, block, machine, number, inputs, flags, settled)
    _end_cycle(chip, block, now + 1)


@native
def _end_cycle(chip: Any, block: Any, now: Any) -> None:
    """What follows for the next cycle, `now`."""
    happens = np.int64(NEVER)
    for number in range(MACHINES_OF_A_BLOCK):
        machine = machine_at(block, number)
        happens = min(happens, chip[machine + AT], chip[machine + ONCE_AT])
    chip[block + NEXT] = happens
    if chip[block + HELD_BY]:
        _hold_on(chip, block, now)
    if chip[block + RAISED] | chip[block + LOWERED]:
        flags = chip[block + FLAGS] & ~chip[block + LOWERED] | chip[block + RAISED]
        chip[block + RAISED] = chip[block + LOWERED] = 0
        change_flags(chip, block, flags, now)


@native
def _hold_on(chip: Any, block: Any, now: Any) -> None:
    """Come back in the next cycle if held writes then change what the last one left."""
    out, enable = chip[block + PADOUT], chip[block + PADOE]
    for number in range(MACHINES_OF_A_BLOCK):
        if chip[block + HELD_BY] >> number & 1:
            hold_pins(chip, block, machine_at(block, number))
    if chip[block + PADOUT] != out or chip[block + PADOE] != enable:
        chip[block + NEXT] = now
    chip[block + PADOUT], chip[block + PADOE] = out, enable


@native
def drive_block(core: Any, other: Any, chip: Any, index: Any, now: Any) -> None:
    """Put the outputs of a block to the pins that are given to it."""
    block = BLOCKS + index * BLOCK_SIZE
    out, enable = chip[block + PADOUT], chip[block + PADOE]
    drive_pins(core, other, chip, BANK, PIO0_FUNCTION + index, out, enable, now)


@native
def _notice(core: Any, other: Any, chip: Any, now: Any) -> None:
    """After a FIFO or a flag changed: the interrupts that hang on them."""
    chip[TOLD] = 1
    first, second = BLOCKS + INTE, BLOCKS + BLOCK_SIZE + INTE
    if chip[first] | chip[first + 2] | chip[second] | chip[second + 2]:
        tell(core, other, chip, now)


@native
def _alone(core: Any, other: Any, chip: Any, index: Any, number: Any, now: Any, end: Any) -> Any:
    """Go on with one machine while nothing else happens; the cycle up to which all is done."""
    block = BLOCKS + index * BLOCK_SIZE
    machine = machine_at(block, number)
    bypass, awaited = chip[block + BYPASS], chip[_PINS_AWAITED]
    first, second = chip[FIRST], chip[SECOND]
    while now < end:
        levels = chip[INPUTS]
        if awaited and levels != first:
            break  # and somebody else wakes
        at = chip[machine + AT]
        if at > now:
            at = min(at, end)
            second = first if at == now + 1 else levels
            first = levels
            now = at
            continue
        inputs, settled = second & ~bypass | levels & bypass, levels == first and levels == second
        flags = chip[block + FLAGS]
        _pulse(chip, block, machine, number, inputs, flags, settled)
        second, first = first, levels
        now += 1
        drive_block(core, other, chip, index, now)
        if chip[TOLD] == 0:
            _notice(core, other, chip, now)
        changes = chip[block + RAISED] | chip[block + LOWERED] | chip[block + HELD_BY]
        if changes or chip[machine + STALL]:
            break
    chip[FIRST], chip[SECOND] = first, second
    _end_cycle(chip, block, now)
    if chip[TOLD] == 0:
        _notice(core, other, chip, now)
    return now


@native
def advance_pio(core: Any, other: Any, chip: Any, until: Any) -> None:
    """Do all cycles before `until`."""
    first, second = np.int64(BLOCKS), np.int64(BLOCKS + BLOCK_SIZE)
    now = chip[NOW]
    while now < until:
        levels = chip[INPUTS]
        if levels != chip[FIRST] and chip[_PINS_AWAITED]:
            chip[_PINS_AWAITED] = 0
            _wake_those(chip, first, PIN, now)
            _wake_those(chip, second, PIN, now)
        of_first, of_second = chip[first + NEXT], chip[second + NEXT]
        happens = min(of_first, of_second)
        if happens > now:
            happens = min(happens, until)
            chip[SECOND] = chip[FIRST] if happens == now + 1 else levels
            chip[FIRST] = levels
            now = happens
            continue
        index = np.int64(of_first > now)
        lone = _lone(chip, first + index * BLOCK_SIZE, now)
        if lone >= 0:
            end = min(until, of_second if index == 0 else of_first, chip[RIVAL])
            if end > now:
                now = _alone(core, other, chip, index, lone, now, end)
                continue
        if of_first == now:
            _cycle(chip, first, now, levels)
        if of_second == now:
            _cycle(chip, second, now, levels)
        chip[SECOND] = chip[FIRST]
        chip[FIRST] = levels
        now += 1
        if of_first < now:
            drive_block(core, other, chip, 0, now)
        if of_second < now:
            drive_block(core, other, chip, 1, now)
        if chip[TOLD] == 0:
            _notice(core, other, chip, now)
    chip[NOW] = now
    schedule_pio(chip)


@native
def _lone(chip: Any, block: Any, now: Any) -> Any:
    """The machine that alone of its block does something in a cycle, or -1.

    RIVAL is when another one does.
    """
    lone, rival = np.int64(-1), np.int64(NEVER)
    if chip[block + HELD_BY]:
        return lone
    for number in range(MACHINES_OF_A_BLOCK):
        machine = block + MACHINES + number * MACHINE_SIZE
        rival = min(rival, chip[machine + ONCE_AT])
        if chip[machine + AT] > now:
            rival = min(rival, chip[machine + AT])
        elif lone >= 0:
            return np.int64(-1)
        else:
            lone = np.int64(number)
    chip[RIVAL] = rival
    return lone


@native
def _awaited(chip: Any, index: Any) -> Any:
    """The machines of a block that may do what somebody waits for, a bit each."""
    block = BLOCKS + index * BLOCK_SIZE
    enabled = chip[block + INTE] | chip[block + INTE + 2]
    drives = chip[_FUNCTION + index] & chip[_NOTICED]
    if drives or (enabled >> 8 and chip[block + RAISES]):
        return np.int64(15)
    # A request that is already there comes again only after an access.
    requests = chip[_REQUESTS] >> 8 * index
    waited = chip[_LISTENED] >> 8 * index | enabled >> 4 & 15 | (enabled & 15) << 4
    waited &= ~requests
    return (waited | waited >> 4) & 15


@native
def schedule_pio(chip: Any) -> None:
    """Say when a core could next notice something of what the machines do by themselves."""
    happens = np.int64(NEVER)
    by_others = False
    for index in range(2):
        block = BLOCKS + index * BLOCK_SIZE
        awaited = _awaited(chip, index)
        number = 0
        while awaited:
            machine = machine_at(block, number)
            if awaited & 1:
                happens = min(happens, chip[machine + AT], chip[machine + ONCE_AT])
                by_others |= chip[machine + STALL] in (PIN, FLAG)
            awaited >>= 1
            number += 1
    soon = min(chip[BLOCKS + NEXT], chip[BLOCKS + BLOCK_SIZE + NEXT])
    if by_others:
        happens = min(happens, soon)
    if chip[_LOGGED] and soon < NEVER:
        happens = min(happens, max(soon, chip[NOW] + _LOG_INTERVAL))
    chip[_PIO_AT] = happens + 1 if happens < NEVER else np.int64(NEVER)
