"""What each of two cores does on the bus, cycle by cycle, and what they cost each other.

RP2040 datasheet, 2.1.1: a crossbar takes the accesses of both cores to ten ports, one access a
cycle each; SRAM is six of them, four of which share its words in turn (2.6.2). Two cores at one
port in one cycle: one of them waits a cycle, each in turn.

A core's accesses are recorded block by block. An instruction's loads and stores go out from its
first cycle on, one a cycle; the word that holds the next instruction is fetched in its last cycle,
if it is not there yet or if execution does not go straight on. So no core asks for two things in
one cycle. The core's documents do not tell its bus cycle by cycle: docs/cores.md says what this
assumption is worth.

All of it is native; `sim.cycle_counter` calls `record` from Unicorn's hooks.
"""

from typing import Any

import numpy as np
from numba import njit

from sim.machine import MAX_ACCESSES

# Ports of the crossbar (2.1): SRAM0 to SRAM5 follow SRAM.
ROM, XIP, SRAM, APB, AHB, NONE = 0, 1, 2, 8, 9, 15
_STRIPED = 0x4_0000  # bytes of SRAM whose words lie in four banks by turns
_SCRATCH_BITS = 12
_NO_WORD = 1  # no address of a word


@njit(inline="always")
def port_of(address: Any) -> Any:
    """The crossbar's port for an address; NONE for what a core reaches without it."""
    top = address >> 28
    if top == 2:
        offset = address & 0x00FF_FFFF
        if offset < _STRIPED:
            return SRAM + (offset >> 2 & 3)
        return SRAM + 4 + (offset - _STRIPED >> _SCRATCH_BITS & 1)
    if top == 0:
        return ROM
    if top == 1:
        return XIP
    if top == 4:
        return APB
    return AHB if top == 5 else NONE


@njit(inline="always")
def _put(machine: Any, core: Any, cycle: Any, address: Any) -> None:
    port = np.int64(port_of(np.int64(address)))
    count = machine.access_count[core]
    if port == NONE or count >= MAX_ACCESSES:
        return
    if count > 0:  # a peripheral that takes less than the block says
        cycle = max(cycle, (machine.accesses[core, count - 1] >> 4) + 1)
    machine.accesses[core, count] = cycle << 4 | port
    machine.access_count[core] = count + 1


@njit
def note_data(machine: Any, address: Any) -> None:
    """The present block loads or stores."""
    if machine.bus_recorded and machine.data_count < machine.data.shape[0]:
        machine.data[machine.data_count] = address
        machine.data_count += 1


@njit
def record(machine: Any, block: Any, slot: Any, executed: Any) -> None:
    """Book the accesses of the first `executed` bytes of a block; `slot` is its first."""
    core = machine.bus_core
    cycle = machine.bus_block_start - machine.bus_stalls[core]
    start = np.int64(block.end) - np.int64(block.size)
    if start != machine.bus_next[core]:
        machine.bus_last_word[core] = _NO_WORD
    machine.bus_next[core] = start + np.int64(executed)
    data = 0
    for at in range(np.int64(executed) >> 1):
        word = np.uint32(start + 2 * at & ~3)
        if word != machine.bus_last_word[core]:
            _put(machine, core, cycle - 1, word)
            machine.bus_last_word[core] = word
        cost = np.int64(machine.costs[block.costs + at])
        if cost != 0:
            for access in range(machine.accesses_16[machine.code[slot + at]]):
                if data < machine.data_count:
                    _put(machine, core, cycle + access, machine.data[data])
                    data += 1
            cycle += cost - 1


@njit
def arbitrate(machine: Any, present: Any, wait: Any) -> None:
    """Settle who waits for whom, as far as both cores have come, and forget what is settled.

    Args:
        present: shape (2,); the cycle that each core has come to, without its stalls.
        wait: shape (2,); whether a core rests and asks for nothing before the other's present.
    """
    stalls = machine.bus_stalls
    place = np.zeros(2, np.int64)
    while True:
        ahead = np.empty(2, np.int64)  # the next access of each core, or when there may be one
        for core in range(2):
            if place[core] < machine.access_count[core]:
                ahead[core] = (machine.accesses[core, place[core]] >> 4) + stalls[core]
            elif wait[core]:
                ahead[core] = np.iinfo(np.int64).max
            else:
                ahead[core] = present[core] + stalls[core]
        first = 0 if ahead[0] <= ahead[1] else 1
        if place[first] == machine.access_count[first]:
            break
        other = 1 - first
        if ahead[0] == ahead[1]:
            if place[other] == machine.access_count[other]:
                break  # it may yet ask for the same
            port = machine.accesses[0, place[0]] & 15
            if machine.bus_one_bank or port == machine.accesses[1, place[1]] & 15:
                port = SRAM if machine.bus_one_bank else port
                winner = 1 - machine.bus_winner[port]
                machine.bus_winner[port] = winner
                machine.bus_lost[port] += 1
                stalls[1 - winner] += 1
                place[winner] += 1
                continue
            place[other] += 1
        place[first] += 1
    for core in range(2):
        left = machine.access_count[core] - place[core]
        machine.accesses[core, :left] = machine.accesses[
            core, place[core] : place[core] + left
        ].copy()
        machine.access_count[core] = left
