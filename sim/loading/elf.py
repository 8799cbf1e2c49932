"""A Program: what to load where and what its addresses are called; read from an ELF executable."""

import io
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from sim.errors import ElfError
from sim.loading.symbols import (
    Found,
    Span,
    Symbol,
    by_name,
    code_spans,
    rom_symbols,
    span_at,
    told_apart,
)
from sim.memory_map import FLASH, ROM, XIP, region_of

MAGIC = b"\x7fELF"
_MAPPING = ("$t", "$d", "$a")  # AAELF32, 5.5.5: where code and data begin


@dataclass(frozen=True)
class Segment:
    """Bytes of the file and the address they are loaded at (p_paddr)."""

    address: int
    data: bytes


@dataclass(frozen=True)
class Section:
    """A section that occupies memory; `address` is where the program sees it."""

    name: str
    address: int
    size: int
    writable: bool
    executable: bool

    @property
    def end(self) -> int:
        """The first address behind the section."""
        return self.address + self.size

    def holds(self, address: int) -> bool:
        """Whether an address lies inside."""
        return self.address <= address < self.end


@dataclass(frozen=True)
class SourceLine:
    """A place in the source text."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Program:
    """An executable: what to load where, and what its addresses are called.

    Only ELF files name their symbols, sections and source lines.

    Attributes:
        starts_at_entry: it begins with the instruction at `entry`, whatever looks like a vector
            table.
        found: its symbols, none twice.
        image: of an ELF file, for its DWARF.
    """

    path: str
    entry: int
    segments: tuple[Segment, ...]
    sections: tuple[Section, ...]
    starts_at_entry: bool = False
    found: tuple[Found, ...] = field(default=(), repr=False)
    image: bytes = field(default=b"", repr=False)

    @classmethod
    def parse(cls, image: bytes, path: str = "<bytes>") -> "Program":
        """Check an ELF file given by its bytes; `path` is what messages call it.

        Raises:
            ElfError: the file is damaged, or not made for an RP2040.
        """
        with _damage_told(path):
            elf = _open(image, path)
            return cls(
                path=path,
                entry=elf["e_entry"],
                segments=_segments(elf, image, path),
                sections=_sections(elf),
                found=tuple(told_apart(_symbols(elf))),
                image=image,
            )

    def word(self, address: int) -> int | None:
        """The little-endian word loaded at `address`; None if no segment holds it."""
        for segment in self.segments:
            offset = address - segment.address
            if 0 <= offset <= len(segment.data) - 4:
                return int.from_bytes(segment.data[offset : offset + 4], "little")
        return None

    @cached_property
    def symbols(self) -> Mapping[str, Symbol]:
        """Symbols by their own names and, where those mean one place, by the linker's."""
        return MappingProxyType({**rom_symbols(), **by_name(self.found)})

    @cached_property
    def spans(self) -> Sequence[Span]:
        """Which function each piece of code belongs to, the boot ROM's included, ascending."""
        return code_spans(self.found)

    def function_at(self, address: int) -> Symbol | None:
        """The function that holds `address`; one of unknown size reaches to the next one."""
        address = _first_known_by(address)
        span = span_at(self.spans, address)
        if span is None or (region_of(address) is not region_of(span.start)):
            return None
        return span.function if ROM.holds(address) or region_of(address) else None

    @cached_property
    def _lines(self) -> tuple[tuple[int, ...], tuple[SourceLine | None, ...]]:
        rows = _source_lines(self.image, self.path) if self.image else {}
        return tuple(rows), tuple(rows.values())

    def line_at(self, address: int) -> SourceLine | None:
        """The source line that `address` was compiled from, by DWARF; None without one."""
        starts, lines = self._lines
        position = bisect_right(starts, _first_known_by(address)) - 1
        return lines[position] if position >= 0 else None


def _first_known_by(address: int) -> int:
    """The first of the addresses by which a byte of flash is reached."""
    return FLASH.base + (address - XIP.base) % FLASH.size if XIP.holds(address) else address


@contextmanager
def _damage_told(path: str) -> Iterator[None]:
    """pyelftools lets through whatever error its parsing stumbles over; this gives it one name."""
    try:
        yield
    except ElfError:
        raise
    except Exception as error:
        detail = str(error) or type(error).__name__
        raise ElfError(f"{path}: damaged ELF file ({detail}); build it again") from error


def _open(image: bytes, path: str) -> ELFFile:
    if not image.startswith(MAGIC):
        raise ElfError(f"{path}: not an ELF file; give the .elf that the linker wrote")
    elf = ELFFile(io.BytesIO(image))
    if elf.elfclass != 32 or not elf.little_endian:
        raise ElfError(f"{path}: not a 32-bit little-endian ELF file; build for the Cortex-M0+")
    if elf["e_machine"] != "EM_ARM":
        raise ElfError(f"{path}: made for {elf['e_machine']}, not Arm; build for the Cortex-M0+")
    if elf["e_type"] != "ET_EXEC":
        raise ElfError(f"{path}: {elf['e_type']} is not an executable; link it first")
    return elf


def _segments(elf: ELFFile, image: bytes, path: str) -> tuple[Segment, ...]:
    segments = []
    for header in elf.iter_segments("PT_LOAD"):
        offset, size = header["p_offset"], header["p_filesz"]
        address, memory_size = header["p_paddr"], header["p_memsz"]
        if size > memory_size:
            raise ElfError(f"{path}: damaged: segment at {address:#010x} larger than its memory")
        if offset + size > len(image):
            raise ElfError(
                f"{path}: truncated: segment at {address:#010x} needs {offset + size} bytes of "
                f"the file, which has {len(image)}; build or copy it again"
            )
        for start, length in ((address, size), (header["p_vaddr"], memory_size)):
            if length and region_of(start, length) is None:
                raise ElfError(
                    f"{path}: segment {start:#010x}..{start + length:#010x} lies outside the "
                    "RP2040's flash and SRAM; check the linker script"
                )
        if size:
            segments.append(Segment(address, image[offset : offset + size]))
    if not segments:
        raise ElfError(f"{path}: no loadable segments; link it as an executable")
    segments.sort(key=lambda segment: segment.address)
    for first, second in pairwise(segments):
        if first.address + len(first.data) > second.address:
            raise ElfError(
                f"{path}: segments at {first.address:#010x} and {second.address:#010x} overlap; "
                "check the linker script"
            )
    return tuple(segments)


def _sections(elf: ELFFile) -> tuple[Section, ...]:
    return tuple(
        Section(
            name=section.name,
            address=section["sh_addr"],
            size=section["sh_size"],
            writable=bool(section["sh_flags"] & SH_FLAGS.SHF_WRITE),
            executable=bool(section["sh_flags"] & SH_FLAGS.SHF_EXECINSTR),
        )
        for section in elf.iter_sections()
        if section["sh_flags"] & SH_FLAGS.SHF_ALLOC and section["sh_size"]
    )


def _symbols(elf: ELFFile) -> Iterator[Found]:
    """All symbols of the file but those of sections and of other files' making."""
    sections = list(elf.iter_sections())
    for table in sections:
        if not isinstance(table, SymbolTableSection) or table["sh_type"] != "SHT_SYMTAB":
            continue
        entries = list(table.iter_symbols())
        mapping = sorted((e["st_value"], e.name[1]) for e in entries if e.name[:2] in _MAPPING)
        file = None
        for entry in entries:
            kind, name, index = entry["st_info"]["type"], entry.name, entry["st_shndx"]
            if kind == "STT_FILE":
                file = name or None
            nameless = not name or name.startswith("$")
            if nameless or kind in ("STT_FILE", "STT_SECTION") or index == "SHN_UNDEF":
                continue
            is_local = entry["st_info"]["bind"] == "STB_LOCAL"
            address, has_type = entry["st_value"], kind == "STT_FUNC"
            in_code = (
                isinstance(index, int)
                and index < len(sections)
                and bool(sections[index]["sh_flags"] & SH_FLAGS.SHF_EXECINSTR)
            )
            is_label = kind == "STT_NOTYPE" and in_code and _is_thumb(mapping, address)
            yield Found(
                Symbol(
                    name=name,
                    address=address & ~1 if has_type or is_label else address,
                    size=entry["st_size"],
                    is_function=has_type or is_label,
                    linker_name=name,
                    file=file if is_local else None,
                ),
                has_type,
                is_local,
            )


def _is_thumb(mapping: list[tuple[int, str]], address: int) -> bool:
    """Whether the mapping symbols say that code is there, or there are none that say."""
    position = bisect_right(mapping, (address, "~")) - 1
    return not mapping or (position >= 0 and mapping[position][1] == "t")


def _source_lines(image: bytes, path: str) -> dict[int, SourceLine | None]:
    """Address -> line from there on, ascending; None ends a run of lines.

    Runs that lie in no section are left out: of functions that the linker dropped, whose address
    it then gives as 0 or the like.
    """
    rows: dict[int, SourceLine | None] = {}
    with _damage_told(path):
        elf = ELFFile(io.BytesIO(image))
        if not elf.has_dwarf_info():
            return rows
        sections = [section for section in _sections(elf) if section.executable]
        dwarf = elf.get_dwarf_info()
        for unit in dwarf.iter_CUs():
            program = dwarf.line_program_for_CU(unit)
            if program is None:
                continue
            files = _file_names(program)
            run: dict[int, SourceLine | None] = {}
            for state in (entry.state for entry in program.get_entries()):
                if state is None:
                    continue
                if not state.end_sequence:
                    run[state.address] = SourceLine(files[state.file], state.line)
                    continue
                if run and any(section.holds(min(run)) for section in sections):
                    rows.setdefault(state.address, None)
                    rows.update(run)
                run = {}
    return dict(sorted(rows.items()))


def _file_names(program: Any) -> dict[int, str]:
    """The sources of a DWARF line program, as they were named to the compiler."""
    first = 0 if program["version"] >= 5 else 1  # DWARF 5 counts both tables from 0
    folders = dict(enumerate(program["include_directory"], first))
    names = {}
    for number, entry in enumerate(program["file_entry"], first):
        name = Path(entry.name.decode(errors="replace"))
        if entry.dir_index:  # 0 is the folder in which the compiler ran
            name = Path(folders[entry.dir_index].decode(errors="replace")) / name
        names[number] = str(name)
    return names
