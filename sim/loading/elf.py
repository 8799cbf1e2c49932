"""A Program: what to load where and what its addresses are called; read from an ELF executable."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from types import MappingProxyType

from priot.sim.errors import ElfError
from priot.sim.limits import DEBUG_SECTION
from priot.sim.loading.elf_file import ALLOC, EXECUTE, LOAD, WRITE, ElfFile
from priot.sim.loading.line_tables import LineTableError, sequences
from priot.sim.loading.symbols import (
    Found,
    Span,
    Symbol,
    by_name,
    code_spans,
    rom_symbols,
    span_at,
    told_apart,
)
from priot.sim.memory_map import FLASH, ROM, XIP, region_of
from priot.sim.reading import megabytes

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
        elf = ElfFile(image, path)
        return cls(
            path=path,
            entry=elf.entry,
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


def _segments(elf: ElfFile, image: bytes, path: str) -> tuple[Segment, ...]:
    loaded = [header for header in elf.segments if header.kind == LOAD]
    for header in loaded:
        address, size = header.load_address, header.size
        if size > header.memory_size:
            raise ElfError(f"{path}: damaged: segment at {address:#010x} larger than its memory")
        if header.offset + size > len(image):
            raise ElfError(
                f"{path}: truncated: segment at {address:#010x} needs {header.offset + size} bytes "
                f"of the file, which has {len(image)}; build or copy it again"
            )
        for start, length in ((address, size), (header.address, header.memory_size)):
            if length and region_of(start, length) is None:
                raise ElfError(
                    f"{path}: segment {start:#010x}..{start + length:#010x} lies outside the "
                    "RP2040's flash and SRAM; check the linker script"
                )
    loaded = sorted((one for one in loaded if one.size), key=lambda header: header.load_address)
    if not loaded:
        raise ElfError(f"{path}: no loadable segments; link it as an executable")
    for first, second in pairwise(loaded):
        if first.load_address + first.size > second.load_address:
            raise ElfError(
                f"{path}: segments at {first.load_address:#010x} and {second.load_address:#010x} "
                "overlap; check the linker script"
            )
    return tuple(
        Segment(header.load_address, image[header.offset : header.offset + header.size])
        for header in loaded
    )


def _sections(elf: ElfFile) -> tuple[Section, ...]:
    return tuple(
        Section(
            name=elf.name_of(section),
            address=section.address,
            size=section.size,
            writable=bool(section.flags & WRITE),
            executable=bool(section.flags & EXECUTE),
        )
        for section in elf.sections
        if section.flags & ALLOC and section.size
    )


# AAELF32 and ELF 1.2: kinds of symbols, and how they are seen
_NO_TYPE, _FUNCTION, _SECTION, _FILE = 0, 2, 3, 4
_LOCAL = 0
_UNDEFINED = 0
_LONGEST_FILE_NAME = 255  # NAME_MAX of Linux; symbols of one name are told apart by it


def _symbols(elf: ElfFile) -> Iterator[Found]:
    """All symbols of the file but those of sections and of other files' making."""
    for entries in elf.symbols():
        mapping = sorted((e.value, e.name[1]) for e in entries if e.name[:2] in _MAPPING)
        file = None
        for entry in entries:
            name = entry.name
            if entry.kind == _FILE:
                file = name if 0 < len(name) <= _LONGEST_FILE_NAME else None
            nameless = not name or name.startswith("$")
            if nameless or entry.kind in (_FILE, _SECTION) or entry.section == _UNDEFINED:
                continue
            is_local, has_type = entry.binding == _LOCAL, entry.kind == _FUNCTION
            in_code = entry.section < len(elf.sections) and bool(
                elf.sections[entry.section].flags & EXECUTE
            )
            is_label = entry.kind == _NO_TYPE and in_code and _is_thumb(mapping, entry.value)
            yield Found(
                Symbol(
                    name=name,
                    address=entry.value & ~1 if has_type or is_label else entry.value,
                    size=entry.size,
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
    elf = ElfFile(image, path)
    table = elf.debug_content(".debug_line")
    if len(table) > DEBUG_SECTION:
        raise elf.damaged(f"its line tables have more than {megabytes(DEBUG_SECTION)}")
    code = _merged(section for section in _sections(elf) if section.executable)
    lines: dict[int, SourceLine | None] = {}
    known: dict[tuple[str, int], SourceLine] = {}
    texts = (elf.debug_content(name) for name in (".debug_str", ".debug_line_str"))
    try:
        for *rows, end in sequences(table, *texts):
            if not rows or not _holds(code, min(row.address for row in rows)):
                continue
            lines.setdefault(end.address, None)
            for address, file, line in rows:
                place = (file or "", line)
                lines[address] = known.setdefault(place, SourceLine(*place))
    except LineTableError as error:
        raise elf.damaged(str(error)) from error
    return dict(sorted(lines.items()))


def _merged(sections: Iterable[Section]) -> list[tuple[int, int]]:
    """The addresses of sections, from start to before end, ascending and apart."""
    spans: list[tuple[int, int]] = []
    for section in sorted(sections, key=lambda section: section.address):
        if spans and section.address <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], section.end))
        else:
            spans.append((section.address, section.end))
    return spans


def _holds(spans: list[tuple[int, int]], address: int) -> bool:
    position = bisect_right(spans, address, key=lambda span: span[0]) - 1
    return position >= 0 and address < spans[position][1]
