"""Counts cycles exactly, block by block, in native code that hangs in Unicorn's hooks.

On memory without wait states every ARMv6-M instruction has a fixed cost, but for a conditional
branch, which costs one cycle more when taken. So a block's cost is a sum made once, when it first
runs; "taken" shows in the address at which the next block begins. Executions are counted per
block too: they give the exact profile afterwards at no further cost.

A program in flash, or one that is traced, gets callbacks of its own that see to it beforehand.

The callbacks are compiled by Numba and cached on disk. They reach Unicorn's C functions by
symbol name, since an address baked into the code would defeat the cache.
"""

import ctypes
from functools import cache
from typing import Any

import numpy as np
from llvmlite import binding
from numba import cfunc, njit, types
from numba.np.numpy_support import carray
from unicorn import arm_const
from unicorn.unicorn_py3.unicorn import uclib

from sim.bus_trace import note_data, record
from sim.call_trace import (
    arrive,
    charge,
    enter_exception,
    enter_host_call,
    leave,
    note_sp,
    resume,
)
from sim.instructions import Kind
from sim.machine import (
    BY_FLAGS,
    CALLS,
    CONDITIONAL,
    FLASH_SLOTS,
    INDIRECT,
    LOWERS_SP,
    MACHINE,
    MAX_BLOCKS,
    MAX_COSTS,
    MOVES_SP,
    ON_ENTRY,
    ON_EXIT,
    REFUSED,
    ROM_SLOT,
    SENDS_EVENT,
    SETS_SP,
    SLOTS,
    SPLIT,
    STOP_BUDGET,
    STOP_EVENT,
    STOP_FULL,
    STOP_REFUSED,
    STOP_STACK,
)
from sim.memory_map import FLASH, ROM, SRAM
from sim.xip_cache import fetch_until, longest_stall, read, start_fetching

for _name in ("uc_emu_stop", "uc_reg_read"):
    _address = ctypes.cast(getattr(uclib, _name), ctypes.c_void_p).value
    binding.add_symbol(f"sim_{_name}", _address)

_emu_stop = types.ExternalFunction("sim_uc_emu_stop", types.int32(types.voidptr))
_reg_read = types.ExternalFunction(
    "sim_uc_reg_read", types.int32(types.voidptr, types.int32, types.uint64)
)

_FLASH_BASE, _FLASH_SIZE = FLASH.base, FLASH.size
_SRAM_BASE, _SRAM_SIZE = SRAM.base, SRAM.size
_ROM_BASE, _ROM_SIZE = ROM.base, ROM.size
_REG_SP, _REG_XPSR = arm_const.UC_ARM_REG_SP, arm_const.UC_ARM_REG_XPSR
_REG_MSP, _REG_PRIMASK = arm_const.UC_ARM_REG_MSP, arm_const.UC_ARM_REG_PRIMASK
_REG_PC = arm_const.UC_ARM_REG_PC

_UNDEFINED, _UNPREDICTABLE = int(Kind.UNDEFINED), int(Kind.UNPREDICTABLE)
_CONDITIONAL, _TO_NEXT = int(Kind.CONDITIONAL), int(Kind.CONDITIONAL_TO_NEXT)
_SETS_SP, _EXCEPTION = int(Kind.SETS_SP), int(Kind.EXCEPTION)
_PREFIX_32, _CALL, _INDIRECT = int(Kind.PREFIX_32), int(Kind.CALL), int(Kind.INDIRECT)
_SEND_EVENT = int(Kind.SEND_EVENT)
_LOAD_SIZE = 2  # bytes of every instruction that loads

_BLOCK_HOOK = types.void(types.voidptr, types.uint64, types.uint32, types.voidptr)
# Called by symbol as well: inlined, it would cost the usual block all the registers it saves.
_on_unusual_block = types.ExternalFunction("sim_on_unusual_block", _BLOCK_HOOK)
_EDGE_HOOK = types.void(types.voidptr, types.voidptr, types.voidptr, types.voidptr)
_MEMORY_HOOK = types.void(
    types.voidptr, types.int32, types.uint64, types.int32, types.int64, types.voidptr
)


@njit(inline="always")
def code_slot(address: Any) -> Any:
    """The slot of a code address, SRAM's being the most wanted; SLOTS if there is no memory."""
    offset = np.uint64(address) - np.uint64(_SRAM_BASE)
    if offset < np.uint64(_SRAM_SIZE):
        return np.uint64(FLASH_SLOTS) + (offset >> np.uint64(1))
    offset = np.uint64(address) - np.uint64(_FLASH_BASE)
    if offset < np.uint64(_FLASH_SIZE):
        return offset >> np.uint64(1)
    offset = np.uint64(address) - np.uint64(_ROM_BASE)
    if offset < np.uint64(_ROM_SIZE):
        return np.uint64(ROM_SLOT) + (offset >> np.uint64(1))
    return np.uint64(SLOTS)


@njit
def read_register(machine: Any, uc: Any, register: Any) -> Any:
    _reg_read(uc, register, machine.register_address)
    return np.int64(machine.register[0])


@njit
def _condition_holds(condition: Any, xpsr: Any) -> Any:
    """Arm DDI0419E, table A6-1."""
    n, z, c, v = (xpsr >> 31) & 1, (xpsr >> 30) & 1, (xpsr >> 29) & 1, (xpsr >> 28) & 1
    test = condition >> 1
    if test == 0:
        holds = z == 1
    elif test == 1:
        holds = c == 1
    elif test == 2:
        holds = n == 1
    elif test == 3:
        holds = v == 1
    elif test == 4:
        holds = c == 1 and z == 0
    elif test == 5:
        holds = n == v
    else:
        holds = n == v and z == 0
    return holds != (condition & 1 == 1)


@njit
def _decode(machine: Any, address: Any, size: Any) -> Any:
    """Enters the block into the books; returns its number, or 0 if there is no room."""
    length = np.int64(size) >> 1
    if machine.block_count >= MAX_BLOCKS - 1 or machine.cost_count + length > MAX_COSTS:
        return 0
    number = machine.block_count
    first_slot = np.int64(code_slot(address))
    cycles: Any = 0
    instructions = flags = 0
    sp: Any = 0
    sp_low: Any = 0
    sp_tail: Any = 0  # relative to SP at entry, or since a SETS_SP
    at = 0
    while at < length:
        halfword = machine.code[first_slot + at]
        kind: Any = np.int64(machine.kind[halfword])
        cost = np.int64(machine.cycles_16[halfword])
        width = 1
        if kind == _PREFIX_32:
            width = 2
            kind = _UNDEFINED
            if at + 1 < length:
                word = np.uint32(halfword) << np.uint32(16) | np.uint32(
                    machine.code[first_slot + at + 1]
                )
                for row in range(machine.wide.shape[0]):
                    if word & machine.wide[row, 0] == machine.wide[row, 1]:
                        cost = np.int64(machine.wide[row, 2])
                        kind = np.int64(machine.wide[row, 3])
        if kind in (_UNDEFINED, _UNPREDICTABLE):
            flags |= REFUSED
        elif kind == _CONDITIONAL:
            flags |= CONDITIONAL
        elif kind == _TO_NEXT:
            flags |= BY_FLAGS
        elif kind == _SETS_SP:
            flags |= SPLIT if flags & SETS_SP else SETS_SP
            sp = sp_tail = 0
        elif kind == _SEND_EVENT:
            flags |= SENDS_EVENT
        elif kind == _CALL:
            flags |= CALLS
        elif kind == _INDIRECT:
            flags |= INDIRECT
        step = np.int64(machine.sp_change[halfword])
        if step != 0 and width == 1:
            sp += step
            if flags & SETS_SP:
                sp_tail = min(sp_tail, sp)
            else:
                sp_low = min(sp_low, sp)
        counted = kind != _EXCEPTION
        machine.costs[machine.cost_count + at] = cost + 1 if counted else 0
        if width == 2 and at + 1 < length:
            machine.costs[machine.cost_count + at + 1] = 0
        if counted:
            cycles += cost
            instructions += 1
        at += width
    if sp_low < 0:
        flags |= LOWERS_SP
    if sp != 0 or flags & (LOWERS_SP | SETS_SP):
        flags |= MOVES_SP
    if flags & SETS_SP and flags & CONDITIONAL:
        flags ^= CONDITIONAL | BY_FLAGS  # so that one settlement does for both
    block = machine.blocks[number]
    block.end = address + size
    block.size = size
    block.cycles = cycles
    block.instructions = instructions
    block.flags = flags
    block.sp_low = sp_low
    block.sp_tail = sp_tail - sp
    block.costs = machine.cost_count
    block.count = 0
    block.taken = 0
    machine.cost_count += length
    machine.block_count += 1
    machine.index[first_slot] = number
    return number


@njit
def _stop(machine: Any, uc: Any, reason: Any) -> None:
    machine.stop = reason
    _emu_stop(uc)


@njit
def _note_sp(machine: Any, uc: Any, sp: Any, change: Any) -> None:
    """Keeps the lowest SP of the main stack; a process stack lies wherever a program puts it."""
    if sp + change < machine.sp_lowest and sp == read_register(machine, uc, _REG_MSP):
        machine.sp_lowest = sp + change


@njit
def _send_event(machine: Any) -> None:
    """A SEV was executed: the core stops here, if another one hears it."""
    if machine.has_other_core:
        machine.sent_event = 1
        machine.event_at = machine.next_stop = 0


@njit
def _settle(machine: Any, uc: Any) -> None:
    """Books what registers alone tell once a block is left: on BY_FLAGS and SETS_SP."""
    block = machine.blocks[machine.current]
    if block.flags & BY_FLAGS:
        branch = machine.code[code_slot(block.end - 2)]
        # A B<cond> leaves the flags alone, so they still are what it saw.
        if _condition_holds((branch >> 8) & 15, read_register(machine, uc, _REG_XPSR)):
            machine.cycles += 1
            block.taken += 1
    if block.flags & SETS_SP:
        _note_sp(machine, uc, read_register(machine, uc, _REG_SP), block.sp_tail)


@njit
def _second_setting_of_sp(machine: Any, block: Any) -> Any:
    """The address of the second instruction in a block that sets SP."""
    address = np.int64(block.end) - np.int64(block.size)
    found = 0
    while address < np.int64(block.end):
        slot = np.int64(code_slot(address))
        kind: Any = np.int64(machine.kind[machine.code[slot]])
        size = 2
        if kind == _PREFIX_32:
            size = 4
            word = np.uint32(machine.code[slot]) << np.uint32(16) | np.uint32(
                machine.code[slot + 1]
            )
            for row in range(machine.wide.shape[0]):
                if word & machine.wide[row, 0] == machine.wide[row, 1]:
                    kind = np.int64(machine.wide[row, 3])
        if kind == _SETS_SP:
            found += 1
            if found == 2:
                break
        address += size
    return address


@njit
def _may_enter(machine: Any, uc: Any, block: Any) -> Any:
    """Whether a block flagged ON_ENTRY may run; stops the core if not."""
    if block.flags & SPLIT:
        machine.stop_at = _second_setting_of_sp(machine, block)
        _stop(machine, uc, STOP_EVENT)
        return False
    if block.flags & REFUSED:
        _stop(machine, uc, STOP_REFUSED)
        return False
    if block.flags & SENDS_EVENT:
        machine.event_register = 1
    sp = read_register(machine, uc, _REG_SP)
    if sp + block.sp_low < machine.sp_lowest:
        lowest = machine.sp_lowest
        _note_sp(machine, uc, sp, block.sp_low)
        if machine.sp_lowest < machine.sp_limit:
            machine.sp_lowest = lowest
            _stop(machine, uc, STOP_STACK)
            return False
    return True


@njit
def _may_begin(machine: Any, uc: Any) -> Any:
    """Whether a block may begin at or beyond `next_stop`; stops the core if not."""
    if machine.cycles >= machine.event_at or (
        machine.masked and read_register(machine, uc, _REG_PRIMASK) & 1 == 0
    ):
        _stop(machine, uc, STOP_EVENT)
        return False
    if machine.cycles >= machine.cycle_limit:
        _stop(machine, uc, STOP_BUDGET)
        return False
    return True


@njit
def _may_end(machine: Any, uc: Any, address: Any, block: Any) -> Any:
    """Whether no event falls inside a block; stops the core ahead of it, with `stop_at`, if so.

    What the XIP cache will cost is known only to be at most so much: then the core may stop too
    early, and goes on from there.
    """
    start, slot = np.int64(address), np.int64(code_slot(address))
    length = np.int64(block.size) >> 1
    cycles = machine.cycles
    at = 0
    while at < length:
        cost = np.int64(machine.costs[block.costs + at])
        cycles += max(cost - 1, 0)
        if machine.xip_on:
            cycles += longest_stall(machine, start + 2 * at, slot + at, at == 0)
        at += 2 if machine.kind[machine.code[slot + at]] == _PREFIX_32 else 1
        if cycles >= machine.event_at and at < length:
            machine.stop_at = np.int64(address) + 2 * at
            _stop(machine, uc, STOP_EVENT)
            return False
    return True


@njit
def _enter(machine: Any, uc: Any, address: Any, size: Any) -> None:
    """Charges a block as it begins, whatever there is to consider."""
    last = machine.blocks[machine.current]
    if last.flags & SENDS_EVENT:
        _send_event(machine)
    if last.flags & CONDITIONAL and address != np.uint64(last.end):
        machine.cycles += 1
        last.taken += 1
    elif last.flags & ON_EXIT:
        _settle(machine, uc)
        machine.current = 0
        if machine.sp_lowest < machine.sp_limit:
            _stop(machine, uc, STOP_STACK)
            return
    if machine.cycles >= machine.next_stop and not _may_begin(machine, uc):
        machine.current = 0
        machine.stop_at = address
        return
    slot = code_slot(address)
    if slot >= np.uint64(SLOTS):
        machine.current = 0
        return  # no memory here: the fetch is about to fault
    number = machine.index[slot]
    if machine.blocks[number].size != size:
        number = np.uint32(_decode(machine, address, size))
        if number == 0:
            machine.current = 0
            _stop(machine, uc, STOP_FULL)
            return
    block = machine.blocks[number]
    latest = machine.cycles + np.int64(block.cycles)
    if machine.xip_on:  # a word for every halfword, and eight that it reads
        latest += machine.xip_miss * np.int64(block.size >> 1) * 9
    if latest >= machine.next_stop and not _may_end(machine, uc, address, block):
        machine.current = 0
        return
    if block.flags & ON_ENTRY and not _may_enter(machine, uc, block):
        machine.current = 0
        return
    machine.cycles += np.int64(block.cycles)
    block.count += 1
    machine.current = number


@njit
def _leave(machine: Any, uc: Any, pc: Any) -> None:
    """The core came to rest at `pc`: takes back what the last block did not execute."""
    if machine.current == 0:
        return
    block = machine.blocks[machine.current]
    executed = np.int64(pc) + np.int64(block.size) - np.int64(block.end)
    if executed < 0 or executed >= np.int64(block.size):
        if block.flags & CONDITIONAL and pc != np.uint64(block.end):
            machine.cycles += 1
            block.taken += 1
        if block.flags & SENDS_EVENT:
            _send_event(machine)
        _settle(machine, uc)
        machine.current = 0
        return
    length = executed >> 1
    first_slot = np.int64(code_slot(np.int64(pc) - executed))
    cycles: Any = 0
    instructions = 0
    sets_sp = False
    sp: Any = 0
    sp_tail: Any = 0  # since it was set
    for at in range(length):
        cost = np.int64(machine.costs[block.costs + at])
        if cost != 0:
            cycles += cost - 1
            instructions += 1
            halfword = machine.code[first_slot + at]
            if machine.kind[halfword] == _SEND_EVENT:
                _send_event(machine)
            if machine.kind[halfword] == _SETS_SP:
                sets_sp = True
                sp = sp_tail = 0
            sp += np.int64(machine.sp_change[halfword])
            sp_tail = min(sp_tail, sp)
    if sets_sp:
        _note_sp(machine, uc, read_register(machine, uc, _REG_SP), sp_tail - sp)
    machine.cycles += cycles - np.int64(block.cycles)
    block.count -= 1
    # The part that ran is a block of its own. It borrows the costs of the whole; the index
    # does not know it. The caller sees to it that there is room.
    part = machine.blocks[machine.block_count]
    part.end = pc
    part.size = executed
    part.cycles = cycles
    part.instructions = instructions
    part.flags = 0
    part.costs = block.costs
    part.count = 1
    part.taken = 0
    machine.block_count += 1
    machine.current = 0


# As a closure's value the type becomes part of the key of Numba's cache on disk.


def _compile_usual(machine_type: np.dtype[np.void]) -> tuple[Any, Any]:
    """Compile `on_block` and `on_leave` as most programs need them."""

    @cfunc(_BLOCK_HOOK, cache=True)
    def on_unusual_block(uc: Any, address: Any, size: Any, data: Any) -> None:
        """Charges a block that asks for more than `on_block` does itself."""
        _enter(carray(data, (1,), machine_type)[0], uc, address, size)

    binding.add_symbol("sim_on_unusual_block", on_unusual_block.address)

    @cfunc(_BLOCK_HOOK, cache=True)
    def on_block(uc: Any, address: Any, size: Any, data: Any) -> None:
        """UC_HOOK_BLOCK: charges a block as it begins. `data` is the MACHINE.

        The usual block, in as few instructions as can be: decoded before, nothing to ask the
        registers for, and the cycle limit out of reach. A taken branch is added without a branch,
        which would be mispredicted as often as the guest's own.
        """
        machine = carray(data, (1,), machine_type)[0]
        last = machine.blocks[machine.current]
        number = machine.index[code_slot(address)]
        block = machine.blocks[number]
        taken = np.int64(last.flags & CONDITIONAL == CONDITIONAL) & np.int64(
            address != np.uint64(last.end)
        )
        cycles = machine.cycles + taken + np.int64(block.cycles)
        if (
            block.size == size
            and (block.flags & ON_ENTRY) | (last.flags & ON_EXIT) == 0
            and cycles < machine.next_stop
        ):
            last.taken += taken
            block.count += 1
            machine.cycles = cycles
            machine.current = number
        else:
            _on_unusual_block(uc, address, size, data)

    @cfunc(_BLOCK_HOOK, cache=True)
    def on_leave(uc: Any, pc: Any, size: Any, data: Any) -> None:
        """The core came to rest at `pc`."""
        _leave(carray(data, (1,), machine_type)[0], uc, pc)

    return on_block, on_leave


def _compile_observed(
    machine_type: np.dtype[np.void], in_flash: bool, traced: bool
) -> tuple[Any, Any]:
    """Compile `on_block` and `on_leave` with the XIP cache, a trace, or both."""

    @cfunc(_BLOCK_HOOK, cache=True)
    def on_block(uc: Any, address: Any, size: Any, data: Any) -> None:
        """UC_HOOK_BLOCK: closes the books on the last block, then charges the next."""
        machine = carray(data, (1,), machine_type)[0]
        last = machine.blocks[machine.current]
        if machine.current != 0:
            if in_flash:
                fetch_until(machine, last.end)
            if traced:
                leave(machine, last.flags, last.end)
                if last.flags & SETS_SP:
                    note_sp(machine, read_register(machine, uc, _REG_SP) + last.sp_tail)
        _enter(machine, uc, address, size)
        if traced:
            charge(machine)
        if machine.current != 0:
            if in_flash:
                start_fetching(machine, address)
            if traced:
                block = machine.blocks[machine.current]
                moved = machine.trace[0].flags & (CALLS | INDIRECT | MOVES_SP)
                if moved | (block.flags & LOWERS_SP) != 0:
                    sp = read_register(machine, uc, _REG_SP)
                    arrive(machine, address, code_slot(address), sp)
                    note_sp(machine, sp + block.sp_low)
                else:
                    arrive(machine, address, code_slot(address), 0)

    @cfunc(_BLOCK_HOOK, cache=True)
    def on_leave(uc: Any, pc: Any, size: Any, data: Any) -> None:
        """The core came to rest at `pc`."""
        machine = carray(data, (1,), machine_type)[0]
        if machine.current != 0:
            last = machine.blocks[machine.current]
            executed = np.int64(pc) + np.int64(last.size) - np.int64(last.end)
            inside = executed >= 0 and executed < np.int64(last.size)
            if in_flash:
                fetch_until(machine, pc if inside else np.uint64(last.end))
            if traced:
                leave(machine, 0 if inside else last.flags, pc if inside else last.end)
        _leave(machine, uc, pc)
        if traced:
            charge(machine)
            if machine.sp_lowest < machine.trace[0].deepest:
                note_sp(machine, machine.sp_lowest)

    return on_block, on_leave


def _compile_on_shared_bus(machine_type: np.dtype[np.void]) -> tuple[Any, Any]:
    """Compile `on_block` and `on_leave` for two cores that meet on the bus."""

    @cfunc(_BLOCK_HOOK, cache=True)
    def on_block(uc: Any, address: Any, size: Any, data: Any) -> None:
        """UC_HOOK_BLOCK: books what the last block did on the bus, then charges the next."""
        machine = carray(data, (1,), machine_type)[0]
        last = machine.blocks[machine.current]
        if machine.bus_recorded and machine.current != 0:
            slot = np.int64(code_slot(np.int64(last.end) - np.int64(last.size)))
            record(machine, last, slot, last.size)
        _enter(machine, uc, address, size)
        block = machine.blocks[machine.current]
        machine.bus_block_start = machine.cycles - np.int64(block.cycles)
        machine.data_count = 0

    @cfunc(_BLOCK_HOOK, cache=True)
    def on_leave(uc: Any, pc: Any, size: Any, data: Any) -> None:
        """The core came to rest at `pc`."""
        machine = carray(data, (1,), machine_type)[0]
        if machine.bus_recorded and machine.current != 0:
            last = machine.blocks[machine.current]
            start = np.int64(last.end) - np.int64(last.size)
            executed = np.int64(pc) - start
            if executed < 0 or executed > np.int64(last.size):
                executed = np.int64(last.size)
            record(machine, last, np.int64(code_slot(start)), executed)
        _leave(machine, uc, pc)

    return on_block, on_leave


@cache
def block_callbacks(in_flash: bool, traced: bool, shared_bus: bool) -> tuple[Any, Any]:
    """The compiled `on_block` and `on_leave`."""
    if shared_bus:
        return _compile_on_shared_bus(MACHINE)
    if in_flash or traced:
        return _compile_observed(MACHINE, in_flash, traced)
    return _compile_usual(MACHINE)


def _compile_common(machine_type: np.dtype[np.void]) -> tuple[Any, ...]:
    """Compile the callbacks that are the same for every program."""

    @cfunc(_EDGE_HOOK, cache=True)
    def on_translation(uc: Any, new: Any, previous: Any, data: Any) -> None:
        """UC_HOOK_EDGE_GENERATED: the code at a block was translated (anew), so decode it anew."""
        machine = carray(data, (1,), machine_type)[0]
        slot = code_slot(carray(new, (1,), np.uint64)[0])  # uc_tb begins with the PC
        if slot < np.uint64(SLOTS):
            machine.index[slot] = 0

    @cfunc(_MEMORY_HOOK, cache=True)
    def on_flash_read(uc: Any, access: Any, address: Any, size: Any, value: Any, data: Any) -> None:
        """UC_HOOK_MEM_READ on the XIP windows."""
        machine = carray(data, (1,), machine_type)[0]
        if machine.current != 0:
            pc = read_register(machine, uc, _REG_PC)
            fetch_until(machine, pc + _LOAD_SIZE)
            read(machine, address, code_slot(pc))

    @cfunc(_MEMORY_HOOK, cache=True)
    def on_memory(uc: Any, access: Any, address: Any, size: Any, value: Any, data: Any) -> None:
        """UC_HOOK_MEM_READ and WRITE everywhere, for two cores that meet on the bus."""
        note_data(carray(data, (1,), machine_type)[0], address)

    @cfunc(_BLOCK_HOOK, cache=True)
    def on_exception_enter(uc: Any, number: Any, sp: Any, data: Any) -> None:
        """An exception is taken; see `enter_exception`."""
        enter_exception(carray(data, (1,), machine_type)[0], number, np.int64(sp))

    @cfunc(_BLOCK_HOOK, cache=True)
    def on_host_call(uc: Any, address: Any, size: Any, data: Any) -> None:
        """The host calls a function; see `enter_host_call`."""
        enter_host_call(carray(data, (1,), machine_type)[0])

    @cfunc(_BLOCK_HOOK, cache=True)
    def on_resume(uc: Any, address: Any, size: Any, data: Any) -> None:
        """Exception or host's call are over; see `resume`."""
        resume(carray(data, (1,), machine_type)[0])

    return on_translation, on_flash_read, on_memory, on_exception_enter, on_host_call, on_resume


on_translation, on_flash_read, on_memory, *_of_trace = _compile_common(MACHINE)
on_exception_enter, on_host_call, on_resume = _of_trace
