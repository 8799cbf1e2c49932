"""GDB's protocol over a socket, packet by packet, as no real GDB would dare to send them."""

import socket
import struct
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sim_programs import FLASH_BASE, LAUNCH, SRAM_BASE, assemble, pico

from priot.sim import Pico, SimError, session
from priot.sim.gdb.debugger import Debugger
from priot.sim.gdb.protocol import Decoder, Signal, encode
from priot.sim.gdb.server import Ending, Server, Session, SessionEnd
from priot.sim.gdb.target import REGISTERS
from priot.sim.semihosting import Semihosting
from priot.sim.session import Console, Limits, run_session

_PROGRAM = (
    "movs r0, #3; again: subs r0, #1; str r0, [r4]; bl f; cmp r0, #0; bne again; bkpt #3;"
    "nop; f: push {r1, lr}; pop {r1, pc}"
)
_DATA = SRAM_BASE + 0x1000
_SECONDS = 180  # until a test gives up: the loop may have to be compiled


class Client:
    """A GDB by hand."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.socket = socket.create_connection(("127.0.0.1", port), _SECONDS)
        self._decoder = Decoder()
        self._items: list[bytes | Signal] = []
        self._acknowledges = True

    def ask(self, payload: bytes) -> bytes:
        """Send a packet; the reply to it, console output left out."""
        self.send(payload)
        return self.reply()

    def send(self, payload: bytes) -> None:
        self.socket.sendall(encode(payload))

    def reply(self) -> bytes:
        """The next packet that is not console output."""
        self.console = ""
        while True:
            packet = self.next()
            if isinstance(packet, bytes):
                if self._acknowledges:
                    self.socket.sendall(b"+")
                if packet[:1] != b"O" or packet == b"OK":
                    return packet
                self.console += bytes.fromhex(packet[1:].decode()).decode()

    def next(self) -> bytes | Signal:
        while not self._items:
            data = self.socket.recv(4096)
            if not data:
                raise EOFError
            self._items += self._decoder.feed(data)
        return self._items.pop(0)

    def no_acknowledgement(self) -> None:
        assert self.ask(b"QStartNoAckMode") == b"OK"
        self._acknowledges = False

    def monitor(self, command: str) -> str:
        assert self.ask(b"qRcmd," + command.encode().hex().encode()) == b"OK"
        return self.console

    def register(self, name: str) -> int:
        reply = self.ask(b"p%x" % REGISTERS.index(name))
        return int.from_bytes(bytes.fromhex(reply.decode()), "little")


@contextmanager
def served(
    target: Pico,
    max_cycles: int | None = 50_000_000,
) -> Iterator[tuple[Client, Callable[[], SessionEnd]]]:
    """A client of a server in a thread; the function waits for the session's end."""
    lines: list[str] = []
    announced = threading.Event()
    ends: list[SessionEnd | Exception] = []

    def announce(line: str) -> None:
        lines.append(line)
        announced.set()

    def run() -> None:
        try:
            semihosting = Semihosting(target, lambda _: None)
            with Server(0, announce) as server:
                ends.append(server.debug(target, semihosting, max_cycles))
        except Exception as error:
            ends.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert announced.wait(_SECONDS)
    client = Client(int(lines[0].rsplit(":", 1)[1]))

    def end() -> SessionEnd:
        client.socket.close()
        thread.join(_SECONDS)
        assert not thread.is_alive()
        assert isinstance(ends[0], SessionEnd), ends
        return ends[0]

    try:
        yield client, end
    finally:
        with suppress(OSError, EOFError):
            client.send(b"k")
        client.socket.close()
        thread.join(_SECONDS)


def ready() -> Pico:
    target = pico(_PROGRAM)
    target._core.set_registers(r4=_DATA)
    target.write(_DATA, bytes(16))
    return target


def hexed(*words: int) -> bytes:
    return struct.pack(f"<{len(words)}I", *words).hex().encode()


def test_a_session() -> None:
    target, plain = ready(), ready()
    plain.run()
    with served(target) as (client, end):
        supported = client.ask(b"qSupported:multiprocess+;swbreak+;hwbreak+")
        for feature in (b"swbreak+", b"hwbreak+", b"qXfer:features:read+", b"PacketSize="):
            assert feature in supported
        client.no_acknowledgement()
        assert client.ask(b"?") == b"T05thread:1;"
        assert client.ask(b"qAttached") == b"0"
        assert client.ask(b"Hg0") == client.ask(b"T1") == b"OK"
        assert client.ask(b"qfThreadInfo") == b"m1"
        assert client.ask(b"qsThreadInfo") == b"l"
        assert client.ask(b"vCont?") == b"vCont;c;C;s;S;r"
        code = client.ask(b"m20000000,1a")
        assert client.ask(b"Z0,20000006,2") == client.ask(b"Z1,20000004,2") == b"OK"
        assert client.ask(b"vCont;c") == b"T05hwbreak:;thread:1;"
        assert (client.register("pc"), client.register("r0")) == (SRAM_BASE + 4, 2)
        assert client.ask(b"m20000000,1a") == code
        assert client.ask(b"c") == b"T05swbreak:;thread:1;"
        assert client.ask(b"m20001000,4") == hexed(2)
        assert client.ask(b"z0,20000006,2") == client.ask(b"z1,20000004,2") == b"OK"
        assert client.ask(b"Z2,20001000,4") == b"OK"
        assert client.ask(b"vCont;c:1") == b"T05watch:20001000;thread:1;"
        assert client.ask(b"z2,20001000,4") == b"OK"
        assert client.ask(b"vCont;s:1;c") == b"T05thread:1;"
        assert client.register("pc") == SRAM_BASE + 18
        assert client.monitor("cycles").startswith(f"{target.cycles} cycles (")
        assert client.ask(b"c") == b"T05thread:1;"
        assert client.console == "halted by BKPT #3\n"
        assert (target.cycles, target.instructions) == (plain.cycles, plain.instructions)
        assert client.ask(b"D") == b"OK"
        assert end() == SessionEnd(Ending.DETACHED)
    assert target.registers == plain.registers


def test_registers() -> None:
    target = ready()
    with served(target) as (client, _):
        before = client.ask(b"g")
        assert len(before) == 8 * len(REGISTERS)
        words = struct.unpack(f"<{len(REGISTERS)}I", bytes.fromhex(before.decode()))
        assert words[13] == words[17] == target.registers.sp
        assert words[15] == SRAM_BASE
        assert client.ask(b"P3=" + hexed(0xDEADBEEF)) == b"OK"
        assert client.register("r3") == 0xDEADBEEF
        changed = (*range(100, 113), _DATA, 7, SRAM_BASE + 2, 1 << 24 | 1 << 30)
        assert client.ask(b"G" + hexed(*changed)) == b"OK"
        assert client.ask(b"g")[: 8 * 17] == hexed(*changed)
        for bad in (b"p15", b"pxyz", b"P3", b"P3=12", b"P99=00000000", b"G123", b"G12", b"p"):
            assert client.ask(bad) == b"E16", bad


def test_memory() -> None:
    target = ready()
    with served(target) as (client, _):
        assert client.ask(b"M20001000,4:01020304") == b"OK"
        assert client.ask(b"X20001004,4:}\x03*#") == b"OK"
        assert client.ask(b"m20001000,8") == b"010203047d032a23"
        assert target.read(_DATA, np.uint8, 4).tolist() == [1, 2, 3, 4]
        for nothing in (b"M20001000,0:", b"X20001000,0:", b"X0,0:"):
            assert client.ask(nothing) == b"OK", nothing
        assert client.ask(b"m20001000,0") == b""
        for bad in (b"m0x10,4", b"m20001000", b"M20001000,4:01", b"M20001000,2:0g00", b"m,"):
            assert client.ask(bad) == b"E16", bad
        for nowhere in (b"m60000000,4", b"mffffffffffffffff,1", b"m20041fff,2", b"M0,1:00"):
            assert client.ask(nowhere) == b"E0e", nowhere
        assert client.ask(b"vFlashErase:10000000,1000") == b"OK"
        assert client.ask(b"vFlashWrite:10000000:abc") == client.ask(b"vFlashDone") == b"OK"
        assert target.read(FLASH_BASE, count=4).tobytes() == b"abc\xff"
        assert client.ask(b"vFlashErase:1,ffffffffff") == b"E0e"
        for nothing in (b"vFlashErase:10000000,0", b"vFlashWrite:10000000:"):
            assert client.ask(nothing) == b"OK", nothing
        assert target.read(FLASH_BASE, count=4).tobytes() == b"abc\xff"


def test_descriptions_are_read_in_parts() -> None:
    with served(ready()) as (client, _):

        def document(name: bytes, size: int) -> ET.Element:
            text, more = b"", True
            while more:
                part = client.ask(b"qXfer:%b:%x,%x" % (name, len(text), size))
                more, text = part[:1] == b"m", text + part[1:]
            return ET.fromstring(text)

        target = document(b"features:read:target.xml", 0x33)
        assert [register.get("name") for register in target.iter("reg")] == list(REGISTERS)
        regions = {
            (row.get("type"), row.get("start"), row.get("length"))
            for row in document(b"memory-map:read:", 0xFFF).iter("memory")
        }
        assert {("flash", "0x10000000", "0x200000"), ("ram", "0x20000000", "0x42000")} <= regions
        assert client.ask(b"qXfer:features:read:other.xml:0,10") == b"E00"
        assert client.ask(b"qXfer:auxv:read::0,10") == b""


@pytest.mark.parametrize(
    ("source", "reply", "text"),
    [
        ("ldr r0, =0x60000000; ldr r1, [r0]", b"T0bthread:1;", "read from no memory: 4 bytes at"),
        ("adr r0, out; adds r0, #1; ldr r1, [r0]; nop; out: nop", b"T0athread:1;", "unaligned"),
        ("udf #0", b"T04thread:1;", "undefined instruction"),
        ("ldr r0, =0x20000000; bx r0", b"T04thread:1;", "ARM state"),
        ("svc #0", b"T0cthread:1;", "SVC without a handler"),
        ("wfi", b"T05thread:1;", "asleep"),
        ("b .", b"T18thread:1;", "budget"),
    ],
)
def test_ends_of_a_program(source: str, reply: bytes, text: str) -> None:
    with served(pico(f"{source}; bkpt #0"), 1_000_000) as (client, end):
        for _ in range(2 if text != "asleep" else 1):
            assert client.ask(b"c") == reply
            assert text in client.console
            assert client.console.count("\n") == 1
        assert client.ask(b"?") == reply
        client.send(b"k")
        assert end() == SessionEnd(Ending.KILLED)


_EXITS = "movs r0, #0x20; adr r1, block; bkpt #0xab; .align 2; block: .word 0x20026, 3"


def test_exit_code() -> None:
    with served(pico(_EXITS)) as (client, end):
        assert client.ask(b"c") == b"W03"
        assert end() == SessionEnd(Ending.EXITED, 3)
    with served(pico(_EXITS)) as (client, end):
        assert client.ask(b"!") == b"OK"
        assert client.ask(b"c") == client.ask(b"?") == b"W03"
        assert client.ask(b"c") == b"E16"
        assert client.ask(b"vRun;").startswith(b"T05")
        assert client.register("pc") == SRAM_BASE
        assert client.ask(b"c") == b"W03"
        assert end() == SessionEnd(Ending.EXITED, 3)


def test_semihosting_is_served_without_a_stop() -> None:
    """SYS_CLOCK, by running and by stepping; a call that does not exist is a stop."""
    source = "movs r0, #0x10; bkpt #0xab; movs r0, #0x10; bkpt #0xab; movs r0, #0xee; bkpt #0xab"
    with served(pico(f"{source}; nop; bkpt #1")) as (client, _):
        assert client.ask(b"s") == client.ask(b"s") == b"T05thread:1;"
        assert (client.register("pc"), client.register("r0")) == (SRAM_BASE + 4, 0)
        assert client.ask(b"c") == b"T05thread:1;"
        assert "semihosting call 0xee" in client.console
        assert client.register("pc") == SRAM_BASE + 10
        assert client.ask(b"c") == b"T05thread:1;"
        assert client.console == "halted by BKPT #1\n"


def test_control_c_within_a_second() -> None:
    with served(pico("again: adds r0, #1; b again"), None) as (client, _):
        client.no_acknowledgement()
        for _ in range(3):
            client.send(b"vCont;c")
            time.sleep(0.1)
            begin = time.monotonic()
            client.socket.sendall(b"\x03")
            assert client.reply() == b"T02thread:1;"
            assert time.monotonic() - begin < 1
        assert client.register("r0") > 1000
        client.socket.sendall(b"\x03")  # while nothing runs
        assert client.ask(b"qC") == b"QC1"


@pytest.mark.parametrize("before", [[], [b"c"], [b"$$$#"], [b"Z0,20000000,2", b"s"]])
def test_a_client_that_goes_away_leaves_the_program_for_the_next(before: list[bytes]) -> None:
    with served(pico("again: adds r0, #1; b again"), None) as (client, end):
        for payload in before:
            client.send(payload)
        client.socket.close()
        again = Client(client.port)
        assert again.ask(b"?") == b"T05thread:1;"
        assert again.ask(b"vCont;s:1") == b"T05thread:1;"
        again.send(b"k")
        again.socket.close()
        assert end() == SessionEnd(Ending.KILLED)


def test_detached_the_program_runs_on_until_somebody_calls() -> None:
    target = pico("again: adds r0, #1; b again")
    outcomes = []

    def run(server: Server) -> None:
        semihosting = Semihosting(target, lambda _: None)
        outcomes.append(server.debug(target, semihosting).ending)
        outcome = run_session(
            *(target, Console(), Limits()),
            semihosting=semihosting,
            is_called=lambda: server.is_called,
        )
        outcomes.append(outcome.ending)
        outcomes.append(server.debug(target, semihosting).ending)

    lines: list[str] = []
    announced = threading.Event()
    with Server(0, lambda line: (lines.append(line), announced.set())[0]) as server:
        thread = threading.Thread(target=run, args=(server,), daemon=True)
        thread.start()
        assert announced.wait(_SECONDS)
        port = int(lines[0].rsplit(":", 1)[1])
        first = Client(port)
        assert first.ask(b"vCont;s:1") == b"T05thread:1;"
        assert first.ask(b"D") == b"OK"
        first.socket.close()
        second = Client(port)
        assert second.ask(b"?") == b"T05thread:1;"
        assert second.register("r0") > 1
        second.send(b"k")
        second.socket.close()
        thread.join(_SECONDS)
    assert not thread.is_alive()
    assert outcomes == [Ending.DETACHED, session.Ending.CALLED, Ending.KILLED]


def both(core0: str, core1: str) -> tuple[Pico, int, int]:
    """A Pico whose cores will do one thing each, and where these begin if there is no pool."""
    parts = "both: work: nop", f"both: {core0}; work: nop"
    first, second = (SRAM_BASE + len(assemble(LAUNCH + part, SRAM_BASE)) - 2 for part in parts)
    target = pico(f"{LAUNCH} both: {core0}; work: {core1}")
    target.set_registers(sp=0x2004_2000)
    return target, first, second


def test_each_core_is_a_thread() -> None:
    target, first, second = both("adds r6, #1; b both", "adds r6, #1; b work")
    with served(target) as (client, _):
        assert client.ask(b"qfThreadInfo") == b"m1"
        assert client.ask(b"T2") == client.ask(b"Hg2") == client.ask(b"vCont;c:2") == b"E16"
        assert client.ask(b"Z1,%x,2" % second) == b"OK"
        assert client.ask(b"vCont;c") == b"T05thread:2;"
        assert client.ask(b"qfThreadInfo") == b"m1,2"
        assert client.ask(b"qsThreadInfo") == b"l"
        assert client.ask(b"T2") == b"OK"
        assert client.ask(b"qC") == b"QC2"  # the one that stopped is selected
        assert bytes.fromhex(client.ask(b"qThreadExtraInfo,2").decode()) == b"core 1"
        assert client.register("pc") == second
        assert client.ask(b"Hg1") == b"OK"
        assert client.register("pc") != second
        assert client.ask(b"P6=" + hexed(100)) == b"OK"
        assert client.ask(b"Hg2") == b"OK"
        assert client.ask(b"P6=" + hexed(500)) == b"OK"
        assert client.ask(b"Z1,%x,2" % first) == b"OK"
        # Core 1 alone: the other stands.
        for pc in (second + 2, second, second + 2):
            assert client.ask(b"vCont;s:2") == b"T05thread:2;"
            assert client.register("pc") == pc
        assert client.register("r6") == 502
        assert client.ask(b"Hg1") == b"OK"
        assert client.register("r6") == 100
        # Core 0 by steps while core 1 runs, into whose breakpoint it comes.
        assert client.ask(b"vCont;s:1;c") in (b"T05thread:1;", b"T05thread:2;")
        assert client.ask(b"z1,%x,2" % second) == b"OK"
        assert client.ask(b"vCont;c") == b"T05thread:1;"
        assert client.register("pc") == first
        assert client.ask(b"Hg2") == b"OK"
        assert client.register("r6") > 502


def test_legacy_packets_move_one_core_or_both() -> None:
    target, _, second = both("adds r6, #1; b both", "adds r6, #1; b work")
    with served(target) as (client, _):
        assert client.ask(b"Z1,%x,2" % second) == b"OK"
        assert client.ask(b"c") == b"T05thread:2;"
        assert client.ask(b"Hg1") == b"OK"
        before = client.register("r6"), client.register("pc")
        assert client.ask(b"Hc2") == b"OK"
        assert client.ask(b"s") == client.ask(b"s") == b"T05thread:2;"
        assert client.ask(b"Hg1") == b"OK"
        assert (client.register("r6"), client.register("pc")) == before
        assert client.ask(b"Hc-1") == b"OK"
        assert client.ask(b"z1,%x,2" % second) == b"OK"
        for _ in range(30):
            assert client.ask(b"s") == b"T05thread:1;"
        assert client.ask(b"Hg2") == b"OK"
        assert client.register("r6") > 1


def test_watchpoints_of_both_cores() -> None:
    target, _, _ = both(
        "ldr r0, =0x20030000; str r0, [r0, #8]; wait: b wait",
        "ldr r0, =0x20030000; movs r1, #50; w: subs r1, #1; bne w; str r1, [r0, #4]; v: b v",
    )
    with served(target) as (client, _):
        assert client.ask(b"Z2,20030000,10") == b"OK"
        assert client.ask(b"c") == b"T05watch:20030008;thread:1;"
        assert client.ask(b"c") == b"T05watch:20030004;thread:2;"


_TIMER, _SIO, _WATCHDOG = 0x4005_4000, 0xD000_0000, 0x4005_8000


def test_registers_are_read_without_effect() -> None:
    """A spinlock stays free, a word of the mailbox stays, an error is none."""
    target, _, _ = both("movs r0, #9; bl push; bkpt #1", "work1: b work1")
    with served(target) as (client, _):
        assert client.ask(b"c") == b"T05thread:1;"
        for _ in range(2):
            assert client.ask(b"md0000100,4") == hexed(1)  # claimed, it would be
            assert client.ask(b"md000005c,4") == hexed(0)  # SPINLOCK_ST
        assert client.ask(b"md0000058,4") == hexed(0)  # nothing for core 0
        assert client.ask(b"md0000050,4") == hexed(2)  # RDY, no ROE
        assert client.ask(b"Hg2") == b"OK"
        for _ in range(2):
            assert client.ask(b"md0000058,4") == hexed(9)
            assert client.ask(b"md0000050,4") == hexed(3)
        assert client.ask(b"md0000000,4") == hexed(1)  # CPUID
        assert client.ask(b"m40058001,2") == b"0000"
        assert client.ask(b"m4000000c,8") == b"E0e"  # SYSINFO has no such registers
        assert client.ask(b"m40000000,c") == client.ask(b"m40000000,8")  # as far as there are


def test_registers_are_written_as_by_a_program() -> None:
    with served(pico("bkpt #0")) as (client, _):
        assert client.ask(b"M4005800c,4:78563412") == b"OK"
        assert client.ask(b"m4005800c,4") == hexed(0x12345678)
        assert client.ask(b"M4005a00c,4:01000000") == b"OK"  # its SET alias
        assert client.ask(b"m4005800c,4") == hexed(0x12345679)
        assert client.ask(b"M4005800d,1:aa") == b"OK"  # on all lanes: 2.1.4
        assert client.ask(b"m4005800c,4") == hexed(0xAAAAAAAA)
        assert client.ask(b"X4005800c,8:12345678") == b"OK"
        assert client.ask(b"m4005800c,8") == b"12345678".hex().encode()
        assert client.ask(b"Md0000060,8:6400000007000000") == b"OK"  # SIO's divider
        assert client.ask(b"md0000070,8") == hexed(14, 2)
        assert client.ask(b"Me000e100,4:02000000") == b"OK"  # NVIC_ISER
        assert client.ask(b"me000e100,4") == hexed(2)
        assert client.ask(b"M50100000,4:01020304") == client.ask(b"M15000000,2:aabb") == b"OK"
        assert client.ask(b"m50100000,4") == b"01020304"
        for nothing in (b"m40058000,0", b"M40058000,0:", b"X40058000,0:", b"Xd0000000,0:"):
            assert client.ask(nothing) == (b"" if nothing[:1] == b"m" else b"OK")
        assert client.ask(b"M40000ffc,4:00000000") == b"E0e"


@pytest.mark.parametrize(
    ("access", "kind", "watched", "address"),
    [
        ("ldr r1, =0x40054028; ldr r2, [r1]", 3, _TIMER + 0x28, _TIMER + 0x28),  # native
        ("ldr r1, =0x40054000; ldr r2, [r1, #0xc]", 3, _TIMER + 0xC, _TIMER + 0xC),
        ("ldr r1, =0xd0000000; ldr r2, [r1]; ldr r2, [r1, #0x60]", 3, _SIO + 0x60, _SIO + 0x60),
        ("ldr r1, =0xd0000000; str r1, [r1, #0x60]", 2, _SIO + 0x60, _SIO + 0x60),
        ("ldr r1, =0xd0000000; str r1, [r1, #0x14]", 4, _SIO + 0x10, _SIO + 0x14),
        ("ldr r1, =0x4005a00c; str r1, [r1]", 2, _WATCHDOG + 0xC, _WATCHDOG + 0xC),  # an alias
        ("ldr r1, =0x4005a00c; str r1, [r1]", 2, _WATCHDOG + 0x200C, _WATCHDOG + 0x200C),
        ("ldr r1, =0x4005800c; ldm r1!, {r2, r3}", 3, _WATCHDOG + 0x10, _WATCHDOG + 0x10),
        ("cpsid i; ldr r1, =0xe000e100; str r1, [r1]", 2, 0xE000_E100, 0xE000_E100),
    ],
)
def test_registers_are_watched(access: str, kind: int, watched: int, address: int) -> None:
    name = {2: b"watch", 3: b"rwatch", 4: b"awatch"}[kind]
    size = 8 if watched != address else 4
    plain, target = pico(f"{access}; nop; bkpt #0"), pico(f"{access}; nop; bkpt #0")
    plain.run()
    with served(target) as (client, _):
        assert client.ask(b"Z%d,%x,%x" % (kind, watched, size)) == b"OK"
        assert client.ask(b"c") == b"T05%b:%x;thread:1;" % (name, address)
        assert client.register("pc") == plain.registers.pc - 2
        assert client.ask(b"c") == b"T05thread:1;"
        assert client.console == "halted by BKPT #0\n"
    assert target.cycles == plain.cycles


def test_acknowledgement() -> None:
    with served(ready()) as (client, _):
        client.socket.sendall(b"$qC#00")
        assert client.next() is Signal.NACK
        client.socket.sendall(b"$qC#b4")
        assert [client.next(), client.next()] == [Signal.ACK, b"QC1"]
        client.socket.sendall(b"-")
        assert client.next() == b"QC1"


def test_monitor() -> None:
    target = ready()
    with served(target) as (client, _):
        assert client.ask(b"c").startswith(b"T05")
        total = target.cycles
        assert f"{total} cycles" in client.monitor("cycles")
        assert "0 since last asked" in client.monitor("cycles")
        assert str(target.memory_use().total) in client.monitor("memory")
        assert "100.0 %" in client.monitor("profile")
        for name in ("cycles", "reset", "memory", "profile"):
            assert f"monitor {name}" in client.monitor("help")
        assert "try: monitor help" in client.monitor("selfdestruct")
        client.monitor("reset halt")
        assert (target.cycles, client.register("pc")) == (0, SRAM_BASE)
        assert client.ask(b"qRcmd,zz") == b"E16"


def test_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SimError, match=rf"^port {port} on 127.0.0.1: .*; choose another"):
            Server(port)
    with pytest.raises(SimError, match=r"^port 70000 on"):
        Server(70000)


_FIELD = st.sampled_from(
    [b"", b"0", b"1", b"4", b"20000000", b"20000004", b"20001000", b"ffffffff", b"-1", b"g", b"10"]
)
_PACKETS = st.builds(
    lambda head, fields, joint, tail: head + joint.join(fields) + tail,
    st.sampled_from(
        [bytes((byte,)) for byte in range(33, 127)] + [b"vCont;", b"qXfer:", b"qRcmd,"]
    ),
    st.lists(_FIELD, max_size=4),
    st.sampled_from([b",", b":", b";", b"="]),
    st.sampled_from([b"", b":", b":00000000", b"\xff"]),
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(st.binary(max_size=20), _PACKETS), max_size=12))
def test_no_packet_breaks_a_session(packets: list[bytes]) -> None:
    session = Session(Debugger(_FUZZED, max_cycles=20_000))
    for packet in packets:
        for reply in session.handle(packet):
            assert isinstance(reply, bytes)
        rounds = 0
        while session.is_running:
            rounds += 1
            assert rounds < 1000
            session.advance(1000)
    session._debugger.close()
    _FUZZED.reset()


_FUZZED = ready()


@pytest.mark.parametrize("address", [_DATA, 0, 0x1000_0000, 0x5000_0000, 0xFFFF_FFFF])
def test_nothing_is_read_and_written_anywhere(address: int) -> None:
    """GDB asks for no bytes, as with `X addr,0:` when it looks whether a stub knows X."""
    with served(ready()) as (client, _):
        assert client.ask(b"m%x,0" % address) == b""
        for command in (b"M%x,0:", b"X%x,0:", b"vFlashErase:%x,0", b"vFlashWrite:%x:"):
            assert client.ask(command % address) == b"OK", command
        assert client.ask(b"vFlashDone") == b"OK"
