"""Semihosting's calls, made with the registers and parameter blocks that a program would make."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sim_programs import SRAM_BASE, program

from priot.sim import Pico
from priot.sim.host_files import MODES
from priot.sim.limits import HANDLES
from priot.sim.semihosting import Semihosting, SemihostingError

BLOCK, TEXT, BUFFER = SRAM_BASE + 0x1000, SRAM_BASE + 0x2000, SRAM_BASE + 0x3000
OPEN, CLOSE, WRITEC, WRITE0, WRITE, READ = 1, 2, 3, 4, 5, 6
ISTTY, SEEK, FLEN, REMOVE, RENAME = 9, 10, 12, 14, 15
CLOCK, ERRNO, GET_CMDLINE, EXIT, EXIT_EXTENDED, ELAPSED = 0x10, 0x13, 0x15, 0x18, 0x20, 0x30
FAILED = 0xFFFF_FFFF


class Caller:
    """Makes calls to a Semihosting as a program would."""

    def __init__(
        self, folder: Path | None = None, command_line: str = "", megabytes: float = 1
    ) -> None:
        self.pico = Pico(program("bkpt #0xab; bkpt #0"))
        self.output = bytearray()
        self.host = Semihosting(self.pico, self.output.extend, folder, command_line, megabytes)

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


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Caller]:
    """A caller whose files may grow by 16 KB, in which a new one counts as 4 KB at least."""
    caller = Caller(tmp_path, megabytes=1 / 64)
    yield caller
    caller.host.close()


def test_files_grow_as_far_as_they_may(small: Caller, tmp_path: Path) -> None:
    """As on a full disk: what there is room for is written, of the rest it is told."""
    handle = small.open("a", MODES.index("w+b"))
    assert small.write(handle, bytes(12_000)) == 0
    assert not small.host.files_are_full
    assert small.write(handle, bytes(1000)) == 1000 - 288
    assert small.host.files_are_full
    assert small.write(handle, b"x") == 1
    assert small.call(SEEK, small.block(handle, 0)) == 0
    assert small.write(handle, bytes(12_000)) == 0  # what is there can be written again
    small.call(SEEK, small.block(handle, 0xFFFF_0000))
    assert small.write(handle, b"x") == 1
    assert (tmp_path / "a").stat().st_size == 3 * 4096


def test_room_comes_back_with_a_file_that_is_removed_and_closed(small: Caller) -> None:
    handle = small.open("a", MODES.index("wb"))
    assert small.write(handle, bytes(12_288)) == 0
    assert small.call(REMOVE, small.block(TEXT, 1)) == 0
    assert small.open("b", MODES.index("wb")) == FAILED  # its room is still taken
    assert small.call(ERRNO) == errno.ENOSPC
    assert small.call(CLOSE, small.block(handle)) == 0
    for name in "bbb":
        handle = small.open(name, MODES.index("wb"))
        assert small.write(handle, bytes(12_288)) == 0
        assert small.call(CLOSE, small.block(handle)) == 0
        assert small.call(REMOVE, small.block(TEXT, 1)) == 0


def test_a_file_that_gives_way_to_another_leaves_its_room(small: Caller) -> None:
    for _ in range(3):
        for name in "ab":
            handle = small.open(name, MODES.index("wb"))
            assert small.write(handle, bytes(4096)) == 0
            small.call(CLOSE, small.block(handle))
        small.pico.write(TEXT, b"ab")
        assert small.call(RENAME, small.block(TEXT, 1, TEXT + 1, 1)) == 0


def test_a_file_that_was_there_does_not_count(small: Caller, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(1 << 20))
    handle = small.open("a", MODES.index("ab"))
    assert small.write(handle, bytes(16_384)) == 0
    assert small.write(handle, bytes(1)) == 1


def test_empty_files_have_an_end(small: Caller) -> None:
    handles = [small.open(f"f{number}", MODES.index("wb")) for number in range(5)]
    assert handles == [1, 2, 3, 4, FAILED]
    assert small.call(ERRNO) == errno.ENOSPC


def test_handles_have_an_end() -> None:
    caller = Caller()
    handles = [caller.open(":tt", 4) for _ in range(HANDLES + 1)]
    assert handles[-2:] == [HANDLES, FAILED]
    assert caller.call(ERRNO) == errno.EMFILE


@pytest.mark.parametrize("mode", ["rb", "r+b", "wb", "ab"])
def test_pipes_and_loops_of_links_are_no_files(filing: Caller, tmp_path: Path, mode: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "loop", "folder", "loop/x", "n" * 5000, "n" * 300):
        assert filing.open(name, MODES.index(mode)) == FAILED, name
        filing.pico.write(TEXT, name.encode() + b"new")
        assert filing.call(RENAME, filing.block(TEXT, len(name), TEXT + len(name), 3)) == FAILED


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
