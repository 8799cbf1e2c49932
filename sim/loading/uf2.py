"""Reads a UF2 file, as the RP2040's USB boot loader takes it.

Source: RP2040 datasheet 2.8.4.2 (UF2 format details); the format is Microsoft's
(github.com/microsoft/uf2).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

from sim.errors import Uf2Error
from sim.loading.elf import Program, Section, Segment
from sim.memory_map import region_of

MAGIC = b"UF2\n"
FAMILY_RP2040 = 0xE48B_FF56

_BLOCK = struct.Struct("<4s7I476sI")
_MAGIC_SECOND, _MAGIC_END = 0x9E5D_5157, 0x0AB1_6F30
_NOT_MAIN_FLASH, _FILE_CONTAINER, _HAS_FAMILY = 0x0001, 0x1000, 0x2000
_MAX_PAYLOAD = 476


@dataclass(frozen=True)
class _Block:
    address: int
    number: int
    count: int
    data: bytes


def parse(image: bytes, path: str = "<bytes>") -> Program:
    """Read a UF2 file given by its bytes; `path` is what messages call it.

    Blocks that are not for main flash, files within the file and blocks of other families are
    skipped, as the boot ROM skips them. A block may come twice if both are the same.

    Raises:
        Uf2Error: a block is damaged, missing or of another address space, or none is left.
    """
    if not image or len(image) % _BLOCK.size:
        raise Uf2Error(
            f"{path}: {len(image)} bytes are no whole number of {_BLOCK.size}-byte UF2 blocks; "
            "copy or build it again"
        )
    blocks = _complete(_blocks(image, path), path)
    segments = tuple(_joined(blocks, path))
    return Program(
        path=path,
        entry=segments[0].address,
        segments=segments,
        sections=tuple(
            Section(".image", segment.address, len(segment.data), writable=False, executable=True)
            for segment in segments
        ),
        symbols=MappingProxyType({}),
    )


def _blocks(image: bytes, path: str) -> list[_Block]:
    blocks = []
    other_families = set()
    for position, fields in enumerate(_BLOCK.iter_unpack(image)):
        first, second, flags, address, size, number, count, family, data, end = fields
        where = f"{path}: block at byte {position * _BLOCK.size}"
        if (first, second, end) != (MAGIC, _MAGIC_SECOND, _MAGIC_END):
            raise Uf2Error(f"{where} has no UF2 magic numbers; copy or build it again")
        if flags & (_NOT_MAIN_FLASH | _FILE_CONTAINER):
            continue
        if flags & _HAS_FAMILY and family != FAMILY_RP2040:
            other_families.add(family)
            continue
        if not 1 <= size <= _MAX_PAYLOAD:
            raise Uf2Error(f"{where} holds {size} bytes, not 1..{_MAX_PAYLOAD}; build it again")
        if number >= count:
            raise Uf2Error(f"{where} is number {number} of {count}; build it again")
        if region_of(address, size) is None:
            raise Uf2Error(
                f"{where} is for {address:#010x}, outside the RP2040's flash and SRAM; "
                "was it made for another board?"
            )
        blocks.append(_Block(address, number, count, data[:size]))
    if not blocks:
        families = ", ".join(f"{family:#010x}" for family in sorted(other_families)[:4])
        made_for = f"made for family {families}" if families else "no block for main flash"
        raise Uf2Error(f"{path}: {made_for}, not for an RP2040 ({FAMILY_RP2040:#010x})")
    return blocks


def _complete(blocks: list[_Block], path: str) -> list[_Block]:
    """Each block once, by address, after a check that all are there."""
    count = blocks[0].count
    by_number: dict[int, _Block] = {}
    for block in blocks:
        if block.count != count:
            raise Uf2Error(
                f"{path}: block {block.number} is of {block.count}, others are of {count}; "
                "are these two files in one?"
            )
        if by_number.setdefault(block.number, block) != block:
            raise Uf2Error(f"{path}: two different blocks have number {block.number}")
    if len(by_number) != count:
        missing = next(number for number in range(count) if number not in by_number)
        raise Uf2Error(f"{path}: block {missing} of {count} is missing; copy it again")
    return sorted(by_number.values(), key=lambda block: block.address)


def _joined(blocks: list[_Block], path: str) -> Iterator[Segment]:
    """Segments without a gap, ascending."""
    for before, block in pairwise(blocks):
        if before.address + len(before.data) > block.address:
            raise Uf2Error(
                f"{path}: blocks {before.number} and {block.number} overlap at "
                f"{block.address:#010x}; build it again"
            )
    start, parts = blocks[0].address, [blocks[0].data]
    for before, block in pairwise(blocks):
        if before.address + len(before.data) != block.address:
            yield Segment(start, b"".join(parts))
            start, parts = block.address, []
        parts.append(block.data)
    yield Segment(start, b"".join(parts))
