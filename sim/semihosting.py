"""Semihosting: the calls that a program makes to its debugger through BKPT 0xAB.

Source: Arm, *Semihosting for AArch32 and AArch64*, release 2.0, sections 5 and 6. Time is simulated
time, so that a run gives the same answers every time; files exist only inside a folder the user
names.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

import numpy as np

from priot.sim.errors import AddressError, SimError
from priot.sim.host_files import MODES, HostFiles
from priot.sim.limits import FILES_MEGABYTES, HANDLES, STRING
from priot.sim.pico import Pico

BREAKPOINT = 0xAB
APPLICATION_EXIT = 0x20026  # ADP_Stopped_ApplicationExit
FAILED = 0xFFFF_FFFF
CONSOLE = ":tt"
_PIECE = 256  # of a string, at once


class SemihostingError(SimError):
    """A call that the host cannot serve: its number is unknown or its arguments lie nowhere."""


@dataclass
class _Console:
    """What the file ``:tt`` stands for: the program's own output, no input."""

    reads: bool


class Semihosting:
    """Serves the calls of one program.

    Args:
        pico: the machine that halted at the breakpoint.
        output: takes what the program writes to the console.
        folder: where the program may open files; None: nowhere.
        command_line: what SYS_GET_CMDLINE answers.
        files_megabytes: by which the files in the folder may grow.
    """

    def __init__(
        self,
        pico: Pico,
        output: Callable[[bytes], None],
        folder: Path | None = None,
        command_line: str = "",
        files_megabytes: float = FILES_MEGABYTES,
    ) -> None:
        self.exit_code: int | None = None
        """The program's exit code once it has asked to end, else None."""
        self._pico, self._output = pico, output
        self._host_files = HostFiles(folder, files_megabytes)
        self._command_line = os.fsencode(command_line)
        self._files: dict[int, FileIO | _Console] = {}
        self._errno = 0

    @property
    def files_are_full(self) -> bool:
        """Whether the program could not write since its files would have grown too much."""
        return self._host_files.is_full

    def serve(self) -> None:
        """Do what the halted program asks for and leave the answer in r0.

        Raises:
            SemihostingError: for a call that does not exist, or arguments outside memory.
        """
        registers = self._pico.registers
        call = _CALLS.get(registers.r0)
        if call is None:
            raise SemihostingError(
                f"semihosting call {registers.r0:#x} at PC {registers.pc:#010x} is not provided: "
                "the program may have been built for another debugger"
            )
        try:
            answer = call(self, registers.r1)
        except AddressError as error:
            raise SemihostingError(
                f"semihosting call {registers.r0:#x} at PC {registers.pc:#010x}: {error}"
            ) from error
        except OSError as error:
            self._errno, answer = error.errno or errno.EIO, FAILED
        except ValueError:  # of a closed file, or one opened for the other direction
            self._errno, answer = errno.EBADF, FAILED
        self._pico.set_registers(r0=answer & 0xFFFF_FFFF)

    def restart(self) -> None:
        """The program begins anew."""
        self.close()
        self.exit_code = None
        self._errno = 0

    def close(self) -> None:
        """Close the files that the program left open."""
        for file in self._files.values():
            if not isinstance(file, _Console):
                self._host_files.close(file)
        self._files.clear()

    def _words(self, address: int, count: int) -> list[int]:
        return [int(word) for word in self._pico.read(address, np.uint32, count)]

    def _bytes(self, address: int, count: int) -> bytes:
        return self._pico.read(address, np.uint8, count).tobytes()

    def _file(self, handle: int) -> FileIO | _Console:
        if handle not in self._files:
            raise OSError(errno.EBADF, "no such handle")
        return self._files[handle]

    def _open(self, block: int) -> int:
        name, mode, length = self._words(block, 3)
        if mode >= len(MODES):
            raise OSError(errno.EINVAL, "no such mode")
        if len(self._files) >= HANDLES:
            raise OSError(errno.EMFILE, "too many handles")
        handle = 1 + max(self._files, default=0)
        if self._bytes(name, length) == CONSOLE.encode():
            self._files[handle] = _Console(reads=mode < 4)
        else:
            self._files[handle] = self._host_files.open(self._bytes(name, length), mode)
        return handle

    def _close(self, block: int) -> int:
        handle = self._words(block, 1)[0]
        file = self._file(handle)
        if not isinstance(file, _Console):
            self._host_files.close(file)
        del self._files[handle]
        return 0

    def _write_character(self, address: int) -> int:
        self._output(self._bytes(address, 1))
        return 0

    def _write_string(self, address: int) -> int:
        text, end = bytearray(), -1
        while end < 0:
            if len(text) > STRING:
                raise SemihostingError(f"the string at {address:#010x} has no end")
            at = address + len(text)
            text += self._bytes(at, _PIECE - at % _PIECE)  # memories are whole numbers of pieces
            end = text.find(b"\0")
        self._output(bytes(text[:end]))
        return 0

    def _write(self, block: int) -> int:
        handle, address, count = self._words(block, 3)
        data, file = self._bytes(address, count), self._file(handle)
        if isinstance(file, _Console):
            self._output(data)
            return 0
        return count - self._host_files.write(file, data)  # bytes that were not written

    def _read(self, block: int) -> int:
        handle, address, count = self._words(block, 3)
        self._bytes(address, count)  # the room for it must lie in memory
        file = self._file(handle)
        data = b"" if isinstance(file, _Console) else file.read(count)
        self._pico.write(address, data)
        return count - len(data)  # bytes that were not read

    def _is_terminal(self, block: int) -> int:
        return int(isinstance(self._file(self._words(block, 1)[0]), _Console))

    def _seek(self, block: int) -> int:
        handle, position = self._words(block, 2)
        file = self._file(handle)
        if isinstance(file, _Console):
            raise OSError(errno.ESPIPE, "a console has no positions")
        file.seek(position)
        return 0

    def _length(self, block: int) -> int:
        file = self._file(self._words(block, 1)[0])
        if isinstance(file, _Console):
            return 0
        position = file.tell()
        length = file.seek(0, 2)
        file.seek(position)
        return length

    def _remove(self, block: int) -> int:
        self._host_files.remove(self._bytes(*self._words(block, 2)))
        return 0

    def _rename(self, block: int) -> int:
        name, length, new_name, new_length = self._words(block, 4)
        self._host_files.rename(self._bytes(name, length), self._bytes(new_name, new_length))
        return 0

    def _get_command_line(self, block: int) -> int:
        buffer, size = self._words(block, 2)
        if len(self._command_line) >= size:
            return FAILED
        self._pico.write(buffer, self._command_line + b"\0")
        self._pico.write(block + 4, np.array([len(self._command_line)], np.uint32))
        return 0

    def _heap_info(self, block: int) -> int:
        """Four zeros: the program is to use its own linker's symbols."""
        self._pico.write(self._words(block, 1)[0], np.zeros(4, np.uint32))
        return 0

    def _exit(self, reason: int) -> int:
        self.exit_code = 0 if reason == APPLICATION_EXIT else 1
        return 0

    def _exit_extended(self, block: int) -> int:
        reason, code = self._words(block, 2)
        self.exit_code = code & 0xFF if reason == APPLICATION_EXIT else 1
        return 0

    def _elapsed(self, block: int) -> int:
        cycles = self._pico.cycles
        self._pico.write(block, np.array([cycles & FAILED, cycles >> 32], np.uint32))
        return 0


_CALLS: dict[int, Callable[[Semihosting, int], int]] = {
    0x01: Semihosting._open,
    0x02: Semihosting._close,
    0x03: Semihosting._write_character,
    0x04: Semihosting._write_string,
    0x05: Semihosting._write,
    0x06: Semihosting._read,
    0x07: lambda host, _: FAILED,  # SYS_READC: there is no keyboard
    0x08: lambda host, block: int(host._words(block, 1)[0] >= 1 << 31),
    0x09: Semihosting._is_terminal,
    0x0A: Semihosting._seek,
    0x0C: Semihosting._length,
    0x0E: Semihosting._remove,
    0x0F: Semihosting._rename,
    0x10: lambda host, _: int(host._pico.seconds * 100),
    0x11: lambda host, _: int(host._pico.seconds),
    0x13: lambda host, _: host._errno,
    0x15: Semihosting._get_command_line,
    0x16: Semihosting._heap_info,
    0x18: Semihosting._exit,
    0x20: Semihosting._exit_extended,
    0x30: Semihosting._elapsed,
    0x31: lambda host, _: host._pico.clock_hz,
}
