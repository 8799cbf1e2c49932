"""Accesses to peripherals, exact to the cycle in the middle of a block.

Unicorn's MMIO callbacks see a stale PC, its memory hooks see the right one but take every access
off the fast path. Hooks for *protected* memory do neither: registers are mapped as MMIO without
any rights, so each access first raises UC_HOOK_MEM_READ_PROT or WRITE_PROT with PC at the
instruction, and SRAM is none the worse for it. What such a hook answers with True goes on to
the MMIO callbacks; they give a load the value that was left in `bus_value`.
"""

from typing import Any

import numpy as np
from numba import cfunc, njit, types
from numba.np.numpy_support import carray
from unicorn import arm_const, unicorn_const

from sim.cycle_counter import code_slot, read_register
from sim.machine import MACHINE
from sim.xip_cache import fetch_until, longest_stall

# RP2040 datasheet, 2.1.3 and 2.3.1: cycles beside the two of an LDR or STR. Data phases on the
# APB take 3 cycles to read and 4 to write instead of 1; SIO hangs on the core's single-cycle port.
APB_READ_CYCLES, APB_WRITE_CYCLES, SIO_CYCLES = 2, 3, -1
_APB, _SIO = 0x4, 0xD  # top digits of an address

_TIMERAWH, _TIMERAWL, _SYSTICK_CVR = 0x4005_4024, 0x4005_4028, 0xE000_E018

_REG_PC = arm_const.UC_ARM_REG_PC
_READ, _WORD = unicorn_const.UC_MEM_READ_PROT, 4
_ACCESS_SIZE = 2  # bytes of every instruction that loads or stores

_PROTECTED_HOOK = types.boolean(
    types.voidptr, types.int32, types.uint64, types.int32, types.int64, types.voidptr
)
_BUS_READ = types.uint64(types.voidptr, types.uint64, types.uint32, types.voidptr)
_BUS_WRITE = types.void(types.voidptr, types.uint64, types.uint32, types.uint64, types.voidptr)


@njit
def _count(counter: Any, now: Any) -> Any:
    """See COUNTER; both operands of the division are never negative."""
    return (counter.start + counter.step * (now - counter.since)) // counter.scale + counter.offset


@njit
def _read_fast(machine: Any, address: Any) -> Any:
    """The registers that programs poll; -1 for all others.

    These are TIMERAWL, TIMERAWH, SysTick's CVR and the register that was read last, if that tells
    until when it is steady.
    """
    if address in (_TIMERAWL, _TIMERAWH) and machine.timer.scale != 0:
        count = _count(machine.timer, machine.now)
        return count & 0xFFFF_FFFF if address == _TIMERAWL else count >> 32
    if address == _SYSTICK_CVR and machine.systick.scale != 0:
        value = machine.systick_value - _count(machine.systick, machine.now)
        # Below zero it is reloaded; the step from 0 to RELOAD takes one count.
        return value if value >= 0 else (value % (machine.systick_reload + 1))
    if address == np.int64(machine.polled_at) and machine.now < machine.polled_until:
        return machine.polled_value
    return -1


@njit
def _charge(machine: Any) -> None:
    machine.cycles += machine.bus_cycles
    machine.extra_cycles[code_slot(machine.access_pc)] += machine.bus_cycles


def _compile(machine_type: np.dtype[np.void]) -> tuple[Any, Any, Any]:
    @cfunc(_PROTECTED_HOOK, cache=True)
    def on_access(uc: Any, kind: Any, address: Any, size: Any, value: Any, data: Any) -> Any:
        """UC_HOOK_MEM_*_PROT: tells when and by which instruction; does what is done natively.

        The hook behind it, in Python, is called for everything else.
        """
        machine = carray(data, (1,), machine_type)[0]
        pc = read_register(machine, uc, _REG_PC)
        machine.access_pc = pc
        if machine.xip_on:
            fetch_until(machine, np.uint64(pc + _ACCESS_SIZE))
        block = machine.blocks[machine.current]
        ahead: Any = 0  # cycles of the block from the instruction on
        stalls: Any = 0
        length = np.int64(block.size) >> 1
        first = (pc + np.int64(block.size) - np.int64(block.end)) >> 1
        slot = np.int64(code_slot(pc)) - first
        for at in range(first, length):
            ahead += max(np.int64(machine.costs[block.costs + at]) - 1, 0)
            if machine.xip_on and at > first:
                stalls += longest_stall(machine, pc + 2 * (at - first), slot + at, False)
        machine.now = machine.cycles - ahead
        top = address >> np.uint64(28)
        if top == np.uint64(_APB):
            machine.bus_cycles = APB_READ_CYCLES if kind == _READ else APB_WRITE_CYCLES
        elif top == np.uint64(_SIO):
            machine.bus_cycles = SIO_CYCLES
        else:
            machine.bus_cycles = 0
        machine.block_ends = machine.cycles + machine.bus_cycles + stalls
        if kind == _READ and size == _WORD and machine.block_ends < machine.event_at:
            loaded = _read_fast(machine, np.int64(address))
            if loaded >= 0:
                machine.bus_value = np.uint64(loaded)
                return True
        return False

    @cfunc(_BUS_READ, cache=True)
    def on_bus_read(uc: Any, offset: Any, size: Any, data: Any) -> Any:
        """A load that was answered."""
        machine = carray(data, (1,), machine_type)[0]
        _charge(machine)
        return machine.bus_value

    @cfunc(_BUS_WRITE, cache=True)
    def on_bus_write(uc: Any, offset: Any, size: Any, value: Any, data: Any) -> None:
        """A store that was answered."""
        _charge(carray(data, (1,), machine_type)[0])

    return on_access, on_bus_read, on_bus_write


on_access, on_bus_read, on_bus_write = _compile(MACHINE)
