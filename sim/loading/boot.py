"""Where a program starts, and the bounds of its stack."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from priot.sim.errors import ElfError
from priot.sim.loading import second_stage
from priot.sim.loading.elf import Program
from priot.sim.loading.symbols import rom_symbols
from priot.sim.memory_map import FLASH, SRAM, region_of

_BANKS, _BANK_SIZE = 0x2004_0000, 0x1000  # scratch X and Y, in which the SDK has both stacks
_NO_TABLE = 0  # VTOR after reset: the boot ROM
_IN_FLASH = FLASH.base + second_stage.SIZE  # where the second stage looks for the vector table
_MAGIC = 0xB007_C0D3  # 2.8.1.1
_USB_BOOT = "reset_to_usb_boot (boot ROM)"


@dataclass(frozen=True)
class Boot:
    """State of the core before the first instruction.

    `stack_limit` is the lowest address its stack may use, `vtor` where its vector table lies.
    """

    sp: int
    pc: int
    stack_limit: int
    vtor: int


def boot_of(program: Program) -> Boot:
    """Start values by the vector table if there is one, else by the entry.

    The table is looked for at `__VECTOR_TABLE`, `__vectors`, the section `.vectors`, the lowest
    loaded address and behind a 256-byte second stage there, in this order.

    Raises:
        ElfError: the entry lies in no loaded memory.
    """
    for table in [] if program.starts_at_entry else _table_candidates(program):
        sp, reset = program.word(table), program.word(table + 4)
        if sp is None or reset is None:
            continue
        if SRAM.base < sp <= SRAM.end and sp % 4 == 0 and reset & 1 and region_of(reset):
            return Boot(sp, reset & ~1, _stack_limit(program, sp), table)
    entry = program.entry & ~1
    if region_of(entry, 2) is None:
        raise ElfError(
            f"{program.path}: no vector table, and the entry {entry:#010x} lies in no memory; "
            "check the linker script"
        )
    top = program.symbols.get("__StackTop")
    sp = top.address if top and SRAM.base < top.address <= SRAM.end else SRAM.end
    return Boot(sp, entry, _stack_limit(program, sp), _NO_TABLE)


def boot_by_watchdog(scratch: Sequence[int]) -> Boot | None:
    """What a program has left in the watchdog's scratch registers for the boot ROM to go to when it
    is reset (RP2040 datasheet, 2.8.1.1); None if it has not."""
    magic, check, sp, entry = scratch[4:8]
    if magic != _MAGIC or check != entry ^ -_MAGIC & 0xFFFF_FFFF:
        return None
    return Boot(sp & ~3, entry & ~1, 0, _NO_TABLE)


def boot_from_flash(words: npt.NDArray[np.uint32]) -> Boot | None:
    """How the boot ROM and the second stage begin with what flash holds, word by word (2.8.1); None
    where there is no second stage."""
    if not second_stage.is_second_stage(words[: second_stage.SIZE // 4].tobytes()):
        return None
    sp, entry = (int(word) for word in words[second_stage.SIZE // 4 :][:2])
    return Boot(sp & ~3, entry & ~1, 0, _IN_FLASH)


def boot_by_usb(sp: int) -> Boot:
    """How the boot ROM begins where there is nothing to boot: it waits as a USB drive."""
    return Boot(sp, rom_symbols()[_USB_BOOT].address, 0, _NO_TABLE)


def stack_limit_of_core1(program: Program, sp: int) -> int:
    """The lowest address of the room of core 1's stack, which begins at `sp`.

    The Pico SDK's own stack, else the array that `sp` is the end of, else its bank.
    """
    symbols = program.symbols
    if "__StackOneBottom" in symbols and "__StackOneTop" in symbols:
        bottom, top = symbols["__StackOneBottom"].address, symbols["__StackOneTop"].address
        if bottom < sp <= top:
            return bottom
    for symbol in symbols.values():
        if not symbol.is_function and symbol.address < sp <= symbol.address + symbol.size:
            return symbol.address
    return sp - 1 & -_BANK_SIZE if sp > _BANKS else 0


def _table_candidates(program: Program) -> list[int]:
    named = [
        program.symbols[name].address
        for name in ("__VECTOR_TABLE", "__vectors")
        if name in program.symbols
    ]
    sections = [section.address for section in program.sections if section.name == ".vectors"]
    lowest = program.segments[0].address
    return [*named, *sections, lowest, lowest + second_stage.SIZE]


def _stack_limit(program: Program, sp: int) -> int:
    """The Pico SDK's `__StackBottom`, else a `__StackLimit` below SP, else the end of the data.

    In the SDK's own memory maps `__StackLimit` bounds the heap and lies above or beside the
    stack (pico-sdk, memmap_default.ld), hence the order.
    """
    for name in ("__StackBottom", "__StackLimit"):
        symbol = program.symbols.get(name)
        if symbol and SRAM.base <= symbol.address < sp:
            return symbol.address
    ends = (section.end for section in program.sections if SRAM.holds(section.address))
    return max((end for end in ends if end < sp), default=SRAM.base)
