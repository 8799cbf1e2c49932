"""ELF files made to take time or memory are refused soon; their like that are sound are read."""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from time import process_time

import pytest
from sim_programs import SRAM_BASE, ElfSource, assemble

from priot.sim import ElfError, Engine, Fault, Pico, Program, SourceLine
from priot.sim.limits import DEBUG_SECTION, SECTIONS, SYMBOLS

_CODE = assemble("movs r0, #1; bkpt #0; nop; nop")
_ALLOC_EXECUTE, _COMPRESSED = 6, 0x800
_PROGBITS, _SYMTAB, _STRTAB = 1, 2, 3
_SECONDS = 10  # of processor time; each took minutes, or memory without end


@contextmanager
def soon() -> Iterator[None]:
    start = process_time()
    yield
    assert process_time() - start < _SECONDS


class File:
    """An ELF file of any sections; one of them is a small program in SRAM."""

    def __init__(self) -> None:
        self.names = bytearray(b"\0")
        self.body = bytearray(_CODE)
        self.sections = [bytes(40)]
        self.segments = [(len(self.body), 52)]
        self.section(".text", _PROGBITS, flags=_ALLOC_EXECUTE, at=(SRAM_BASE, 0, len(_CODE)))

    def section(
        self,
        name: str,
        kind: int = _PROGBITS,
        content: bytes = b"",
        *,
        flags: int = 0,
        at: tuple[int, int, int] | None = None,
        link: int = 0,
        entry_size: int = 0,
    ) -> int:
        """Its number. `at` is address, place in the body and size."""
        name_at = len(self.names)
        self.names += name.encode() + b"\0"
        address, start, size = at or (0, len(self.body), len(content))
        self.body += content
        fields = (name_at, kind, flags, address, 52 + start, size, link, 0, 1, entry_size)
        self.sections.append(struct.pack("<10I", *fields))
        return len(self.sections) - 1

    def build(self) -> bytes:
        names_at = self.section(".shstrtab", _STRTAB)
        start, size = len(self.body), len(self.names)
        fields = list(struct.unpack("<10I", self.sections[-1]))
        fields[4:6] = 52 + start, size
        self.sections[-1] = struct.pack("<10I", *fields)
        body = bytes(self.body + self.names)
        segments = b"".join(
            struct.pack("<8I", 1, offset, SRAM_BASE, SRAM_BASE, length, length, 7, 4)
            for length, offset in self.segments
        )
        segments_at = 52 + len(body)
        header = b"\x7fELF\1\1\1" + bytes(9)
        header += struct.pack(
            "<HHIIIIIHHHHHH",
            *(2, 40, 1, SRAM_BASE | 1, segments_at, segments_at + len(segments), 0),
            *(52, 32, len(self.segments), 40, len(self.sections), names_at),
        )
        return header + body + segments + b"".join(self.sections)


def symbols(count: int, name: int = 1) -> bytes:
    return struct.pack("<IIIBBH", name, SRAM_BASE | 1, 4, 0x12, 0, 1) * count


def test_a_symbol_table_is_read() -> None:
    file = File()
    strings = file.section(".strtab", _STRTAB, b"\0main\0")
    file.section(".symtab", _SYMTAB, symbols(1), link=strings, entry_size=16)
    assert Program.parse(file.build()).symbols["main"].address == SRAM_BASE


@pytest.mark.parametrize("entry_size", [0, 1, 15, 17])
def test_symbols_have_16_bytes(entry_size: int) -> None:
    """ELF 1.2, figure 1-16."""
    file = File()
    strings = file.section(".strtab", _STRTAB, b"\0" + b"n" * 10_000 + b"\0")
    file.section(".symtab", _SYMTAB, symbols(20_000), link=strings, entry_size=entry_size)
    with soon(), pytest.raises(ElfError, match="symbol table of another format"):
        Program.parse(file.build())


def test_many_symbol_tables_of_one_content_are_refused() -> None:
    file = File()
    strings = file.section(".strtab", _STRTAB, b"\0main\0")
    at = len(file.body)
    file.body += symbols(1000)
    for _ in range(SYMBOLS // 1000 + 1):
        file.section("s", _SYMTAB, at=(0, at, 16_000), link=strings, entry_size=16)
    with soon(), pytest.raises(ElfError, match="more than 200,000 symbols"):
        Program.parse(file.build())


def test_many_sections_are_refused() -> None:
    file = File()
    for _ in range(SECTIONS):
        file.section("s", _SYMTAB)
    with soon(), pytest.raises(ElfError, match="a table of 10,003 entries"):
        Program.parse(file.build())


def test_many_symbols_with_long_readable_names_are_read_soon() -> None:
    file = File()
    strings = file.section(".strtab", _STRTAB, b"\0" + b"_ZN" + b"1a" * 60 + b"E\0")
    table = b"".join(
        struct.pack("<IIIBBH", 1, SRAM_BASE + 2 * at | 1, 0, 2, 0, 1) for at in range(20_000)
    )
    file.section(".symtab", _SYMTAB, table, link=strings, entry_size=16)
    with soon():
        program = Program.parse(file.build())
        assert program.function_at(SRAM_BASE + 8) is not None


@pytest.mark.parametrize("text", [b"", b"n" * 20_000 + b"\0", b"n" * 100])
def test_a_name_has_an_end(text: bytes) -> None:
    file = File()
    strings = file.section(".strtab", _STRTAB, b"\0" + text)
    file.section(".symtab", _SYMTAB, symbols(1), link=strings, entry_size=16)
    with pytest.raises(ElfError, match="name without an end"):
        Program.parse(file.build())


def test_segments_that_share_their_bytes_are_not_copied() -> None:
    file = File()
    file.body += bytes(200_000)
    file.segments = [(200_000, 52)] * SECTIONS  # 2 GB in all
    with soon(), pytest.raises(ElfError, match="overlap"):
        Program.parse(file.build())


def line_table(version: int, sequences: int = 1) -> bytes:
    """Two rows of "src/a.c", lines 7 and 8, at the start of SRAM and 2 bytes on."""
    if version >= 5:
        folders = struct.pack("<5B", 1, 1, 0x08, 2, 0) + b"src\0"  # one field: a path, in place
        names = struct.pack("<6B", 2, 1, 0x08, 2, 0x0B, 1) + b"a.c\0\1"
    else:
        folders, names = b"src\0\0", b"a.c\0\1\0\0\0"
    rest = struct.pack("<B", 2) + (b"\1" if version >= 4 else b"")
    rest += struct.pack("<BbBB", 1, -5, 14, 13) + bytes((0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1))
    rest += folders + names
    file = b"\4\0" if version >= 5 else b""  # DW_LNS_set_file
    run = b"\0\5\2" + struct.pack("<I", SRAM_BASE) + file + b"\3\6\1"  # line 1 + 6, copy
    run += bytes((13 + 14 + 6,)) + b"\2\3" + b"\0\1\1"  # 2 bytes and a line on; 6 bytes on; end
    head = struct.pack("<H", version) + (b"\4\0" if version >= 5 else b"")
    content = head + struct.pack("<I", len(rest)) + rest + run * sequences
    return struct.pack("<I", len(content)) + content


@pytest.mark.parametrize("version", [2, 3, 4, 5])
@pytest.mark.parametrize("compressed", [False, True])
def test_lines_of_every_version(version: int, compressed: bool) -> None:
    """DWARF 2 to 5, section 6.2; ELF's compressed sections hold the same."""
    table = line_table(version)
    if compressed:
        table = struct.pack("<3I", 1, len(table), 1) + zlib.compress(table)
    file = File()
    file.section(".debug_line", content=table, flags=_COMPRESSED * compressed)
    program = Program.parse(file.build())
    told = [program.line_at(SRAM_BASE + offset) for offset in (0, 2, 6, 8)]
    assert told == [
        *(SourceLine("src/a.c", 7), SourceLine("src/a.c", 8)),
        *(SourceLine("src/a.c", 8), None),
    ]


def test_units_that_share_a_line_table_read_it_once() -> None:
    file = File()
    unit = struct.pack("<IHIBB", 7 + 6, 4, 0, 4, 1) + struct.pack("<I", 0) + b"\0"
    file.section(".debug_info", content=unit * 20_000)
    file.section(".debug_abbrev", content=b"\1\x11\0\x10\x17\0\0\0")
    file.section(".debug_line", content=line_table(4, sequences=5000))
    with soon():
        assert Program.parse(file.build()).line_at(SRAM_BASE) == SourceLine("src/a.c", 7)


@pytest.mark.parametrize(
    ("size", "told"), [(DEBUG_SECTION + 1, "unpacks to over 16 MB"), (1000, "another size")]
)
def test_a_compressed_section_is_unpacked_as_far_as_it_says(size: int, told: str) -> None:
    packer = zlib.compressobj(9)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(64)) + packer.flush()
    file = File()
    content = struct.pack("<3I", 1, size, 1) + bomb
    file.section(".debug_line", content=content, flags=_COMPRESSED)
    program = Program.parse(file.build())
    with soon(), pytest.raises(ElfError, match=told):
        program.line_at(SRAM_BASE)


@pytest.mark.parametrize(
    "run",
    [
        b"\3" + b"\x80" * 100_000 + b"\0",  # a number of 700,000 bits
        b"\4\7\1",  # a file that is not there
        b"\0\5",
        b"\0\xff\xff\xff\xff\x0f\2",
        b"\x0d",  # a row without end is none
    ],
)
def test_damaged_lines_are_an_error_or_none(run: bytes) -> None:
    table = line_table(4, sequences=0)[4:] + run
    file = File()
    file.section(".debug_line", content=struct.pack("<I", len(table)) + table)
    program = Program.parse(file.build())
    with soon():
        try:
            assert program.line_at(SRAM_BASE) is None
        except ElfError as error:
            assert "damaged ELF file" in str(error)  # noqa: PT017


def test_files_of_dwarf_5_without_bytes_are_refused() -> None:
    """2^60 entries that take no byte each."""
    rest = struct.pack("<BBBbBB", 2, 1, 1, -5, 14, 1) + b"\0" + b"\x80" * 8 + b"\x10"
    content = struct.pack("<HBBI", 5, 4, 0, len(rest)) + rest
    file = File()
    file.section(".debug_line", content=struct.pack("<I", len(content)) + content)
    program = Program.parse(file.build())
    with soon(), pytest.raises(ElfError, match="files of which nothing is told"):
        program.line_at(SRAM_BASE)


def test_code_of_many_runs_and_sections_is_found_soon() -> None:
    file = File()
    for at in range(SECTIONS - 4):
        file.section("s", flags=_ALLOC_EXECUTE, at=(0x2001_0000 + 4 * at, 0, 2))
    file.section(".debug_line", content=line_table(4, sequences=20_000))
    with soon():
        assert Program.parse(file.build()).line_at(SRAM_BASE) == SourceLine("src/a.c", 7)


@pytest.mark.parametrize("engine", Engine)
def test_a_refused_push_before_what_is_no_instruction_ends_a_run(engine: Engine) -> None:
    """It ran for ever past every limit: the block was begun anew, and looked at, and begun anew."""
    source = "ldr r0, =0x20001008; mov sp, r0; b next; next: push {r0-r3}; .short 0xDE00; bkpt #0"
    code = assemble(source + "; .align 2")
    image = ElfSource(code, bss=(SRAM_BASE + 0x100, 0xF00)).build()
    pico = Pico(Program.parse(image), engine=engine)
    with soon(), pytest.raises(Fault, match="stack overflow"):
        pico.run(max_cycles=1_000_000)
