"""The guest's memories and the block counter's books, in one block of memory.

Native code sees it through one pointer (the hooks' user data), the host through NumPy. SRAM and
the boot ROM come first and are page-aligned, since Unicorn maps them by pointer.
"""

import mmap
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt

from priot.sim.instructions import Kind
from priot.sim.memory_map import ROM, SRAM

# A slot is one halfword of memory: all of SRAM, then the boot ROM.
ROM_SLOT = SRAM.size // 2  # the ROM's first
SLOTS = ROM_SLOT + ROM.size // 2

MAX_BLOCKS = 1 << 15  # distinct blocks until the books are folded
MAX_COSTS = 1 << 19  # halfwords of all these blocks together

# Flags of a block. Those in ON_ENTRY matter when it is entered, BY_FLAGS when it is left.
CAREFUL = 1  # holds an instruction that an RP2040 does not have, or that sets SP
LOWERS_SP = 2
ON_ENTRY = CAREFUL | LOWERS_SP
CONDITIONAL = 4  # ends in a B<cond>: taken if another address than the next follows
BY_FLAGS = 8  # ends in a B<cond>: taken if the condition flags say so

# Why the counter stopped the core.
STOP_NONE = 0
STOP_BUDGET = 1
STOP_CAREFUL = 2  # ahead of a block that is CAREFUL, or would go below the stack's limit
STOP_FULL = 3  # no room for another block: fold the books and go on

BLOCK = np.dtype(
    [
        ("end", np.uint32),  # address behind it
        ("size", np.uint32),  # bytes
        ("cycles", np.uint32),  # of one execution, a final B<cond> counted as not taken
        ("instructions", np.uint32),
        ("flags", np.uint32),
        ("sp_low", np.int32),  # deepest SP inside, relative to SP at entry
        ("costs", np.uint32),  # where the cycles of its halfwords begin
        ("count", np.int64),  # executions
        ("taken", np.int64),  # of the B<cond> at its end
    ]
)

# Compiled code holds these by value, and its cache on disk only knows the type of the books.
_BAKED = (tuple(Kind), SRAM, ROM, ON_ENTRY, CAREFUL, LOWERS_SP, CONDITIONAL, BY_FLAGS)

BOOKS = np.dtype(
    [
        ("code", np.uint16, SLOTS),
        (f"baked_{crc32(repr(_BAKED).encode()):08x}", np.int64),
        ("cycles", np.int64),
        ("cycle_limit", np.int64),  # a run ends at the first block at or beyond it
        ("sp_lowest", np.int64),  # of the main stack
        ("sp_limit", np.int64),
        ("allowed", np.int64),  # address of a block that may run though it is CAREFUL
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
        ("costs", np.uint8, MAX_COSTS),  # cycles + 1 of each instruction; 0: second halfword
        ("blocks", BLOCK, MAX_BLOCKS),
    ]
)


def new_books() -> Any:
    """A zeroed BOOKS record array of shape (1,), page-aligned."""
    return np.frombuffer(mmap.mmap(-1, BOOKS.itemsize), BOOKS)


def slot_of(address: int) -> int:
    """The slot of an address; SLOTS if it lies in neither memory."""
    if SRAM.holds(address):
        return (address - SRAM.base) // 2
    if ROM.holds(address):
        return ROM_SLOT + (address - ROM.base) // 2
    return SLOTS


def slots_of(addresses: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """As `slot_of`, for addresses that all lie in memory."""
    in_rom = addresses + 2 * ROM_SLOT
    return np.where(addresses >= SRAM.base, addresses - SRAM.base, in_rom) // 2


def addresses_of(slots: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The reverse of `slots_of`."""
    return 2 * slots + np.where(slots < ROM_SLOT, SRAM.base, -2 * ROM_SLOT)
