"""The master of an I2C controller: what it does on the bus, and how long each step takes.

Source: RP2040 datasheet, 4.3.6 (protocols), 4.3.7 (transmit FIFO and conditions), 4.3.14 (times).
"""

from collections import deque
from collections.abc import Callable
from enum import IntFlag
from functools import partial
from typing import NamedTuple, Protocol

from priot.sim.peripherals.i2c_bus import Controller, I2cBus
from priot.sim.peripherals.i2c_line import I2cLine, Times
from priot.sim.peripherals.scheduler import NEVER, Scheduler

READ, STOP, RESTART = 1 << 8, 1 << 9, 1 << 10  # IC_DATA_CMD
_GENERAL_CALL, _START_BYTE = 0x00, 0x01
_BYTE = 8  # bits


class Abort(IntFlag):
    """Reasons in IC_TX_ABRT_SOURCE."""

    ADDRESS_7 = 1 << 0
    ADDRESS_10_FIRST = 1 << 1
    ADDRESS_10_SECOND = 1 << 2
    DATA = 1 << 3
    GENERAL_CALL = 1 << 4
    GENERAL_CALL_READ = 1 << 5
    START_BYTE_ACKNOWLEDGED = 1 << 7
    START_BYTE_NO_RESTART = 1 << 9
    READ_10_NO_RESTART = 1 << 10
    MASTER_DISABLED = 1 << 11
    SLAVE_FLUSH = 1 << 13
    SLAVE_READ_COMMAND = 1 << 15
    USER = 1 << 16


class Addressing(NamedTuple):
    """Whom to address, and how."""

    target: int
    ten_bit: bool
    general_call: bool
    start_byte: bool
    restarts: bool


class Port(Controller, Protocol):
    """The registers and FIFOs in front of a master."""

    @property
    def times(self) -> Times:
        """As the registers say now."""
        ...

    @property
    def addressing(self) -> Addressing:
        """As the registers say now."""
        ...

    @property
    def may_start(self) -> bool:
        """Whether there is a command, and it may go out."""
        ...

    @property
    def reaches_bus(self) -> bool:
        """Whether pins carry SDA and SCL."""
        ...

    @property
    def abort_asked(self) -> bool:
        """Whether the program asks for an abort."""
        ...

    def next_command(self) -> int | None:
        """The oldest word of the transmit FIFO, which stays there."""
        ...

    def pop_command(self) -> int | None:
        """Take the oldest word out of the transmit FIFO."""
        ...

    def receive(self, byte: int, first: bool) -> bool:
        """A byte for the receive FIFO; False: SCL is to be held until there is room."""
        ...

    def abort(self, reason: int) -> None:
        """The transfer failed: flush the FIFOs."""
        ...


class Master:
    """Works off the commands in the transmit FIFO.

    Attributes:
        bus: what it is wired to.
        due: the cycle at which `advance` is to be called.
        active: whether it has the bus.
        shifting: whether the latest command, or the address for it, is on its way.
    """

    def __init__(self, scheduler: Scheduler, port: Port, bus: I2cBus, line: I2cLine) -> None:
        self._scheduler, self._port, self.bus = scheduler, port, bus
        self._line = line
        self.reset()

    def reset(self) -> None:
        """Idle."""
        self._line.rest()
        self.due = NEVER
        self.active = self.shifting = False
        self._next: Callable[[], None] | None = None  # at `due`
        self._held: Callable[[], None] | None = None  # to try again while SCL is held low
        self._address: deque[tuple[int, int]] = deque()  # bytes, and what a refusal means
        self._command = 0
        self._is_first = False

    def advance(self) -> None:
        """Do what is due."""
        while self._next and self.due <= self._scheduler.cycles:
            step, self._next, self.due = self._next, None, NEVER
            step()

    def kick(self) -> None:
        """What it waited for may have come."""
        if not self.active:
            self._begin()
        elif self._held:
            step, self._held = self._held, None
            step()

    def _after(self, cycles: int, step: Callable[[], None]) -> None:
        self.due, self._next = self._scheduler.cycles + cycles, step

    def _begin(self) -> None:
        port = self._port
        self.due, self._next = NEVER, None
        command = port.next_command()
        if port.abort_asked:
            port.abort(Abort.USER)
        if not port.may_start or command is None:
            return
        to = port.addressing
        if to.start_byte and not to.restarts:
            port.abort(Abort.START_BYTE_NO_RESTART)
        elif to.ten_bit and command & READ and not to.restarts and not to.general_call:
            port.abort(Abort.READ_10_NO_RESTART)
        elif self.bus.master is None:
            wait = self.bus.free_since + port.times.free - self._scheduler.cycles
            if wait > 0:
                self._after(wait, self._begin)
            else:
                self._start(command)

    def _start(self, command: int) -> None:
        """A START condition, or a repeated one."""
        to, reads = self._port.addressing, bool(command & READ)
        if to.general_call:
            address = [(_GENERAL_CALL, Abort.GENERAL_CALL)]
        elif to.ten_bit:
            high = 0b11110 << 3 | to.target >> 8 << 1
            address = [(high | reads, Abort.ADDRESS_10_FIRST)]
            if not (reads and self.active):  # else the target was addressed for writing before
                address = [
                    (high, Abort.ADDRESS_10_FIRST),
                    (to.target & 0xFF, Abort.ADDRESS_10_SECOND),
                    *(address if reads else []),
                ]
        else:
            address = [((to.target & 0x7F) << 1 | reads, Abort.ADDRESS_7)]
        if to.start_byte and not self.active:
            address.insert(0, (_START_BYTE, Abort.START_BYTE_ACKNOWLEDGED))
        self._address = deque(address)
        self.active = self.shifting = self._is_first = True
        self._condition()

    def _condition(self) -> None:
        self._line.start()
        self.bus.start(self._port)
        self._after(self._port.times.high, self._send_address)

    def _restart(self, then: Callable[[], None]) -> None:
        times = self._port.times
        self._line.release(times)
        self._after(times.low + times.setup, then)

    def _send(self, byte: int, then: Callable[[], None]) -> None:
        """Eight bits; whoever is to acknowledge them has them then."""
        times = self._port.times
        self._line.bits([bool(byte >> place & 1) for place in reversed(range(_BYTE))], times)
        self._after(_BYTE * times.bit, then)

    def _see_answer(self, acknowledged: bool, then: Callable[[bool], None]) -> None:
        """The ninth bit, which is low where somebody acknowledges."""
        times = self._port.times
        self._line.bits([not acknowledged], times)
        self._after(times.bit, partial(then, acknowledged))

    def _send_address(self) -> None:
        if self._address:
            self._send(self._address[0][0], self._ask_for_target)
        else:
            self._take_command()

    def _ask_for_target(self) -> None:
        found = self._port.reaches_bus and self.bus.address(self._address[0][0])
        self._see_answer(found, self._end_address)

    def _end_address(self, acknowledged: bool) -> None:
        byte, refusal = self._address.popleft()
        if byte == _START_BYTE:
            if acknowledged:
                self._fail(refusal)
            else:
                self._restart(self._condition)
        elif not acknowledged:
            self._fail(refusal)
        elif len(self._address) == 1 and refusal == Abort.ADDRESS_10_SECOND:
            self._restart(self._condition)
        else:
            self._send_address()

    def _take_command(self) -> None:
        port = self._port
        if port.abort_asked:
            self._fail(Abort.USER)
            return
        command = port.pop_command()
        if command is None:  # the FIFO was flushed
            self._stop()
        elif command & READ and port.addressing.general_call:
            self._fail(Abort.GENERAL_CALL_READ)
        else:
            self._command, self.shifting = command, True
            if command & READ:
                self._read()
            else:
                self._send(command & 0xFF, self._ask_for_answer)

    def _ask_for_answer(self) -> None:
        acknowledged = self.bus.write(self._command & 0xFF)
        if acknowledged is None:
            self._held = self._ask_for_answer
        else:
            self._see_answer(acknowledged, self._end_write)

    def _end_write(self, acknowledged: bool) -> None:
        if acknowledged:
            self._end_command()
        else:
            self._fail(Abort.DATA)

    def _read(self) -> None:
        byte = self.bus.read()
        if byte is None:
            self._held = self._read
        else:
            self._send(byte, partial(self._end_read, byte))

    def _end_read(self, byte: int) -> None:
        if not self._port.receive(byte, self._is_first):
            self._held = partial(self._end_read, byte)
            return
        self._is_first = self.shifting = False
        self._answer()

    def _answer(self) -> None:
        """ACK if the next command reads on; until it is there, SCL stays low."""
        following = self._port.next_command()
        if self._command & STOP or self._port.abort_asked:
            more = False
        elif following is None:
            self._held = self._answer
            return
        else:
            more = bool(following & READ) and not following & RESTART
        self._see_answer(more, self._end_answer)

    def _end_answer(self, more: bool) -> None:
        self.bus.acknowledge(more)
        self._end_command()

    def _end_command(self) -> None:
        self.shifting = False
        if self._port.abort_asked:
            self._fail(Abort.USER)
        elif self._command & STOP:
            self._stop()
        else:
            self._continue()

    def _continue(self) -> None:
        """The next command; until it is there, SCL stays low (4.3.7)."""
        following = self._port.next_command()
        if self._port.abort_asked:
            self._fail(Abort.USER)
        elif following is None:
            self._held = self._continue
        elif not following & RESTART and not (following ^ self._command) & READ:
            self._take_command()
        elif self._port.addressing.restarts:
            self.shifting = True
            self._restart(self._repeat)
        else:
            self._stop()  # and a START, since there is a command

    def _repeat(self) -> None:
        following = self._port.next_command()
        if following is None:  # the FIFO was flushed
            self._stop()
        else:
            self._start(following)

    def _fail(self, reason: int) -> None:
        self.shifting = False
        self._port.abort(reason)
        self._stop()

    def _stop(self) -> None:
        times = self._port.times
        self.shifting = False
        self._line.stop(times)
        self._after(times.bit, self._end_stop)

    def _end_stop(self) -> None:
        self._line.rest()
        self.bus.stop(self._scheduler.cycles)
        self.active = False
        self.bus.invite()
