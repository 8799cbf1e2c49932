"""The DMA as a master of the bus: what its accesses take, and whom they hold up.

RP2040 datasheet, 2.1.1. The DMA comes behind the cores in the simulator: where a core had a port in
the cycle in which the DMA wants it, either the DMA waits, or the core has the cycle still to pass.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from priot.sim.cpu.crossbar import SRAM0, accesses, port_of_place, port_of_register
from priot.sim.cpu.flash_cache import look_up
from priot.sim.cpu.native import native
from priot.sim.cpu.places import place
from priot.sim.cpu.state import FLASH_AT, Chip, Core

APB_READ, APB_WRITE = 2, 3  # cycles beyond one: 2.1.4
READS, WRITES = 2, 3  # bits of the bus priorities
_SRAM0 = SRAM0
_APB_READ, _APB_WRITE, _READS, _WRITES = APB_READ, APB_WRITE, READS, WRITES
_SHARED, _ONE_BANK, _PRIORITY = (
    *(int(Chip.BUS_SHARED), int(Chip.ONE_BANK), int(Chip.BUS_PRIORITY)),
)
_LOST, _NEXT, _MODELLED = int(Chip.LOST), int(Chip.DMA_NEXT), int(Chip.XIP_MODELLED)
_RUNS, _NUMBER, _OWED = int(Core.RUNS), int(Core.NUMBER), int(Core.OWED)
_HELD, _FROM, _UNTIL = int(Core.HELD_PORT), int(Core.HELD_FROM), int(Core.HELD_UNTIL)


@native
def _port(address: Any) -> Any:
    at = place(address)
    return port_of_place(at) if at >= 0 else port_of_register(address)


@native
def _waits_for(core: Any, chip: Any, cycle: Any, port: Any, master: Any) -> Any:
    """Whether a core's access goes first, in a cycle and on a port."""
    if core[_RUNS] == 0:
        return False
    if core[_HELD] == port and cycle > core[_FROM] and cycle < core[_UNTIL]:
        return True
    shown = np.int64(_SRAM0) if chip[_ONE_BANK] else port
    if not accesses(core, cycle, shown):
        return False
    chip[_LOST + port] += 1
    mine, its = chip[_PRIORITY] >> master & 1, chip[_PRIORITY] >> core[_NUMBER] & 1
    if mine == its:  # each in turn
        waits = chip[_NEXT] >> port & 1 != 0
        chip[_NEXT] ^= np.int64(1) << port
    else:
        waits = mine < its
    if not waits:
        core[_OWED] += 1
    return waits


@native
def _wait(core: Any, other: Any, chip: Any, cycle: Any, address: Any, master: Any) -> Any:
    """Cycles until the port is free."""
    port = _port(address)
    if chip[_SHARED] == 0 or port < 0:
        return np.int64(0)
    at = np.int64(cycle)
    while True:
        first = _waits_for(core, chip, at, port, master)
        if not (_waits_for(other, chip, at, port, master) or first):
            return at - cycle
        at += 1


@native
def time_of_read(core: Any, other: Any, chip: Any, lines: Any, cycle: Any, address: Any) -> Any:
    """Cycles that a read takes from a cycle on."""
    takes = 1 + _wait(core, other, chip, cycle, address, _READS)
    if address >> 28 == 4:
        return takes + _APB_READ
    if place(address) >= FLASH_AT and chip[_MODELLED]:
        takes += look_up(chip, lines, address & ~3)
    return takes


@native
def time_of_write(core: Any, other: Any, chip: Any, cycle: Any, address: Any) -> Any:
    """Cycles that a write takes from a cycle on."""
    takes = 1 + _wait(core, other, chip, cycle, address, _WRITES)
    return takes + _APB_WRITE if address >> 28 == 4 else takes
