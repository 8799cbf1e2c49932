"""The guest's memories and the cycle counter's books, in one block of memory.

Native code sees it through one pointer (the hooks' user data), the host through NumPy. Flash and
SRAM come first and are page-aligned, since Unicorn maps them by pointer: they are the guest's.
"""

import mmap
from pathlib import Path
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
SPLIT = 512  # sets SP more than once, so it must run in parts
ON_ENTRY = REFUSED | LOWERS_SP | SENDS_EVENT | SPLIT
CONDITIONAL = 4  # ends in a B<cond>: taken if another address than the next follows
BY_FLAGS = 8  # ends in a B<cond>: taken if the condition flags say so
SETS_SP = 16
ON_EXIT = BY_FLAGS | SETS_SP | SENDS_EVENT
# What only a trace asks for.
CALLS = 32  # ends in a BL or BLX
INDIRECT = 64  # ends in a branch to where a register or the stack says
MOVES_SP = 128

MAX_ACCESSES = 1 << 19  # of one core that the other has not come to yet
MAX_DATA = 1 << 13  # of one block

XIP_SETS = 1024  # 16 KB in two ways of 8 bytes

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

MAX_FRAMES = 1 << 14  # calls that are under way
MAX_NODES = 1 << 17  # nodes of the call tree
MAX_SPANS = 1 << 12  # of the stack's depth over time

FRAME = np.dtype(
    [
        ("node", np.uint32),  # of the caller
        ("return_address", np.uint32),
        ("sp", np.uint32),  # when the callee began, and again when it has returned
        ("flags", np.uint32),  # of an exception's frame: `flags` and `end` of what it interrupted
        ("end", np.uint32),
    ]
)

NODE = np.dtype(
    [
        ("parent", np.uint32),
        ("function", np.uint32),
        ("site", np.uint32),  # address of the call
        ("first_child", np.uint32),
        ("sibling", np.uint32),
        ("calls", np.int64),
        ("cycles", np.int64),  # spent in this function itself, stalls included
        ("stalls", np.int64),  # of them, waiting for flash
    ]
)

TRACE = np.dtype(
    [
        ("mark", np.int64),  # cycles that are charged to a node
        ("stall_mark", np.int64),
        ("flags", np.uint32),  # of the last block if it ran to its end
        ("end", np.uint32),  # the address behind it
        ("node", np.uint32),  # where execution is
        ("depth", np.uint32),  # frames in use
        ("node_count", np.uint32),
        ("node_limit", np.uint32),  # beyond it contexts are merged
        ("merged", np.int64),  # calls whose context was merged
        ("deepest", np.int64),  # lowest SP
        ("deepest_node", np.uint32),
        ("deepest_cycle", np.int64),
        ("span_cycles", np.int64),
        ("spans", np.uint32, (MAX_SPANS, 2)),  # lowest SP in it (0: unchanged), SP at its end
        ("function", np.uint32, SLOTS + 1),
        ("frames", FRAME, MAX_FRAMES),
        ("nodes", NODE, MAX_NODES),
    ]
)

_INLINED = ("xip_cache", "call_trace", "bus_trace")

# Compiled code holds these by value, and its cache on disk only knows the type of a MACHINE; nor
# does it look at the sources beside that of the callbacks.
_BAKED = (
    tuple(Kind),
    (*REGIONS, ROM),
    *(REFUSED, LOWERS_SP, CONDITIONAL, BY_FLAGS, SETS_SP, CALLS, INDIRECT, MOVES_SP),
    *(SENDS_EVENT, SPLIT, ON_ENTRY, ON_EXIT),
    *(Path(__file__).with_name(f"{name}.py").read_text() for name in _INLINED),
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
        ("has_other_core", np.int64),  # that hears a SEV: the core stops behind its block
        ("sent_event", np.int64),
        ("now", np.int64),  # cycles before the instruction that accesses a peripheral
        ("access_pc", np.int64),  # its address
        ("bus_value", np.uint64),  # what it reads
        ("bus_cycles", np.int64),  # what it costs beside its cycles in the block
        ("block_ends", np.int64),  # cycles at the end of the block, at the latest
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
        ("xip_on", np.int64),  # whether the cache is modelled
        ("xip_disabled", np.int64),  # whether the program switched it off
        ("xip_miss", np.int64),
        ("xip_accesses", np.int64),
        ("xip_hits", np.int64),
        ("xip_stalls", np.int64),  # cycles, contained in `cycles`
        ("xip_lines", np.uint32, (XIP_SETS, 3)),  # two ways and which of them was used last
        ("xip_stalls_at", np.int64, SLOTS + 1),
        ("fetched", np.uint32),  # the word that was fetched last
        ("fetch_next", np.uint32),  # where execution goes on if it does not branch
        ("trace", TRACE, 1),
        # What two cores do on the bus: sim/bus_trace.py.
        ("bus_recorded", np.int64),  # whether accesses are recorded
        ("bus_core", np.int64),  # the core that executes
        ("bus_block_start", np.int64),  # cycle
        ("bus_last_word", np.uint32, 2),  # that each core fetched
        ("bus_next", np.int64, 2),  # where each core goes on if it does not branch
        ("bus_stalls", np.int64, 2),  # of each core, contained in its cycles
        ("bus_lost", np.int64, 10),  # arbitrations by port
        ("bus_winner", np.int64, 10),  # the core that won the last one
        ("bus_one_bank", np.int64),  # whether all ports count as one
        ("accesses_16", np.uint8, 1 << 16),
        ("data_count", np.int64),
        ("data", np.uint32, MAX_DATA),  # addresses that the present block accessed
        ("access_count", np.int64, 2),
        ("accesses", np.int64, (2, MAX_ACCESSES)),  # cycle without stalls * 16 + port
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
