"""The crossbar of the bus: ten ports, each of which takes one access at a time.

RP2040 datasheet, 2.1.1 (ports, arbitration) and 2.1.5 (BUSCTRL, whose events count them in the
order used here). Each core notes by cycle which port it accesses, in a ring of its last cycles; the
other looks there. The cores go by turns, so either may come to a cycle first: the one that loses is
held up, whether it is there already or not: then all its ring shifts, for whoever looks at a cycle
has done with those before it. Accesses that take several cycles are kept apart.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from priot.sim.cpu.native import native
from priot.sim.cpu.state import FLASH_AT, RING, ROM_AT, USB_DPRAM_AT, XIP_SRAM_AT, Chip, Core

APB, PERIPHERALS = 0, 1  # UART, TIMER, ...; DMA, USB, PIO
SRAM5, SRAM4, SRAM3, SRAM2, SRAM1, SRAM0 = 2, 3, 4, 5, 6, 7
XIP, BOOT_ROM = 8, 9
STRIPED = 0x4_0000  # bytes of SRAM whose words go by turns to SRAM0..3; SRAM4 and SRAM5 follow

_CYCLES, _RUNS, _SLEEPS = int(Core.CYCLES), int(Core.RUNS), int(Core.SLEEPS)
_NUMBER, _BUS_STALLS, _BUSY = int(Core.NUMBER), int(Core.BUS_STALLS), int(Core.BUSY)
_HELD, _FROM, _UNTIL = int(Core.HELD_PORT), int(Core.HELD_FROM), int(Core.HELD_UNTIL)
_SHARED, _ONE_BANK, _COUNTED = int(Chip.BUS_SHARED), int(Chip.ONE_BANK), int(Core.COUNTED)
_PRIORITY, _NEXT = int(Chip.BUS_PRIORITY), int(Chip.BUS_NEXT)
_LOST, _TAKEN = int(Chip.LOST), int(Chip.TAKEN)
_SHIFT, _LAST = int(Core.SHIFT), RING - 1
_APB, _PERIPHERALS, _SRAM4, _SRAM0, _XIP, _BOOT_ROM = APB, PERIPHERALS, SRAM4, SRAM0, XIP, BOOT_ROM
_STRIPED = STRIPED


@native
def is_ahead(core: Any, other: Any, now: Any) -> Any:
    """Whether the other core has to come as far first, so that registers see the order of time.

    At the same cycle core 0 goes first, as with SIO's spinlocks: RP2040 datasheet, 2.3.1.3.
    """
    both = other[_RUNS] and other[_SLEEPS] == 0 and core[_RUNS]
    return both and other[_CYCLES] - core[_NUMBER] < now


@native
def port_of_place(at: Any) -> Any:
    """The port that leads to a place in the array of memories."""
    if at < ROM_AT:
        return np.int64(_SRAM0 ^ at >> 2 & 3 if at < _STRIPED else _SRAM4 ^ at >> 12 & 1)
    if at < XIP_SRAM_AT:
        return np.int64(_BOOT_ROM)
    return np.int64(_PERIPHERALS if at >= USB_DPRAM_AT and at < FLASH_AT else _XIP)


@native
def port_of_register(address: Any) -> Any:
    """The port that leads to a register; -1 for what is the core's own: SIO and the PPB."""
    top = address >> 28
    if top == 4:
        return np.int64(_APB)
    if top == 5:
        return np.int64(_PERIPHERALS)
    return np.int64(_XIP if top == 1 else -1)


@native
def note_access(core: Any, cycle: Any, port: Any) -> None:
    """Of a core to a port in a cycle."""
    at = cycle - core[_SHIFT]
    core[_BUSY + (at & _LAST)] = at << 4 | port


@native
def accesses(core: Any, cycle: Any, port: Any) -> Any:
    """Whether a core accesses a port in a cycle."""
    at = cycle - core[_SHIFT]
    return core[_BUSY + (at & _LAST)] == at << 4 | port


@native
def occupy(core: Any, other: Any, chip: Any, cycle: Any, port: Any, length: Any) -> Any:
    """Access a port from a cycle on, for so many cycles; how long that has to wait."""
    waits = np.int64(0)
    if other[_RUNS]:
        waits = contend(core, other, chip, cycle, port, length)
        at = cycle + waits
        shown = np.int64(_SRAM0) if chip[_ONE_BANK] else port
        note_access(core, at, shown)
        if length > 1:
            core[_HELD], core[_FROM], core[_UNTIL] = port, at, at + length
    if core[_COUNTED]:
        chip[_TAKEN + port] += 1
    return waits


@native
def contend(core: Any, other: Any, chip: Any, cycle: Any, port: Any, length: Any) -> Any:
    """How long an access waits for the other core's; where it wins, the other is held up."""
    if not chip[_SHARED]:
        return np.int64(0)
    at = cycle
    shown = np.int64(_SRAM0) if chip[_ONE_BANK] else port
    while True:
        if other[_HELD] == port and at > other[_FROM] and at < other[_UNTIL]:
            chip[_NEXT] = chip[_NEXT] & ~(np.int64(1) << port) | core[_NUMBER] << port
            at = other[_UNTIL]
            continue
        if not accesses(other, at, shown):
            break
        if _yields(core, chip, port):
            is_long = other[_HELD] == port and at == other[_FROM]
            at = other[_UNTIL] if is_long else at + 1
        else:
            chip[_LOST + port] += 1
            _hold_up(other, at, length)
            break
    if at > cycle:
        chip[_LOST + port] += 1
        core[_BUS_STALLS] += at - cycle
    # What the other did already while this access lasts comes behind it.
    for later in range(at + 1, min(at + length, other[_CYCLES])):
        if accesses(other, later, shown):
            chip[_LOST + port] += 1
            _hold_up(other, later, at + length - later)
            break
    return at - cycle


@native
def _yields(core: Any, chip: Any, port: Any) -> Any:
    """Whether the other core goes first: by BUS_PRIORITY, else each in turn. 2.1.1.1."""
    number = core[_NUMBER]
    mine, others = chip[_PRIORITY] >> number & 1, chip[_PRIORITY] >> 1 - number & 1
    if mine != others:
        return mine < others
    first = chip[_NEXT] >> port & 1
    chip[_NEXT] ^= np.int64(1) << port
    return first != number


@native
def _hold_up(other: Any, at: Any, cycles: Any) -> None:
    """Let the other core's accesses from a cycle on, and whatever it does next, come later."""
    for before in range(at - min(cycles, np.int64(_LAST + 1)), at):  # those stay in the past
        entry = before - other[_SHIFT]
        if other[_BUSY + (entry & _LAST)] >> 4 == entry:
            other[_BUSY + (entry & _LAST)] = -1
    other[_SHIFT] += cycles
    if other[_FROM] >= at:
        other[_FROM] += cycles
        other[_UNTIL] += cycles
    other[_CYCLES] += cycles
    other[_BUS_STALLS] += cycles
