"""The guest's memories and the cycle counter's books, in one block of memory.

Native code sees it through one pointer (the hooks' user data), the host through NumPy. Flash and
SRAM come first and are page-aligned, since Unicorn maps them by pointer: they are the guest's.
"""

import mmap
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt

from sim.instructions import Kind
from sim.memory_map import FLASH, REGIONS, ROM, SRAM

# A slot is one halfword of code memory: all of flash, then all of SRAM, then the boot ROM.
FLASH_SLOTS = FLASH.size // 2
ROM_SLOT = FLASH_SLOTS + SRAM.size // 2  # the ROM's first
SLOTS = ROM_SLOT + ROM.size // 2

MAX_BLOCKS = 1 << 15  # distinct blocks until the books are folded
MAX_COSTS = 1 << 19  # halfwords of all these blocks together

# Flags of a block. Those in ON_ENTRY matter when it is entered, those in ON_EXIT when it is left.
REFUSED = 1  # holds an instruction that an RP2040 does not have
LOWERS_SP = 2
SENDS_EVENT = 256  # holds a SEV
SPLIT = 512  # pushes between two instructions that set SP: must run in two parts
ON_ENTRY = REFUSED | LOWERS_SP | SENDS_EVENT | SPLIT
CONDITIONAL = 4  # ends in a B<cond>: taken if another address than the next follows
BY_FLAGS = 8  # ends in a B<cond>: taken if the condition flags say so
SETS_SP = 16
ON_EXIT = BY_FLAGS | SETS_SP

# Why the counter stopped the core.
STOP_NONE = 0
STOP_BUDGET = 1
STOP_REFUSED = 2
STOP_STACK = 3
STOP_FULL = 4  # no room for another block: fold the books and go on
STOP_EVENT = 5  # `event_at` is reached, or will be inside the block ahead, at `stop_at`; or SPLIT

BLOCK = np.dtype(
    [
        ("end", np.uint32),  # address behind it
        ("size", np.uint32),  # bytes
        ("cycles", np.uint32),  # of one execution, a final B<cond> counted as not taken
        ("instructions", np.uint32),
        ("flags", np.uint32),
        ("sp_low", np.int32),  # deepest SP inside, relative to SP at entry
        ("sp_tail", np.int32),  # deepest SP after the last SETS_SP, relative to SP at exit
        ("costs", np.uint32),  # where the cycles of its halfwords begin
        ("count", np.int64),  # executions
        ("taken", np.int64),  # of the B<cond> at its end
    ]
)

# A counter as native code reads it, refreshed whenever Python changed it:
# (start + step * (now - since)) // scale + offset. `scale` 0: ask Python.
COUNTER = np.dtype(
    [
        ("start", np.int64),
        ("step", np.int64),
        ("since", np.int64),
        ("scale", np.int64),
        ("offset", np.int64),
    ]
)

# Compiled code holds these by value, and its cache on disk only knows the type of a MACHINE.
_BAKED = (
    *(tuple(Kind), (*REGIONS, ROM)),
    *(REFUSED, LOWERS_SP, CONDITIONAL, BY_FLAGS, SETS_SP, SENDS_EVENT, SPLIT),
)

MACHINE = np.dtype(
    [
        ("code", np.uint16, SLOTS),
        (f"baked_{crc32(repr(_BAKED).encode()):08x}", np.int64),
        ("cycles", np.int64),
        ("cycle_limit", np.int64),  # a run's budget: it ends at the first block at or beyond it
        ("event_at", np.int64),  # the next interrupt or the like: taken at the exact instruction
        ("next_stop", np.int64),  # the earlier of both, or beyond them to run up to a known place
        ("stop_at", np.int64),  # address
        ("masked", np.int64),  # whether only PRIMASK keeps an exception from being taken
        ("event_register", np.int64),  # of WFE and SEV
        ("now", np.int64),  # cycles before the instruction that accesses a peripheral
        ("access_pc", np.int64),  # its address
        ("bus_value", np.uint64),  # what it reads
        ("bus_cycles", np.int64),  # what it costs beside its cycles in the block
        ("polled_at", np.uint64),  # address of the register that was read last, if it is polled
        ("polled_until", np.int64),  # the cycle until which it keeps its value
        ("polled_value", np.int64),
        ("timer", COUNTER),  # TIMER's count
        ("systick", COUNTER),  # of what SysTick counts down from `systick_value`
        ("systick_value", np.int64),
        ("systick_reload", np.int64),
        ("sp_lowest", np.int64),
        ("sp_limit", np.int64),
        ("stop", np.int64),
        ("current", np.uint32),  # the block being executed; 0: none
        ("block_count", np.uint32),  # entries of `blocks` in use, the empty block 0 included
        ("cost_count", np.int64),
        ("register_address", np.uint64),  # of `register`, for uc_reg_read
        ("register", np.uint32, 2),
        ("kind", np.uint8, 1 << 16),
        ("cycles_16", np.uint8, 1 << 16),
        ("sp_change", np.int16, 1 << 16),
        ("wide", np.uint32, (16, 4)),  # mask, value, cycles, kind; unused rows match nothing
        ("index", np.uint32, SLOTS + 1),  # slot of a start -> block; 0: not decoded
        ("extra_cycles", np.int64, SLOTS + 1),  # by instruction, beside the blocks' own
        ("costs", np.uint8, MAX_COSTS),  # cycles + 1 of each instruction; 0: second halfword
        ("blocks", BLOCK, MAX_BLOCKS),
    ]
)


def slot_of(address: int) -> int:
    """The slot of an address; SLOTS if it lies in no memory."""
    if FLASH.holds(address):
        return (address - FLASH.base) // 2
    if SRAM.holds(address):
        return FLASH_SLOTS + (address - SRAM.base) // 2
    if ROM.holds(address):
        return ROM_SLOT + (address - ROM.base) // 2
    return SLOTS


def slots_of(addresses: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """As `slot_of`, for addresses that all lie in memory."""
    in_memory = [addresses >= region.base for region in (SRAM, FLASH)]
    offsets = [addresses - SRAM.base + 2 * FLASH_SLOTS, addresses - FLASH.base]
    in_rom = addresses - ROM.base + 2 * ROM_SLOT
    return np.select(in_memory, offsets, in_rom).astype(np.int64) // 2


def addresses_of(slots: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The reverse of `slots_of`."""
    bases = [FLASH.base, SRAM.base - 2 * FLASH_SLOTS]
    inside = [slots < FLASH_SLOTS, slots < ROM_SLOT]
    return 2 * slots + np.select(inside, bases, ROM.base - 2 * ROM_SLOT).astype(np.int64)


def new_machine() -> Any:
    """A zeroed MACHINE record array of shape (1,), page-aligned."""
    return np.frombuffer(mmap.mmap(-1, MACHINE.itemsize), MACHINE)
