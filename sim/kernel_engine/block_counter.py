"""Counts cycles exactly, block by block, in native code that hangs in Unicorn's hooks.

On memory without wait states every ARMv6-M instruction has a fixed cost, but for a conditional
branch, which costs one cycle more when taken. So a block's cost is a sum made once, when it first
runs; "taken" shows in the address at which the next block begins. Executions are counted per
block too: they give the exact profile afterwards at no further cost.

The callbacks are compiled by Numba and cached on disk. They reach Unicorn's C functions by
symbol name, since an address baked into the code would defeat the cache.
"""

import ctypes
from typing import Any

import numpy as np
from llvmlite import binding
from numba import cfunc, njit, types
from numba.np.numpy_support import carray
from unicorn import arm_const
from unicorn.unicorn_py3.unicorn import uclib

from priot.numba_cache import kept_on_disk
from priot.sim.instructions import Kind
from priot.sim.kernel_engine.books import (
    BOOKS,
    BY_FLAGS,
    CAREFUL,
    CONDITIONAL,
    LOWERS_SP,
    MAX_BLOCKS,
    MAX_COSTS,
    ON_ENTRY,
    ROM_SLOT,
    SLOTS,
    STOP_BUDGET,
    STOP_CAREFUL,
    STOP_FULL,
)
from priot.sim.memory_map import ROM, SRAM

for _name in ("uc_emu_stop", "uc_reg_read"):
    _address = ctypes.cast(getattr(uclib, _name), ctypes.c_void_p).value
    binding.add_symbol(f"sim_{_name}", _address)

_emu_stop = types.ExternalFunction("sim_uc_emu_stop", types.int32(types.voidptr))
_reg_read = types.ExternalFunction(
    "sim_uc_reg_read", types.int32(types.voidptr, types.int32, types.uint64)
)

_SRAM_BASE, _SRAM_SIZE = SRAM.base, SRAM.size
_ROM_BASE, _ROM_SIZE = ROM.base, ROM.size
_REG_SP, _REG_MSP = arm_const.UC_ARM_REG_SP, arm_const.UC_ARM_REG_MSP
_REG_XPSR = arm_const.UC_ARM_REG_XPSR

_UNDEFINED, _UNPREDICTABLE = int(Kind.UNDEFINED), int(Kind.UNPREDICTABLE)
_CONDITIONAL, _TO_NEXT = int(Kind.CONDITIONAL), int(Kind.CONDITIONAL_TO_NEXT)
_SETS_SP, _EXCEPTION, _PREFIX_32 = int(Kind.SETS_SP), int(Kind.EXCEPTION), int(Kind.PREFIX_32)

_BLOCK_HOOK = types.void(types.voidptr, types.uint64, types.uint32, types.voidptr)
_EDGE_HOOK = types.void(types.voidptr, types.voidptr, types.voidptr, types.voidptr)
# Called by symbol as well: inlined, it would cost the usual block all the registers it saves.
_on_unusual_block = types.ExternalFunction("sim_on_unusual_block", _BLOCK_HOOK)


@njit(inline="always")
def _slot(address: Any) -> Any:
    """The slot of a code address, SRAM's being the most wanted; SLOTS if there is no memory."""
    offset = np.uint64(address) - np.uint64(_SRAM_BASE)
    if offset < np.uint64(_SRAM_SIZE):
        return offset >> np.uint64(1)
    offset = np.uint64(address) - np.uint64(_ROM_BASE)
    if offset < np.uint64(_ROM_SIZE):
        return np.uint64(ROM_SLOT) + (offset >> np.uint64(1))
    return np.uint64(SLOTS)


@njit
def _read_register(books: Any, uc: Any, register: Any) -> Any:
    _reg_read(uc, register, books.register_address)
    return np.int64(books.register[0])


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
def _decode(books: Any, address: Any, size: Any) -> Any:
    """Enters the block into the books; returns its number, or 0 if there is no room."""
    length = np.int64(size) >> 1
    if books.block_count >= MAX_BLOCKS - 1 or books.cost_count + length > MAX_COSTS:
        return 0
    number = books.block_count
    first_slot = np.int64(_slot(address))
    cycles: Any = 0
    instructions = flags = 0
    sp: Any = 0
    sp_low: Any = 0  # relative to SP at entry
    at = 0
    while at < length:
        halfword = books.code[first_slot + at]
        kind: Any = np.int64(books.kind[halfword])
        cost = np.int64(books.cycles_16[halfword])
        width = 1
        if kind == _PREFIX_32:
            width = 2
            kind = _UNDEFINED
            if at + 1 < length:
                word = np.uint32(halfword) << np.uint32(16) | np.uint32(
                    books.code[first_slot + at + 1]
                )
                for row in range(books.wide.shape[0]):
                    if word & books.wide[row, 0] == books.wide[row, 1]:
                        cost = np.int64(books.wide[row, 2])
                        kind = np.int64(books.wide[row, 3])
        if kind in (_UNDEFINED, _UNPREDICTABLE, _SETS_SP):
            flags |= CAREFUL
        elif kind == _CONDITIONAL:
            flags |= CONDITIONAL
        elif kind == _TO_NEXT:
            flags |= BY_FLAGS
        if width == 1:
            sp += np.int64(books.sp_change[halfword])
            sp_low = min(sp_low, sp)
        counted = kind != _EXCEPTION
        books.costs[books.cost_count + at] = cost + 1 if counted else 0
        if width == 2 and at + 1 < length:
            books.costs[books.cost_count + at + 1] = 0
        if counted:
            cycles += cost
            instructions += 1
        at += width
    if sp_low < 0:
        flags |= LOWERS_SP
    block = books.blocks[number]
    block.end = address + size
    block.size = size
    block.cycles = cycles
    block.instructions = instructions
    block.flags = flags
    block.sp_low = sp_low
    block.costs = books.cost_count
    block.count = 0
    block.taken = 0
    books.cost_count += length
    books.block_count += 1
    books.index[first_slot] = number
    return number


@njit
def _stop(books: Any, uc: Any, reason: Any) -> None:
    books.stop = reason
    books.current = 0
    _emu_stop(uc)


@njit
def _settle(books: Any, uc: Any) -> None:
    """Books what the flags alone tell once a block is left that goes BY_FLAGS."""
    block = books.blocks[books.current]
    branch = books.code[_slot(block.end - 2)]
    # A B<cond> leaves the flags alone, so they still are what it saw.
    if _condition_holds((branch >> 8) & 15, _read_register(books, uc, _REG_XPSR)):
        books.cycles += 1
        block.taken += 1


@njit
def _may_enter(books: Any, uc: Any, address: Any, block: Any) -> Any:
    """Whether a block flagged ON_ENTRY may run; notes the lowest SP of the main stack if so."""
    if block.flags & CAREFUL:
        return np.int64(address) == books.allowed
    sp = _read_register(books, uc, _REG_SP)
    if sp + block.sp_low < books.sp_lowest and sp == _read_register(books, uc, _REG_MSP):
        if sp + block.sp_low < books.sp_limit:
            return False
        books.sp_lowest = sp + block.sp_low
    return True


@njit
def _enter(books: Any, uc: Any, address: Any, size: Any) -> None:
    """Charges a block as it begins, whatever there is to consider."""
    last = books.blocks[books.current]
    if last.flags & CONDITIONAL and address != np.uint64(last.end):
        books.cycles += 1
        last.taken += 1
    elif last.flags & BY_FLAGS:
        _settle(books, uc)
    if books.cycles >= books.cycle_limit:
        _stop(books, uc, STOP_BUDGET)
        return
    slot = _slot(address)
    if slot >= np.uint64(SLOTS):
        books.current = 0
        return  # no memory here: the fetch is about to fault
    number = books.index[slot]
    if books.blocks[number].size != size:
        number = np.uint32(_decode(books, address, size))
        if number == 0:
            _stop(books, uc, STOP_FULL)
            return
    block = books.blocks[number]
    if block.flags & ON_ENTRY and not _may_enter(books, uc, address, block):
        _stop(books, uc, STOP_CAREFUL)
        return
    books.cycles += np.int64(block.cycles)
    block.count += 1
    books.current = number


@njit
def _leave(books: Any, uc: Any, pc: Any) -> None:
    """The core came to rest at `pc`: takes back what the last block did not execute."""
    if books.current == 0:
        return
    block = books.blocks[books.current]
    executed = np.int64(pc) + np.int64(block.size) - np.int64(block.end)
    if executed < 0 or executed >= np.int64(block.size):
        if block.flags & CONDITIONAL and pc != np.uint64(block.end):
            books.cycles += 1
            block.taken += 1
        elif block.flags & BY_FLAGS:
            _settle(books, uc)
        books.current = 0
        return
    cycles: Any = 0
    instructions = 0
    for at in range(executed >> 1):
        cost = np.int64(books.costs[block.costs + at])
        if cost != 0:
            cycles += cost - 1
            instructions += 1
    books.cycles += cycles - np.int64(block.cycles)
    block.count -= 1
    # The part that ran is a block of its own. It borrows the costs of the whole; the index
    # does not know it. The caller sees to it that there is room.
    part = books.blocks[books.block_count]
    part.end = pc
    part.size = executed
    part.cycles = cycles
    part.instructions = instructions
    part.flags = 0
    part.costs = block.costs
    part.count = 1
    part.taken = 0
    books.block_count += 1
    books.current = 0


def _compile(books_type: np.dtype[np.void]) -> tuple[Any, ...]:
    """The callbacks. As a closure's value the type is part of the key of Numba's cache on disk."""

    @cfunc(_BLOCK_HOOK, cache=True)
    def on_unusual_block(uc: Any, address: Any, size: Any, data: Any) -> None:
        """Charges a block that asks for more than `on_block` does itself."""
        _enter(carray(data, (1,), books_type)[0], uc, address, size)

    binding.add_symbol("sim_on_unusual_block", on_unusual_block.address)

    @cfunc(_BLOCK_HOOK, cache=True)
    def on_block(uc: Any, address: Any, size: Any, data: Any) -> None:
        """UC_HOOK_BLOCK: charges a block as it begins. `data` are the BOOKS.

        The usual block, in as few instructions as can be: decoded before, nothing to ask the
        registers for, and the cycle limit out of reach. A taken branch is added without a branch,
        which would be mispredicted as often as the guest's own.
        """
        books = carray(data, (1,), books_type)[0]
        last = books.blocks[books.current]
        number = books.index[_slot(address)]
        block = books.blocks[number]
        taken = np.int64(last.flags & CONDITIONAL == CONDITIONAL) & np.int64(
            address != np.uint64(last.end)
        )
        cycles = books.cycles + taken + np.int64(block.cycles)
        if (
            block.size == size
            and (block.flags & ON_ENTRY) | (last.flags & BY_FLAGS) == 0
            and cycles < books.cycle_limit
        ):
            last.taken += taken
            block.count += 1
            books.cycles = cycles
            books.current = number
        else:
            _on_unusual_block(uc, address, size, data)

    @cfunc(_BLOCK_HOOK, cache=True)
    def on_leave(uc: Any, pc: Any, size: Any, data: Any) -> None:
        """The core came to rest at `pc`."""
        _leave(carray(data, (1,), books_type)[0], uc, pc)

    @cfunc(_EDGE_HOOK, cache=True)
    def on_translation(uc: Any, new: Any, previous: Any, data: Any) -> None:
        """UC_HOOK_EDGE_GENERATED: the code at a block was translated (anew), so decode it anew."""
        books = carray(data, (1,), books_type)[0]
        slot = _slot(carray(new, (1,), np.uint64)[0])  # uc_tb begins with the PC
        if slot < np.uint64(SLOTS):
            books.index[slot] = 0

    return on_unusual_block, on_block, on_leave, on_translation


with kept_on_disk():
    _kept, on_block, on_leave, on_translation = _compile(BOOKS)
