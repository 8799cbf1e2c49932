"""Semihosting's calls, made with the registers and parameter blocks that a program would make."""

import errno
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sim_programs import SRAM_BASE, program

from sim import Pico
from sim.host_files import MODES
from sim.semihosting import Semihosting, SemihostingError

BLOCK, TEXT, BUFFER = SRAM_BASE + 0x1000, SRAM_BASE + 0x2000, SRAM_BASE + 0x3000
OPEN, CLOSE, WRITEC, WRITE0, WRITE, READ = 1, 2, 3, 4, 5, 6
ISTTY, SEEK, FLEN, REMOVE, RENAME = 9, 10, 12, 14, 15
CLOCK, ERRNO, GET_CMDLINE, EXIT, EXIT_EXTENDED, ELAPSED = 0x10, 0x13, 0x15, 0x18, 0x20, 0x30
FAILED = 0xFFFF_FFFF


class Caller:
    """Makes calls to a Semihosting as a program would."""

    def __init__(self, folder: Path | None = None, command_line: str = "") -> None:
        self.pico = Pico(program("bkpt #0xab; bkpt #0"))
        self.output = bytearray()
        self.host = Semihosting(self.pico, self.output.extend, folder, command_line)

    def call(self, number: int, argument: int = 0) -> int:
        self.pico.set_registers(r0=number, r1=argument)
        self.host.serve()
        return self.pico.registers.r0

    def block(self, *words: int) -> int:
        self.pico.write(BLOCK, np.array(words, np.uint32))
        return BLOCK

    def open(self, name: str, mode: int) -> int:
        self.pico.write(TEXT, name.encode() + b"\0")
        return self.call(OPEN, self.block(TEXT, mode, len(name)))

    def write(self, handle: int, data: bytes) -> int:
        self.pico.write(BUFFER, data)
        return self.call(WRITE, self.block(handle, BUFFER, len(data)))

    def read(self, handle: int, count: int) -> bytes:
        left = self.call(READ, self.block(handle, BUFFER, count))
        return self.pico.read(BUFFER, np.uint8, count).tobytes()[: count - left]


def test_console_takes_characters_strings_and_writes() -> None:
    caller = Caller()
    caller.pico.write(TEXT, b"Hello\0not this")
    caller.call(WRITE0, TEXT)
    caller.call(WRITEC, TEXT + 4)
    console = caller.open(":tt", 4)
    assert caller.call(ISTTY, caller.block(console)) == 1
    assert caller.write(console, b" there") == 0
    assert caller.output == b"Helloo there"


@pytest.fixture
def filing(tmp_path: Path) -> Iterator[Caller]:
    """A caller that may keep files in tmp_path; those left open are closed at the end."""
    caller = Caller(tmp_path)
    yield caller
    caller.host.close()


def test_a_file_is_written_read_and_measured(filing: Caller, tmp_path: Path) -> None:
    caller = filing
    handle = caller.open("data.bin", 5)
    assert caller.write(handle, bytes(range(100))) == 0
    assert caller.call(CLOSE, caller.block(handle)) == 0
    assert (tmp_path / "data.bin").read_bytes() == bytes(range(100))
    handle = caller.open("data.bin", 1)
    assert caller.call(FLEN, caller.block(handle)) == 100
    assert caller.call(SEEK, caller.block(handle, 90)) == 0
    assert caller.read(handle, 20) == bytes(range(90, 100))
    assert caller.call(ISTTY, caller.block(handle)) == 0


@pytest.mark.parametrize("address", [BUFFER, 0])
def test_no_bytes_are_read_and_written(filing: Caller, tmp_path: Path, address: int) -> None:
    console = filing.open(":tt", 4)
    handle = filing.open("a", MODES.index("w+b"))
    for where in (console, handle):
        for call in (WRITE, READ):
            assert filing.call(call, filing.block(where, address, 0)) == 0
    assert filing.output == b""
    assert (tmp_path / "a").stat().st_size == 0


def test_reading_at_the_end_leaves_all_bytes_unread(filing: Caller) -> None:
    """Semihosting 2.0, SYS_READ: the count of bytes not filled; as many as asked for at the end."""
    file = filing.open("a", MODES.index("w+b"))
    filing.write(file, b"abc")
    filing.call(SEEK, filing.block(file, 0))
    filing.pico.write(BUFFER, bytes(16))
    unread = [filing.call(READ, filing.block(file, BUFFER, 16)) for _ in range(3)]
    assert unread == [13, 16, 16]
    assert filing.pico.read(BUFFER, count=16).tobytes() == b"abc" + bytes(13)
    console = filing.open(":tt", 0)
    assert filing.call(READ, filing.block(console, BUFFER, 16)) == 16


def test_a_file_is_renamed_and_removed(tmp_path: Path) -> None:
    caller = Caller(tmp_path)
    (tmp_path / "old").write_text("x")
    caller.pico.write(TEXT, b"oldnew")
    assert caller.call(RENAME, caller.block(TEXT, 3, TEXT + 3, 3)) == 0
    assert (tmp_path / "new").exists()
    assert caller.call(REMOVE, caller.block(TEXT + 3, 3)) == 0
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "link/secret", "a\0b"])
def test_no_path_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "secret").write_text("secret")
    (folder / "link").symlink_to(tmp_path)
    caller = Caller(folder)
    assert caller.open(name, 0) == FAILED
    assert caller.call(ERRNO) == errno.EACCES


def test_without_a_folder_no_file_opens() -> None:
    caller = Caller()
    assert caller.open("data.bin", 4) == FAILED
    assert caller.call(ERRNO) == errno.EACCES


def test_wrong_handles_and_directions_are_errors(filing: Caller) -> None:
    caller = filing
    for number in (CLOSE, WRITE, READ, FLEN):
        assert caller.call(number, caller.block(7, BUFFER, 4)) == FAILED
        assert caller.call(ERRNO) == errno.EBADF
    handle = caller.open("new", 4)
    assert caller.call(READ, caller.block(handle, BUFFER, 4)) == FAILED
    assert caller.open("missing", 0) == FAILED
    assert caller.call(ERRNO) == errno.ENOENT
    assert caller.open("new", 12) == FAILED
    assert caller.call(ERRNO) == errno.EINVAL


def test_exit_codes() -> None:
    for number, argument, code in (
        (EXIT, 0x20026, 0),
        (EXIT, 0x20023, 1),
        (EXIT_EXTENDED, (0x20026, 7), 7),
        (EXIT_EXTENDED, (0x20026, 256 + 7), 7),
        (EXIT_EXTENDED, (0x20023, 0), 1),
    ):
        caller = Caller()
        assert caller.host.exit_code is None
        caller.call(number, caller.block(*argument) if isinstance(argument, tuple) else argument)
        assert caller.host.exit_code == code


def test_command_line_and_a_buffer_too_small_for_it() -> None:
    caller = Caller(command_line="run --fast")
    assert caller.call(GET_CMDLINE, caller.block(BUFFER, 64)) == 0
    length = int(caller.pico.read(BLOCK + 4, np.uint32)[0])
    assert caller.pico.read(BUFFER, np.uint8, length + 1).tobytes() == b"run --fast\0"
    assert caller.call(GET_CMDLINE, caller.block(BUFFER, 10)) == FAILED


def test_time_is_simulated() -> None:
    caller = Caller()
    caller.call(ELAPSED, BLOCK)
    assert int(caller.pico.read(BLOCK, np.uint64)[0]) == caller.pico.cycles
    assert caller.call(CLOCK) == int(caller.pico.seconds * 100)


def test_an_unknown_call_and_a_wild_argument_are_told() -> None:
    caller = Caller()
    with pytest.raises(SemihostingError, match=r"call 0x99 at PC 0x20000000"):
        caller.call(0x99)
    with pytest.raises(SemihostingError, match="call 0x5 at PC"):
        caller.call(WRITE, 0x5000_0000)
    caller.pico.write(TEXT, b"x" * 0x11000)
    with pytest.raises(SemihostingError, match="has no end"):
        caller.call(WRITE0, TEXT)


def test_a_read_into_more_than_memory_is_told(filing: Caller, tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"x")
    handle = filing.open("data", 1)
    with pytest.raises(SemihostingError, match="call 0x6 at PC"):
        filing.call(READ, filing.block(handle, BUFFER, FAILED))
