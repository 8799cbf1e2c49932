"""GDB's remote protocol on a TCP port of this machine: `target remote :3333`.

One client at a time. `kill` and `quit` end the program where it stands; `disconnect` and a lost
connection leave it standing for the next client, `detach` leaves it to the caller to run on. In
`target extended-remote` a killed program can be run again. Each core is a thread, core 0 thread 1;
all stop together. GDB manual, appendix E; a packet that is damaged, unknown or makes no sense is
answered as the manual wants it, and changes nothing.
"""

import re
import select
import socket
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np

from priot.sim.cpu.processor import Processor
from priot.sim.errors import AddressError, SimError
from priot.sim.faults import FaultReason
from priot.sim.gdb.debugger import Cause, Debugger, Halt, Watch, Watchpoint
from priot.sim.gdb.monitor import Monitor
from priot.sim.gdb.protocol import MAX_PACKET, Decoder, Signal, encode
from priot.sim.gdb.target import (
    REGISTER_BYTES,
    REGISTERS,
    description,
    memory_map,
    read_register,
    write_register,
)
from priot.sim.pico import Pico, StopReason
from priot.sim.semihosting import Semihosting

DEFAULT_PORT = 3333
_HOST = "127.0.0.1"
_LAST_PORT = 0xFFFF

# GDB's own numbers of signals, include/gdb/signals.def.
_SIGINT, _SIGILL, _SIGTRAP, _SIGBUS, _SIGSEGV, _SIGSYS, _SIGXCPU = 2, 4, 5, 10, 11, 12, 24
_FAULT_SIGNALS = {
    FaultReason.UNDEFINED: _SIGILL,
    FaultReason.UNPREDICTABLE: _SIGILL,
    FaultReason.ARM_STATE: _SIGILL,
    FaultReason.UNALIGNED: _SIGBUS,
    FaultReason.UNMODELLED: _SIGBUS,
    FaultReason.SUPERVISOR_CALL: _SIGSYS,
}  # the others: SIGSEGV
_PROGRAM_STOPS = {
    StopReason.BUDGET: (_SIGXCPU, "the budget of cycles is used up"),
    StopReason.SLEEP: (_SIGTRAP, "asleep, and nothing is set up that could wake the core"),
    StopReason.RESET: (_SIGTRAP, "the program reset the chip; try: monitor reset"),
}
_WATCH_TYPES = {2: Watch.WRITE, 3: Watch.READ, 4: Watch.ACCESS}
_WATCH_NAMES = {Watch.WRITE: "watch", Watch.READ: "rwatch", Watch.ACCESS: "awatch"}

# GDB prints the text of these nowhere; the numbers are errno's.
_BAD_ADDRESS, _INVALID = b"E0e", b"E16"
_OK, _UNKNOWN = b"OK", b""
_ERASED = b"\xff"

_SLICE_SECONDS = 0.05  # between two looks for Ctrl-C
_SLICES = (10_000, 100_000_000)  # cycles, shortest and longest


class Ending(Enum):
    """How a session ended."""

    DETACHED = "detached"  # the program is to run on without GDB
    KILLED = "killed"
    EXITED = "exited"  # the program ended by itself


@dataclass(frozen=True)
class SessionEnd:
    """The end of a session, with the exit code of a program that EXITED."""

    ending: Ending
    exit_code: int | None = None


class _InvalidError(Exception):
    """A packet makes no sense."""


class Server:
    """The port at which GDB finds a Pico, one client after the other.

    Args:
        port: of TCP; 0 is any free one.
        announce: takes a line that says where GDB finds the server.

    Raises:
        SimError: the port is taken, or may not be used.
    """

    def __init__(
        self,
        port: int = DEFAULT_PORT,
        announce: Callable[[str], None] = lambda line: print(line, file=sys.stderr, flush=True),
    ) -> None:
        hint = "choose another, or 0 for any free one"
        if not 0 <= port <= _LAST_PORT:
            raise SimError(f"port {port} on {_HOST}: there is no such port; {hint}")
        try:
            self._listener = socket.create_server((_HOST, port))
        except OSError as error:
            detail = error.strerror or error
            raise SimError(f"port {port} on {_HOST}: {detail}; {hint}") from error
        self._announce = announce

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    @property
    def is_called(self) -> bool:
        """Whether a client waits to be answered."""
        return bool(select.select([self._listener], [], [], 0)[0])

    def debug(
        self, pico: Pico, semihosting: Semihosting | None = None, max_cycles: int | None = None
    ) -> SessionEnd:
        """Wait for GDB and let it debug a Pico from where that stands, until it lets go of it.

        A client that goes away without a word leaves the Pico standing, for the next one.

        Args:
            semihosting: answers the program's calls.
            max_cycles: budget in cycles since reset.
        """
        debugger = Debugger(pico, semihosting, max_cycles)
        debugger.prepare()
        end = None
        while end is None:
            port = self._listener.getsockname()[1]
            if not self.is_called:
                self._announce(
                    f"waiting for GDB on {_HOST}:{port}; in gdb-multiarch: target remote :{port}"
                )
            client, _ = self._listener.accept()
            with client:
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                try:
                    end = _Connection(client, Session(debugger)).serve()
                finally:
                    debugger.close()
        return end


class _Connection:
    """The wire: framing, acknowledgement, and turns between client and program."""

    def __init__(self, client: socket.socket, session: "Session") -> None:
        self._client, self._session = client, session
        self._decoder = Decoder()
        self._waiting: deque[bytes | Signal] = deque()
        self._sent = b""
        self._slice = _SLICES[0]

    def serve(self) -> SessionEnd | None:
        """Until the session ends; None if the client went away before."""
        session = self._session
        while session.end is None:
            try:
                if session.is_running:
                    self._run()
                elif self._waiting:
                    self._take(self._waiting.popleft())
                else:
                    self._receive()
            except OSError:
                return session.hang_up()
        return session.end

    def _receive(self) -> None:
        data = self._client.recv(1 << 16)
        if not data:
            raise ConnectionResetError
        self._waiting.extend(self._decoder.feed(data))

    def _run(self) -> None:
        """Let the program run a slice of time, then look for Ctrl-C."""
        begin = time.monotonic()
        replies = self._session.advance(self._slice)
        elapsed = max(time.monotonic() - begin, _SLICE_SECONDS / 10)
        shortest, longest = _SLICES
        self._slice = int(min(max(self._slice * _SLICE_SECONDS / elapsed, shortest), longest))
        if select.select([self._client], [], [], 0)[0]:
            self._receive()
        if self._session.is_running and Signal.INTERRUPT in self._waiting:
            self._waiting.remove(Signal.INTERRUPT)
            replies = self._session.interrupt()
        for reply in replies:
            self._send(reply)

    def _take(self, item: bytes | Signal) -> None:
        acknowledges = self._session.acknowledges
        match item:
            case bytes():
                if acknowledges:
                    self._client.sendall(b"+")
                for reply in self._session.handle(item):
                    self._send(reply)
            case Signal.DAMAGED if acknowledges:
                self._client.sendall(b"-")
            case Signal.NACK if acknowledges:
                self._client.sendall(self._sent)

    def _send(self, payload: bytes) -> None:
        self._sent = encode(payload)
        self._client.sendall(self._sent)


class Session:
    """What each packet means; knows payloads only, not the wire.

    Attributes:
        is_running: whether the program is under way: `advance` and `interrupt` are due.
        acknowledges: whether packets are, until GDB asks for the contrary.
        end: set once the session is over.
    """

    def __init__(
        self,
        debugger: Debugger,
    ) -> None:
        self._debugger = debugger
        self._pico = debugger.pico
        self._monitor = Monitor(debugger)
        self.is_running = False
        self.acknowledges = True
        self.end: SessionEnd | None = None
        self._extended = self._killed = False
        self._features: set[bytes] = set()
        self._breakpoints: dict[int, set[int]] = {}  # address: packet types, 0 and 1
        self._selected = 0  # the core that packets are about
        self._moving: int | None = None  # the one that `c` and `s` move alone; None: both move
        self._stop_reply = b"T%02xthread:1;" % _SIGTRAP
        self._exited: int | None = None  # exit code of the program that ended
        self._documents = {
            b"features:read:target.xml": description(),
            b"memory-map:read:": memory_map(),
        }
        self._whole: dict[bytes, Callable[[], list[bytes]]] = {
            b"?": lambda: [self._stop_reply],
            b"!": self._extend,
            b"g": self._read_registers,
            b"k": self._kill,
            b"qAttached": lambda: [b"0"],  # the program was begun for GDB: `quit` kills it
            b"qC": lambda: [b"QC%x" % (self._core.number + 1)],
            b"qfThreadInfo": self._list_threads,
            b"qsThreadInfo": lambda: [b"l"],
            b"QStartNoAckMode": self._no_acknowledgement,
            b"vCont?": lambda: [b"vCont;c;C;s;S;r"],
            b"vFlashDone": lambda: [_OK],
        }
        # The first one that a packet begins with takes what follows.
        self._beginnings: dict[bytes, Callable[[bytes], list[bytes]]] = {
            b"qSupported": self._supported,
            b"qXfer:": self._transfer,
            b"qRcmd,": self._command,
            b"qSymbol:": lambda _: [_OK],
            b"vCont;": self._continue_by_action,
            b"vKill;": self._kill_and_say,
            b"vRun;": self._run_anew,
            b"vFlashErase:": self._erase_flash,
            b"vFlashWrite:": self._write_flash,
            b"Hg": self._select,
            b"Hc": self._select_moving,
            b"T": self._is_alive,
            b"qThreadExtraInfo,": self._describe_thread,
            b"G": self._write_registers,
            b"p": self._read_register,
            b"P": self._write_register,
            b"m": self._read_memory,
            b"M": self._write_memory,
            b"X": self._write_binary,
            b"Z": self._insert,
            b"z": self._remove,
            b"c": lambda rest: self._move(None, rest),
            b"s": lambda rest: self._move(range(0), rest),
            b"R": self._restart,
            b"D": self._detach,
        }

    @property
    def _core(self) -> Processor:
        """The one that is selected; core 0 if that runs no more, as after a reset."""
        cores = self._debugger.cores
        return cores[self._selected if self._selected < len(cores) else 0]

    def handle(self, packet: bytes) -> list[bytes]:
        """The replies to a packet; none if it sets the program running or ends the session."""
        try:
            if packet in self._whole:
                return self._whole[packet]()
            for beginning, handler in self._beginnings.items():
                if packet.startswith(beginning):
                    return handler(packet.removeprefix(beginning))
        except _InvalidError:
            return [_INVALID]
        except AddressError:
            return [_BAD_ADDRESS]
        return [_UNKNOWN]

    def advance(self, max_cycles: int) -> list[bytes]:
        """Let the program run for some cycles; the replies if it stopped within them."""
        halt = self._debugger.advance(max_cycles)
        return [] if halt is None else self._stopped(halt)

    def interrupt(self) -> list[bytes]:
        """The reply to Ctrl-C."""
        return self._stopped(self._debugger.interrupt())

    def hang_up(self) -> SessionEnd | None:
        """The end of a session whose client went away; None if it left a program standing."""
        if self._exited is not None:
            return SessionEnd(Ending.EXITED, self._exited)
        return SessionEnd(Ending.KILLED) if self._killed else None

    # Threads

    def _list_threads(self) -> list[bytes]:
        return [b"m" + b",".join(b"%x" % (core.number + 1) for core in self._debugger.cores)]

    def _select(self, rest: bytes) -> list[bytes]:
        number = self._core_of(rest)
        self._selected = self._core.number if number is None else number
        return [_OK]

    def _select_moving(self, rest: bytes) -> list[bytes]:
        self._moving = self._core_of(rest)
        return [_OK]

    def _is_alive(self, rest: bytes) -> list[bytes]:
        self._core_of(rest)
        return [_OK]

    def _describe_thread(self, rest: bytes) -> list[bytes]:
        number = self._core_of(rest) or 0
        sleeps = ", asleep" if self._debugger.cores[number].sleeps else ""
        return [f"core {number}{sleeps}".encode().hex().encode()]

    def _core_of(self, thread: bytes) -> int | None:
        """The core that is a thread; None for any and all of them."""
        if thread in (b"0", b"-1"):
            return None
        number = _number(thread)
        if not 1 <= number <= len(self._debugger.cores):
            raise _InvalidError
        return number - 1

    # Running and stopping

    def _move(self, stepping: range | None, address: bytes) -> list[bytes]:
        """`c` and `s`."""
        cores = self._debugger.cores
        alone = self._moving is not None and self._moving < len(cores)
        core = cores[self._moving] if alone and self._moving is not None else self._core
        if address:
            core.set_registers(pc=_number(address) & 0xFFFF_FFFF)
        return self._resume(stepping, core.number, alone)

    def _resume(self, stepping: range | None, core: int, alone: bool) -> list[bytes]:
        if self._exited is not None:
            raise _InvalidError
        self._monitor.note_start()
        self._killed = False
        self._debugger.begin(stepping, core, alone=alone)
        self.is_running = True
        return []

    def _continue_by_action(self, rest: bytes) -> list[bytes]:
        """`vCont`: of the actions the first counts that names a core's thread, or none at all."""
        cores = len(self._debugger.cores)
        motions: dict[int, range | None] = {}
        for part in rest.split(b";"):
            action, _, thread = part.partition(b":")
            number = self._core_of(thread or b"-1")
            motion = _motion(action)
            for core in range(cores) if number is None else [number]:
                motions.setdefault(core, motion)
        wanted = sorted(motions, key=lambda core: (motions[core] is None, core != self._selected))
        return self._resume(motions[wanted[0]], wanted[0], len(motions) < cores)

    def _stopped(self, halt: Halt) -> list[bytes]:
        self.is_running = False
        self._selected = self._debugger.core.number
        if (code := halt.exit_code) is not None:
            self._exited = code
            self._stop_reply = b"W%02x" % (code & 0xFF)
            if not self._extended:
                self.end = SessionEnd(Ending.EXITED, code)
            return [self._stop_reply]
        signal, text = _SIGTRAP, ""
        if halt.fault is not None:
            signal, text = _FAULT_SIGNALS.get(halt.fault.reason, _SIGSEGV), str(halt.fault)
        elif halt.stop is not None and halt.stop.reason is StopReason.HALT:
            text = f"halted by BKPT #{halt.stop.immediate}"
        elif halt.stop is not None:
            signal, text = _PROGRAM_STOPS[halt.stop.reason]
        elif halt.cause is Cause.INTERRUPTED:
            signal = _SIGINT
        elif halt.refusal is not None:
            text = str(halt.refusal)
        thread = self._selected + 1
        self._stop_reply = b"T%02x%bthread:%x;" % (signal, self._why(halt), thread)
        return [*_console(text), self._stop_reply]

    def _why(self, halt: Halt) -> bytes:
        if halt.watchpoint is not None:
            return f"{_WATCH_NAMES[halt.watchpoint.kind]}:{halt.address:x};".encode()
        if halt.cause is Cause.BREAKPOINT:
            name = b"swbreak" if 0 in self._breakpoints.get(self._core.pc, ()) else b"hwbreak"
            if name + b"+" in self._features:
                return name + b":;"
        return b""

    def _begin_again(self) -> None:
        self._monitor.restart()
        self._exited, self._moving, self._selected = None, None, 0
        self._stop_reply = b"T%02xthread:1;" % _SIGTRAP

    def _restart(self, rest: bytes) -> list[bytes]:
        _number(rest)  # without a meaning, says the manual
        self._begin_again()
        return []

    def _run_anew(self, _rest: bytes) -> list[bytes]:
        self._begin_again()
        return [self._stop_reply]

    def _extend(self) -> list[bytes]:
        self._extended = True
        return [_OK]

    def _detach(self, rest: bytes) -> list[bytes]:
        if rest and not rest.startswith(b";"):
            raise _InvalidError
        self.end = SessionEnd(Ending.DETACHED)
        return [_OK]

    def _kill(self) -> list[bytes]:
        if self._extended:
            self._begin_again()
            self._killed = True
        else:
            self.end = SessionEnd(Ending.KILLED)
        return []

    def _kill_and_say(self, _rest: bytes) -> list[bytes]:
        self._kill()
        return [_OK]

    # Registers and memory

    def _read_registers(self) -> list[bytes]:
        return [b"".join(self._register(number) for number in range(len(REGISTERS)))]

    def _write_registers(self, rest: bytes) -> list[bytes]:
        data = _bytes(rest)
        if len(data) % REGISTER_BYTES or len(data) > REGISTER_BYTES * len(REGISTERS):
            raise _InvalidError
        for number, value in enumerate(np.frombuffer(data, "<u4").tolist()):
            write_register(self._core, number, value)
        return [_OK]

    def _read_register(self, rest: bytes) -> list[bytes]:
        return [self._register(_number(rest))]

    def _write_register(self, rest: bytes) -> list[bytes]:
        which, _, digits = rest.partition(b"=")
        number, data = _number(which), _bytes(digits)
        if number >= len(REGISTERS) or len(data) != REGISTER_BYTES:
            raise _InvalidError
        write_register(self._core, number, int.from_bytes(data, "little"))
        return [_OK]

    def _register(self, number: int) -> bytes:
        if number >= len(REGISTERS):
            raise _InvalidError
        value = read_register(self._core, number)
        return value.to_bytes(REGISTER_BYTES, "little").hex().encode()

    def _read_memory(self, rest: bytes) -> list[bytes]:
        address, size = _numbers(rest, 2)
        data = self._debugger.read(address, min(size, MAX_PACKET // 2), self._core.number)
        return [data.hex().encode()]

    def _write_memory(self, rest: bytes) -> list[bytes]:
        where, _, digits = rest.partition(b":")
        return self._write(where, _bytes(digits))

    def _write_binary(self, rest: bytes) -> list[bytes]:
        where, _, data = rest.partition(b":")
        return self._write(where, data)

    def _write(self, where: bytes, data: bytes) -> list[bytes]:
        address, size = _numbers(where, 2)
        if size != len(data):
            raise _InvalidError
        self._debugger.write(address, data, self._core.number)
        return [_OK]

    def _erase_flash(self, rest: bytes) -> list[bytes]:
        address, size = _numbers(rest, 2)
        self._pico.view(address, count=size)  # checks the range before it is made
        self._pico.write(address, _ERASED * size)
        return [_OK]

    def _write_flash(self, rest: bytes) -> list[bytes]:
        where, _, data = rest.partition(b":")
        self._pico.write(_number(where), data)
        return [_OK]

    # Breakpoints and watchpoints

    def _insert(self, rest: bytes) -> list[bytes]:
        kind, address, size = _point(rest)
        if kind in _WATCH_TYPES:
            self._debugger.add_watchpoint(Watchpoint(_WATCH_TYPES[kind], address, size))
        else:
            self._debugger.add_breakpoint(address)
            self._breakpoints.setdefault(address, set()).add(kind)
        return [_OK]

    def _remove(self, rest: bytes) -> list[bytes]:
        kind, address, size = _point(rest)
        if kind in _WATCH_TYPES:
            self._debugger.remove_watchpoint(Watchpoint(_WATCH_TYPES[kind], address, size))
        elif address in self._breakpoints:
            self._breakpoints[address].discard(kind)
            if not self._breakpoints[address]:
                del self._breakpoints[address]
                self._debugger.remove_breakpoint(address)
        return [_OK]

    # About the server

    def _supported(self, rest: bytes) -> list[bytes]:
        self._features = set(rest.removeprefix(b":").split(b";"))
        return [
            b"PacketSize=%x;QStartNoAckMode+;swbreak+;hwbreak+;vContSupported+;"
            b"qXfer:features:read+;qXfer:memory-map:read+" % MAX_PACKET
        ]

    def _transfer(self, rest: bytes) -> list[bytes]:
        name, _, window = rest.rpartition(b":")
        document = self._documents.get(name)
        if document is None:
            return [b"E00" if name.startswith(b"features:") else b""]
        offset, size = _numbers(window, 2)
        part = document[offset : offset + min(size, MAX_PACKET // 2)]
        return [(b"m" if offset + len(part) < len(document) else b"l") + part]

    def _command(self, rest: bytes) -> list[bytes]:
        text = self._monitor.answer(_bytes(rest).decode(errors="replace"))
        return [*_console(text.removesuffix("\n")), _OK]

    def _no_acknowledgement(self) -> list[bytes]:
        self.acknowledges = False
        return [_OK]


def _console(text: str) -> list[bytes]:
    """Packets that make GDB print lines."""
    lines = text.splitlines()
    return [b"O" + f"{line[: MAX_PACKET // 8]}\n".encode().hex().encode() for line in lines]


def _motion(action: bytes) -> range | None:
    """What an action of `vCont` asks for, as Debugger.begin takes it."""
    match action[:1]:
        case b"c" | b"C":
            return None
        case b"s" | b"S":
            return range(0)
        case b"r":
            start, end = _numbers(action[1:], 2)
            return range(start, end)
    raise _InvalidError


def _number(text: bytes) -> int:
    if not re.fullmatch(rb"[0-9a-fA-F]{1,16}", text):
        raise _InvalidError
    return int(text, 16)


def _numbers(text: bytes, count: int) -> list[int]:
    fields = text.split(b",")
    if len(fields) != count:
        raise _InvalidError
    return [_number(field) for field in fields]


def _bytes(digits: bytes) -> bytes:
    if len(digits) % 2 or not re.fullmatch(rb"[0-9a-fA-F]*", digits):
        raise _InvalidError
    return bytes.fromhex(digits.decode())


def _point(text: bytes) -> tuple[int, int, int]:
    """Type, address and size of a breakpoint or watchpoint; GDB's conditions are its own affair."""
    kind, address, size = _numbers(text.split(b";")[0], 3)
    if kind > max(_WATCH_TYPES):
        raise _InvalidError
    return kind, address, size
