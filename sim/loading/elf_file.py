"""The tables of a 32-bit ELF file. Every size and count is checked before it is believed.

Source: *Tool Interface Standard ELF*, 1.2, and *ELF for the Arm Architecture* (AAELF32); compressed
sections: *System V ABI*, chapter 4.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from priot.sim.errors import ElfError
from priot.sim.limits import DEBUG_SECTION, SECTIONS, SYMBOL_NAME, SYMBOL_NAMES, SYMBOLS
from priot.sim.reading import megabytes

MAGIC = b"\x7fELF"
SYMBOL_TABLE, NO_BITS = 2, 8  # sh_type
WRITE, ALLOC, EXECUTE, _COMPRESSED = 1, 2, 4, 0x800  # sh_flags
LOAD = 1  # p_type

_IDENTITY = b"\1\1"  # 32 bits, little-endian
_EXECUTABLE, _ARM = 2, 40
_MACHINES = {3: "x86", 62: "x86-64", 183: "64-bit Arm", 243: "RISC-V", 94: "Xtensa"}
_HEADER = struct.Struct("<16s2H5I6H")
_SEGMENT = struct.Struct("<8I")
_SECTION = struct.Struct("<10I")
_SYMBOL = struct.Struct("<3I2BH")
_COMPRESSION = struct.Struct("<3I")
_ZLIB = 1


class SegmentHeader(NamedTuple):
    """A program header."""

    kind: int
    offset: int
    address: int
    load_address: int
    size: int
    memory_size: int
    flags: int
    alignment: int


class SectionHeader(NamedTuple):
    """A section header; `name` is a place in the section of names."""

    name: int
    kind: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    alignment: int
    entry_size: int


class SymbolEntry(NamedTuple):
    """An entry of a symbol table; `binding` and `kind` as in st_info."""

    name: str
    value: int
    size: int
    binding: int
    kind: int
    section: int


class ElfFile:
    """An executable for Arm, by its bytes; `path` is what messages call it.

    Raises:
        ElfError: the file is damaged, or not made for an RP2040. So do all its methods.
    """

    def __init__(self, image: bytes, path: str) -> None:
        self._image, self._path = image, path
        if not image.startswith(MAGIC):
            raise ElfError(f"{path}: not an ELF file; give the .elf that the linker wrote")
        if len(image) < _HEADER.size:
            raise self.damaged("it ends within its header")
        (identity, kind, machine, _, self.entry, segments, sections, *_, segment_size) = (
            _HEADER.unpack_from(image)[:10]
        )
        segment_count, section_size, section_count, names = _HEADER.unpack_from(image)[10:]
        if identity[4:6] != _IDENTITY:
            raise ElfError(f"{path}: not a 32-bit little-endian ELF file; build for the Cortex-M0+")
        if machine != _ARM:
            made_for = _MACHINES.get(machine, f"machine {machine}")
            raise ElfError(f"{path}: made for {made_for}, not Arm; build for the Cortex-M0+")
        if kind != _EXECUTABLE:
            raise ElfError(f"{path}: not an executable (type {kind}); link it first")
        self.segments = [
            SegmentHeader(*entry)
            for entry in self._table(_SEGMENT, segments, segment_size, segment_count)
        ]
        self.sections = [
            SectionHeader(*entry)
            for entry in self._table(_SECTION, sections, section_size, section_count)
        ]
        self._names = self.content(self.sections[names]) if names < len(self.sections) else b"\0"

    def damaged(self, detail: str) -> ElfError:
        """The error that says so."""
        return ElfError(f"{self._path}: damaged ELF file ({detail}); build it again")

    def name_of(self, section: SectionHeader) -> str:
        """Its name."""
        return self._text(self._names, section.name)

    def content(self, section: SectionHeader) -> bytes:
        """The bytes of a section as they stand in the file."""
        if section.kind == NO_BITS:
            return b""
        if section.offset + section.size > len(self._image):
            raise self.damaged("a section ends behind it")
        return self._image[section.offset : section.offset + section.size]

    def debug_content(self, name: str) -> bytes:
        """A section of debug information, unpacked; empty if there is none."""
        for section in self.sections:
            if self.name_of(section) == name:
                content = self.content(section)
                return self._unpacked(content) if section.flags & _COMPRESSED else content
        return b""

    def symbols(self) -> Iterator[list[SymbolEntry]]:
        """The entries of each symbol table."""
        tables = [section for section in self.sections if section.kind == SYMBOL_TABLE]
        for table in tables:
            if table.entry_size != _SYMBOL.size or table.link >= len(self.sections):
                raise self.damaged("a symbol table of another format")
        if sum(table.size // _SYMBOL.size for table in tables) > SYMBOLS:
            raise self.damaged(f"more than {SYMBOLS:,} symbols")
        names_size = 0
        for table in tables:
            content = self.content(table)
            content = content[: len(content) // _SYMBOL.size * _SYMBOL.size]
            texts = self.content(self.sections[table.link])
            entries = []
            for name, value, size, info, _, section in _SYMBOL.iter_unpack(content):
                text = self._text(texts, name)
                names_size += len(text)
                if names_size > SYMBOL_NAMES:
                    raise self.damaged(f"its names have more than {megabytes(SYMBOL_NAMES)}")
                entries.append(SymbolEntry(text, value, size, info >> 4, info & 15, section))
            yield entries

    def _table(
        self, layout: struct.Struct, start: int, size: int, count: int
    ) -> list[tuple[int, ...]]:
        if not count:
            return []
        if count > SECTIONS or size != layout.size:
            raise self.damaged(f"a table of {count:,} entries of {size} bytes")
        if start + count * size > len(self._image):
            raise self.damaged("a table ends behind it")
        return list(layout.iter_unpack(self._image[start : start + count * size]))

    def _text(self, texts: bytes, start: int) -> str:
        end = texts.find(b"\0", start, start + SYMBOL_NAME + 1)
        if end < 0:
            raise self.damaged("a name without an end")
        return texts[start:end].decode(errors="replace")

    def _unpacked(self, content: bytes) -> bytes:
        if len(content) < _COMPRESSION.size:
            raise self.damaged("a compressed section is cut short")
        method, size, _ = _COMPRESSION.unpack_from(content)
        if method != _ZLIB:
            raise self.damaged("its debug information is not compressed by zlib")
        if size > DEBUG_SECTION:
            raise self.damaged(f"its debug information unpacks to over {megabytes(DEBUG_SECTION)}")
        unpacker = zlib.decompressobj()
        try:
            unpacked = unpacker.decompress(content[_COMPRESSION.size :], size + 1)
        except zlib.error as error:
            raise self.damaged("a compressed section") from error
        if len(unpacked) != size:
            raise self.damaged("a compressed section unpacks to another size")
        return unpacked
