"""Reads a UF2 file as the RP2040's boot ROM does when the file is copied to its USB drive.

Sources: RP2040 datasheet 2.8.4.2 (UF2 format details), erratum RP2040-E14, and what the boot ROM's
published source (virtual_disk.c) decides where the datasheet is silent; the format is Microsoft's
(github.com/microsoft/uf2).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from priot.sim.errors import Uf2Error
from priot.sim.loading.elf import Program, Section, Segment
from priot.sim.memory_map import FLASH, SRAM, XIP, XIP_SRAM

MAGIC = b"UF2\n"
FAMILY_RP2040 = 0xE48B_FF56

_BLOCK = struct.Struct("<4s7I476sI")
_MAGIC_SECOND, _MAGIC_END = 0x9E5D_5157, 0x0AB1_6F30
_NOT_MAIN_FLASH, _HAS_FAMILY = 0x0001, 0x2000
_PAYLOAD = 256
_SECTOR = 4096  # that flash is erased by


class _Block(NamedTuple):
    """A block for the RP2040."""

    address: int
    number: int
    total: int
    data: bytes

    @property
    def in_ram(self) -> bool:
        """Whether it is for SRAM, or for the memory of the XIP cache."""
        return SRAM.holds(self.address, _PAYLOAD) or XIP_SRAM.holds(self.address, _PAYLOAD)


def parse(image: bytes, path: str = "<bytes>") -> Program:
    """Read a UF2 file given by its bytes; `path` is what messages call it.

    What is no block for the RP2040 is passed over, as is a number that was there before. The
    program is what has been written when a transfer has all its numbers: in flash it starts with
    its second stage, in SRAM with the instruction at its lowest address.

    Raises:
        Uf2Error: no transfer is ever complete, or what it leaves cannot start.
    """
    memory, transfer, refused = _Memory(), None, ""
    for start in range(0, len(image) - _BLOCK.size + 1, _BLOCK.size):
        try:
            block = _block(image[start : start + _BLOCK.size])
            try:
                if transfer is None or transfer.total != block.total:
                    transfer = _Transfer(block.total, block.in_ram)
                transfer.take(block, memory)
            except Uf2Error:
                transfer = None  # and all blocks are to come again
                raise
        except Uf2Error as error:
            refused = refused or f"block at byte {start} {error}"
            continue
        if transfer.is_complete:
            return _program(transfer, memory, path)
    if transfer is not None:
        refused = transfer.missing + (f"; {refused}" if refused else "")
    elif not refused:
        refused = f"{len(image)} bytes hold no {_BLOCK.size}-byte block"
    raise Uf2Error(f"{path}: {refused}; copy it again, or build it for an RP2040")


def _block(raw: bytes) -> _Block:
    """The block in 512 bytes, if the boot ROM looks into it."""
    first, second, flags, address, size, number, count, family, data, end = _BLOCK.unpack(raw)
    if (first, second, end) != (MAGIC, _MAGIC_SECOND, _MAGIC_END):
        raise Uf2Error("has no UF2 magic numbers")
    if not flags & _HAS_FAMILY:
        raise Uf2Error(f"names no family (flag {_HAS_FAMILY:#06x}), which the boot ROM asks for")
    if family != FAMILY_RP2040:
        raise Uf2Error(f"is made for family {family:#010x}, not for an RP2040 ({FAMILY_RP2040:#x})")
    if flags & _NOT_MAIN_FLASH:
        raise Uf2Error(f"is not for main flash (flag {_NOT_MAIN_FLASH:#06x})")
    if size != _PAYLOAD:
        raise Uf2Error(f"holds {size} bytes; the boot ROM takes none but of {_PAYLOAD}")
    return _Block(address, number, count, data[:size])


class _Memory:
    """What has been written, by sectors: the bytes, and a 1 for each that is there."""

    def __init__(self) -> None:
        self._sectors: dict[int, tuple[bytearray, bytearray]] = {}

    def erase(self, address: int) -> None:
        """Erase a sector of flash."""
        self._sectors.pop(address, None)

    def write(self, address: int, data: bytes, *, to_flash: bool) -> None:
        """Put bytes there; flash can but clear bits of those that it has."""
        for base in range(address & -_SECTOR, address + len(data), _SECTOR):
            content, written = self._sectors.setdefault(
                base, (bytearray(b"\xff" * _SECTOR), bytearray(_SECTOR))
            )
            first, end = max(address, base), min(address + len(data), base + _SECTOR)
            here, part = slice(first - base, end - base), data[first - address : end - address]
            if to_flash:
                part = bytes(old & new for old, new in zip(content[here], part, strict=True))
            content[here], written[here] = part, b"\1" * len(part)

    def segments(self) -> Iterator[Segment]:
        """All that is there, without a gap in any one, ascending."""
        start, parts = 0, bytearray()
        for base, (content, written) in sorted(self._sectors.items()):
            at = written.find(1)
            while at >= 0:
                end = written.find(0, at)
                end = _SECTOR if end < 0 else end
                if parts and start + len(parts) != base + at:
                    yield Segment(start, bytes(parts))
                    parts = bytearray()
                start = start if parts else base + at
                parts += content[at:end]
                at = written.find(1, end)
        if parts:
            yield Segment(start, bytes(parts))


@dataclass
class _Transfer:
    """Blocks that say that they are `total` in all; what the boot ROM keeps of them."""

    total: int
    in_ram: bool
    lowest: int = 0xFFFF_FFFF
    _blocks: set[int] = field(default_factory=set)
    _erased: set[int] = field(default_factory=set)  # sixteens of numbers
    _sectors: dict[int, int] = field(default_factory=dict)  # that were written, by which block

    @property
    def is_complete(self) -> bool:
        """Whether all blocks are there."""
        return len(self._blocks) == self.total

    @property
    def missing(self) -> str:
        """The first block that is not there."""
        number = next(number for number in range(self.total) if number not in self._blocks)
        return f"block {number} of {self.total} is missing"

    def take(self, block: _Block, memory: _Memory) -> None:
        """Write a block; Uf2Error where the boot ROM takes it for garbage."""
        address = block.address
        if not block.in_ram and not FLASH.holds(address, _PAYLOAD):
            beyond = "beyond the 2 MB of a Pico's" if XIP.holds(address) else "outside the RP2040's"
            raise Uf2Error(f"is for {address:#010x}, {beyond} flash and SRAM")
        if not SRAM.holds(address) and address % _PAYLOAD:
            raise Uf2Error(f"is for {address:#010x}, no multiple of {_PAYLOAD}")
        if block.in_ram != self.in_ram:
            raise Uf2Error(
                "is for SRAM, those before are for flash"
                if block.in_ram
                else "is for flash, those before are for SRAM"
            )
        if block.number >= self.total:
            raise Uf2Error(f"has number {block.number} of {self.total}")
        if block.number in self._blocks:
            return
        self._blocks.add(block.number)
        # SRAM goes before the memory of the cache, whatever the addresses.
        self.lowest = min(self.lowest, address, key=lambda at: (XIP_SRAM.holds(at), at))
        if not self.in_ram:
            self._erase_for(block, memory)
        memory.write(address, block.data, to_flash=not self.in_ram)

    def _erase_for(self, block: _Block, memory: _Memory) -> None:
        """The boot ROM erases a sector for the first of each 16 numbers: RP2040-E14."""
        sector, numbers = block.address & -_SECTOR, block.number * _PAYLOAD // _SECTOR
        if numbers not in self._erased:
            self._erased.add(numbers)
            if sector in self._sectors:
                raise Uf2Error(
                    f"erases the sector {sector:#010x} and in it block {self._sectors[sector]}: "
                    "the boot ROM goes by numbers; begin at a sector, fill all up (RP2040-E14)"
                )
            memory.erase(sector)
        self._sectors[sector] = block.number


def _program(transfer: _Transfer, memory: _Memory, path: str) -> Program:
    segments = tuple(memory.segments())
    if not transfer.in_ram and segments[0].address != FLASH.base:
        raise Uf2Error(
            f"{path}: begins at {segments[0].address:#010x}, and nothing is at {FLASH.base:#010x}, "
            "where the boot ROM looks for the second stage; link it with one"
        )
    return Program(
        path=path,
        entry=transfer.lowest if transfer.in_ram else FLASH.base,
        segments=segments,
        sections=tuple(
            Section(".image", segment.address, len(segment.data), writable=False, executable=True)
            for segment in segments
        ),
        starts_at_entry=transfer.in_ram,
    )
