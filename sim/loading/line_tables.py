"""Source lines by address: the line tables of DWARF 2 to 5, each read once, from first to last.

Source: *DWARF Debugging Information Format*, version 5, section 6.2, and version 4 for older files.
Compilation units are not asked: whatever they say of it, a table stands in its section once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

from priot.sim.limits import SOURCE_LINES, SOURCE_NAME, SOURCE_NAMES

_LONG_LENGTH = 0xFFFF_FFF0  # from here on it stands for another format
_VERSIONS = range(2, 6)
_ADDRESS = 0xFFFF_FFFF
_LONGEST_LEB = 10  # bytes of a 64-bit number

# 6.2.5.2 and 6.2.5.3
_EXTENDED, _COPY, _ADVANCE_PC, _ADVANCE_LINE, _SET_FILE = range(5)
_CONST_ADD_PC, _FIXED_ADVANCE_PC = 8, 9
_END_SEQUENCE, _SET_ADDRESS, _DEFINE_FILE = 1, 2, 3

# 6.2.4.1 and 7.5.6
_PATH, _FOLDER = 1, 2
_FIXED_FORMS = {0x0B: 1, 0x05: 2, 0x06: 4, 0x07: 8, 0x1E: 16}
_STRING, _UDATA, _STRP, _LINE_STRP, _BLOCK = 0x08, 0x0F, 0x0E, 0x1F, 0x09


class LineTableError(ValueError):
    """The tables are damaged; the message says how."""


class Row(NamedTuple):
    """From `address` on the code is of this file and line; `file` is None behind a sequence."""

    address: int
    file: str | None
    line: int


def sequences(table: bytes, texts: bytes, line_texts: bytes) -> Iterator[list[Row]]:
    """Runs of rows, each with its end as the last one.

    Args:
        table: the section .debug_line.
        texts: .debug_str.
        line_texts: .debug_line_str.

    Raises:
        LineTableError: they are damaged, or longer than any program's.
    """
    names = _Names(texts, line_texts)
    count = start = 0
    while start < len(table):
        cursor = _Cursor(table, start, len(table))
        length = cursor.fixed(4)
        if length >= _LONG_LENGTH:
            raise LineTableError("64-bit DWARF")
        end = cursor.at + length
        if end > len(table):
            raise LineTableError("a line table is cut short")
        for rows in _Program(_Cursor(table, cursor.at, end), names).run(SOURCE_LINES - count):
            count += len(rows)
            yield rows
        start = end


class _Cursor:
    """Reads numbers one after the other, up to an end."""

    def __init__(self, data: bytes, at: int, end: int) -> None:
        self.data, self.at, self.end = data, at, end

    def fixed(self, size: int) -> int:
        return int.from_bytes(self.taken(size), "little")

    def signed_byte(self) -> int:
        return int.from_bytes(self.taken(1), "little", signed=True)

    def taken(self, size: int) -> bytes:
        if size > self.end - self.at:
            raise LineTableError("a line table is cut short")
        self.at += size
        return self.data[self.at - size : self.at]

    def leb(self, signed: bool = False) -> int:
        """A LEB128 number (7.6)."""
        value = 0
        for shift in range(0, 7 * _LONGEST_LEB, 7):
            byte = self.fixed(1)
            value |= (byte & 0x7F) << shift
            if not byte & 0x80:
                return value - (1 << shift + 7) if signed and byte & 0x40 else value
        raise LineTableError("a number of more than 64 bits")

    def text(self) -> bytes:
        end = self.data.find(b"\0", self.at, min(self.end, self.at + SOURCE_NAME + 1))
        if end < 0:
            raise LineTableError("a file's name has no end")
        text, self.at = self.data[self.at : end], end + 1
        return text


class _Names:
    """Texts of the sections that hold them, and how much of them was asked for."""

    def __init__(self, texts: bytes, line_texts: bytes) -> None:
        self._sections = {_STRP: texts, _LINE_STRP: line_texts}
        self._size = 0

    def text(self, form: int, offset: int) -> bytes:
        section = self._sections[form]
        return self.counted(_Cursor(section, min(offset, len(section)), len(section)).text())

    def counted(self, text: bytes) -> bytes:
        self._size += len(text)
        if self._size > SOURCE_NAMES:
            raise LineTableError("its files have too long names")
        return text


class _Program:
    """One line table: its header, and the program that makes its rows (6.2.2)."""

    def __init__(self, cursor: _Cursor, names: _Names) -> None:
        self._cursor, self._names = cursor, names
        version = cursor.fixed(2)
        if version not in _VERSIONS:
            raise LineTableError(f"line tables of DWARF {version}")
        if version >= 5:
            cursor.taken(2)  # sizes of an address and of a segment selector
        length = cursor.fixed(4)
        start = cursor.at + length
        self._step = cursor.fixed(1)  # minimum_instruction_length
        if version >= 4:
            cursor.taken(1)  # maximum_operations_per_instruction: 1 but for VLIW
        cursor.taken(1)  # default_is_stmt
        self._line_base, self._line_range = cursor.signed_byte(), cursor.fixed(1)
        if not self._line_range:
            raise LineTableError("lines in a range of none")
        self._opcode_base = cursor.fixed(1)
        self._operands = list(cursor.taken(max(0, self._opcode_base - 1)))
        if version >= 5:
            self._folders = dict(enumerate(path for path, _ in self._entries()))
            self._files = dict(enumerate(self._entries()))
        else:
            self._folders = dict(enumerate(self._texts(), 1))
            self._files = dict(enumerate(map(self._old_file, self._texts()), 1))
        self._named: dict[int, str] = {}
        cursor.at = start

    def run(self, most: int) -> Iterator[list[Row]]:
        """Its sequences, of no more than ``most`` rows in all."""
        cursor, step = self._cursor, self._step
        rows: list[Row] = []
        address, file, line = 0, 1, 1
        fixed_step = (255 - self._opcode_base) // self._line_range * step
        while cursor.at < cursor.end:
            opcode = cursor.data[cursor.at]
            cursor.at += 1
            emits = False
            if opcode >= self._opcode_base:
                operation = opcode - self._opcode_base
                address += operation // self._line_range * step
                line += self._line_base + operation % self._line_range
                emits = True
            elif opcode == _COPY:
                emits = True
            elif opcode == _EXTENDED:
                size = cursor.leb()
                after = cursor.at + size
                kind = cursor.fixed(1) if size else 0
                if kind == _END_SEQUENCE:
                    yield [*rows, Row(address & _ADDRESS, None, 0)]
                    most -= len(rows) + 1
                    rows, address, file, line = [], 0, 1, 1
                elif kind == _SET_ADDRESS:
                    address = cursor.fixed(size - 1)
                elif kind == _DEFINE_FILE:
                    self._files[len(self._files) + 1] = self._old_file(cursor.text())
                if after > cursor.end:
                    raise LineTableError("a line table is cut short")
                cursor.at = after
            elif opcode == _ADVANCE_PC:
                address += cursor.leb() * step
            elif opcode == _ADVANCE_LINE:
                line += cursor.leb(signed=True)
            elif opcode == _SET_FILE:
                file = cursor.leb()
            elif opcode == _CONST_ADD_PC:
                address += fixed_step
            elif opcode == _FIXED_ADVANCE_PC:
                address += cursor.fixed(2)
            else:
                for _ in range(self._operands[opcode - 1]):
                    cursor.leb()
            if emits:
                rows.append(Row(address & _ADDRESS, self._name(file), line))
                if len(rows) >= most:
                    raise LineTableError(f"more than {SOURCE_LINES:,} rows of source lines")

    def _name(self, number: int) -> str:
        """Of a file as it was named to the compiler. Folder 0 is that in which it ran."""
        if number not in self._named:
            if number not in self._files:
                raise LineTableError(f"no file {number}")
            path, folder = self._files[number]
            name = PurePosixPath(path.decode(errors="replace"))
            if folder:
                if folder not in self._folders:
                    raise LineTableError(f"no folder {folder}")
                self._names.counted(self._folders[folder])
                name = PurePosixPath(self._folders[folder].decode(errors="replace")) / name
            self._named[number] = str(name)
        return self._named[number]

    def _texts(self) -> Iterator[bytes]:
        while text := self._cursor.text():
            yield text

    def _old_file(self, path: bytes) -> tuple[bytes, int]:
        folder, _, _ = (self._cursor.leb() for _ in range(3))
        return path, folder

    def _entries(self) -> list[tuple[bytes, int]]:
        """Folders or files as of DWARF 5: path, and number of the folder (6.2.4.1)."""
        cursor = self._cursor
        layout = [(cursor.leb(), cursor.leb()) for _ in range(cursor.fixed(1))]
        count = cursor.leb()
        if count and not layout:
            raise LineTableError("files of which nothing is told")
        entries = []
        for _ in range(count):
            path, folder = b"", 0
            for content, form in layout:
                value = self._value(form)
                if content == _PATH and isinstance(value, bytes):
                    path = value
                elif content == _FOLDER and isinstance(value, int):
                    folder = value
            entries.append((path, folder))
        return entries

    def _value(self, form: int) -> bytes | int:
        cursor = self._cursor
        if form in _FIXED_FORMS:
            return cursor.fixed(_FIXED_FORMS[form])
        if form in (_STRP, _LINE_STRP):
            return self._names.text(form, cursor.fixed(4))
        read: dict[int, Callable[[], bytes | int]] = {
            _STRING: cursor.text,
            _UDATA: cursor.leb,
            _BLOCK: lambda: cursor.taken(cursor.leb()),
        }
        if form not in read:
            raise LineTableError(f"files told in the form {form:#x}")
        return read[form]()
