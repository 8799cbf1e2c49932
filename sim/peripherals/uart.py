"""UART0 and UART1: Arm's PL011. Source: RP2040 datasheet, 4.2; Arm DDI0183G.

Frames take the time that the baud rate gives them, to the cycle. What the program sends reaches the
host when it enters the transmit FIFO, so that nothing is lost when the program halts. What the host
feeds arrives frame by frame, and so does what comes by a pin that is wired or driven from outside.
The modem lines are inactive.
"""

from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

from priot.sim.peripherals.interrupts import InterruptLine
from priot.sim.peripherals.registers import Register, field
from priot.sim.peripherals.requests import RequestLine
from priot.sim.peripherals.scheduler import NEVER, Scheduler
from priot.sim.peripherals.timebase import ClockCounter
from priot.sim.peripherals.timed_block import TimedBlock
from priot.sim.peripherals.uart_frame import BREAK, FRAMING, OVERRUN, PARITY, bits, data_bits
from priot.sim.peripherals.uart_input import Received, UartInput
from priot.sim.peripherals.uart_line import UartLine

# Each count of the UART's counter is a quarter of a cycle of clk_peri: a bit takes
# 16 * (IBRD + FBRD / 64) cycles, which is 64 * IBRD + FBRD quarters.
COUNTS_PER_CYCLE = 4

_FIFO_DEPTH = 32
_TXFE, _RXFF, _TXFF, _RXFE, _BUSY = 1 << 7, 1 << 6, 1 << 5, 1 << 4, 1 << 3  # FR
_UARTEN, _LBE, _TXE, _RXE = 1 << 0, 1 << 7, 1 << 8, 1 << 9  # CR
_DMAONERR, _TXDMAE, _RXDMAE = 1 << 2, 1 << 1, 1 << 0  # DMACR
_BRK, _FEN = 1 << 0, 1 << 4  # LCR_H
_RX, _TX, _RT, _OE = 1 << 4, 1 << 5, 1 << 6, 1 << 10  # interrupts
_ERRORS_AT = 7  # among the interrupts: framing, parity and break error, then overrun
_ERROR_INTERRUPTS = 0xF << _ERRORS_AT
_ALL_INTERRUPTS = 0x7FF
_ERRORS = 0xF00
_TRIGGER_LEVELS = (4, 8, 16, 24, 28)  # IFLS: 1/8, 1/4, 1/2, 3/4, 7/8 of the FIFO
_TIMEOUT_BITS = 32  # of silence until the receive timeout


class _Frame(NamedTuple):
    """A byte with its errors on its way in."""

    word: int
    waits: bool


class Uart(TimedBlock):
    """One PL011.

    Args:
        scheduler: the owner of time.
        counter: counts quarters of cycles of clk_peri.
        line: its interrupt request.
        transmit, receive: its requests to the DMA.
        output: called with each byte that is sent.
        line_out: what it shows on pins.
    """

    def __init__(
        self,
        name: str,
        base: int,
        scheduler: Scheduler,
        counter: ClockCounter,
        line: InterruptLine,
        transmit: RequestLine,
        receive: RequestLine,
        output: Callable[[int], None],
        line_out: UartLine,
    ) -> None:
        self.name, self.base = name, base
        self._counter = counter
        self._line = line
        self._transmit_request, self._receive_request = transmit, receive
        self._output = output
        self._line_out = line_out
        self._line_in: deque[_Frame] = deque()  # what the host sends
        self._input = UartInput()  # what comes by a pin
        super().__init__(
            scheduler,
            Register(0x000, "UARTDR", 0, 0, self._read_data, self._write_data, peek=self._next),
            Register(0x004, "UARTRSR", 0, 0, lambda: self._status, self._clear_errors, clears=0xF),
            Register(
                0x018, "UARTFR", 0, 0, self._read_flags, steady_until=self._flags_steady_until
            ),
            Register(0x020, "UARTILPR", 0, 0xFF),
            Register(0x024, "UARTIBRD", 0, 0xFFFF),
            Register(0x028, "UARTFBRD", 0, 0x3F),
            Register(0x02C, "UARTLCR_H", 0, 0xFF, on_write=self._write_line_control),
            Register(0x030, "UARTCR", 0x300, 0xFF87, on_write=self._write_control),
            Register(0x034, "UARTIFLS", 0x12, 0x3F),
            Register(0x038, "UARTIMSC", 0, 0x7FF, on_write=self._refresh),
            Register(0x03C, "UARTRIS", 0, 0, self._read_raw),
            Register(0x040, "UARTMIS", 0, 0, lambda: self._read_raw() & self["UARTIMSC"]),
            Register(
                *(0x044, "UARTICR", 0, 0),
                *(lambda: 0, self._clear_interrupts),
                clears=_ALL_INTERRUPTS,
            ),
            Register(0x048, "UARTDMACR", 0, 0x7, on_write=self._refresh),
            Register(0xFE0, "UARTPERIPHID0", 0x11, 0),
            Register(0xFE4, "UARTPERIPHID1", 0x10, 0),
            Register(0xFE8, "UARTPERIPHID2", 0x34, 0),
            Register(0xFEC, "UARTPERIPHID3", 0x00, 0),
            Register(0xFF0, "UARTPCELLID0", 0x0D, 0),
            Register(0xFF4, "UARTPCELLID1", 0xF0, 0),
            Register(0xFF8, "UARTPCELLID2", 0x05, 0),
            Register(0xFFC, "UARTPCELLID3", 0xB1, 0),
        )
        self.reset()

    def reset(self) -> None:
        """Off, FIFOs empty; bytes that the host fed and that did not arrive yet remain."""
        super().reset()
        self._raw = 0
        self._bit = 0  # counts of a bit, latched by a write of LCR_H; 0: no baud rate
        self._transmit: deque[int] = deque()
        self._shifted: int | None = None  # the byte on its way out, and when it will be out
        self._shift_end = 0
        self._held: list[int] = []  # written while the transmitter was off
        self._receive: deque[int] = deque()  # as UARTDR gives them
        self._status = 0  # UARTRSR
        self._overrun = False  # a byte was lost since the last one that found room
        self._breaks = False
        self._break_end: int | None = None  # when a break has lasted as long as a frame
        self._arrival: int | None = None  # when the next byte will have come in
        self._timeout: int | None = None
        self._line_out.set(True)
        self._input.reset(True)
        self._drive()

    def feed(self, data: Iterable[int], waits: bool = True) -> None:
        """Let bytes arrive, one frame after the other; any errors are added to them.

        Args:
            waits: whether the host waits while the receive FIFO is full, as with flow control;
                else bytes are lost then.
        """
        self.advance()
        self._line_in.extend(_Frame(word, waits) for word in data)
        self.advance()
        self.reschedule()

    def hear(self, cycle: int, level: bool) -> None:
        """Its pin has this level since a cycle."""
        self.advance()
        if self._enabled(_RXE) and not self._loops_back:
            self._input.hear(self._counter.count_at(cycle), level)
        else:
            self._input.reset(level)
        self.reschedule()

    def hang_up(self) -> None:
        """Forget what the host sent and what did not arrive yet."""
        self._line_in.clear()
        self._arrival = None

    def due(self) -> int:
        """The next cycle at which an enabled interrupt or a request may be raised."""
        mask, requests = self["UARTIMSC"], self["UARTDMACR"]
        counts = []
        receives = mask & (_RX | _RT | _ERROR_INTERRUPTS) or requests & _RXDMAE
        tells = receives or mask & _TX or requests & _TXDMAE
        if self._shifted is not None and (tells or (self._transmit and self._line_out.is_seen)):
            counts.append(self._shift_end)
        if receives:
            counts += self._next_arrivals()
        if mask & _RT and self._timeout is not None:
            counts.append(self._timeout)
        return self._counter.cycle_of(min(counts)) if counts else NEVER

    def advance(self) -> None:
        """Send, receive and time out until now, in the order in which it happened."""
        now = self._counter.count
        while self._shifted is not None and self._shift_end <= now:
            self._finish_frame()
        if self._break_end is not None and self._break_end <= now:
            self._accept(FRAMING | BREAK, self._break_end)
            self._break_end = None
        while (received := self._heard(now)) is not None:
            self._accept(*received)
        self._take_in(now)
        if self._timeout is not None and self._timeout <= now:
            self._timeout = None
            self._raw |= _RT
        self._drive()

    def _drive(self) -> None:
        self._line.set(bool(self._raw & self["UARTIMSC"]))
        control = self["UARTDMACR"]
        # DDI0183G 3.3.14: DMAONERR stops reception by DMA at an error.
        stopped = control & _DMAONERR and self._raw & _ERROR_INTERRUPTS
        self._receive_request.set(bool(control & _RXDMAE and self._receive and not stopped))
        self._transmit_request.set(bool(control & _TXDMAE) and len(self._transmit) < self._depth)

    @property
    def _frame(self) -> int:
        """Counts of start bit, data, parity and stop bits."""
        return bits(self["UARTLCR_H"]) * self._bit

    @property
    def _depth(self) -> int:
        return _FIFO_DEPTH if self["UARTLCR_H"] & _FEN else 1

    def _enabled(self, direction: int) -> bool:
        control = self["UARTCR"]
        return bool(control & _UARTEN and control & direction and self._bit)

    @property
    def _loops_back(self) -> bool:
        return bool(self["UARTCR"] & _LBE)

    @property
    def _sent_bits(self) -> int:
        return (1 << data_bits(self["UARTLCR_H"])) - 1

    def _has_room(self) -> bool:
        return len(self._receive) < self._depth

    def _next_arrivals(self) -> list[int]:
        """The counts at which something will have come in that is not on its way out now."""
        counts = [] if self._break_end is None else [self._break_end]
        if self._arrival is not None and (self._has_room() or not self._line_in[0].waits):
            counts.append(self._arrival)
        if self._bit and (ready := self._input.ready_at(self["UARTLCR_H"], self._bit)) is not None:
            counts.append(ready)
        return counts

    def _heard(self, now: int) -> Received | None:
        """A byte that has come by the pin."""
        return self._input.take(now, self["UARTLCR_H"], self._bit) if self._bit else None

    def _write_data(self, value: int) -> None:
        self.advance()
        if len(self._transmit) >= self._depth:
            return  # lost, as on the chip
        byte = value & self._sent_bits
        self._transmit.append(byte)
        if self._enabled(_TXE):
            self._output(byte)
        else:
            self._held.append(byte)
        if len(self._transmit) > self._transmit_trigger():
            self._raw &= ~_TX
        self._start_frame(self._counter.count)
        self.advance()

    def _transmit_trigger(self) -> int:
        if self._depth == 1:
            return 0
        return _TRIGGER_LEVELS[min(field(self["UARTIFLS"], 2, 0), 4)]

    def _start_frame(self, at: int) -> None:
        if self._shifted is not None or not self._transmit or not self._enabled(_TXE):
            return
        self._shifted = self._transmit.popleft()
        self._shift_end = at + self._frame
        self._line_out.send(self._shifted, self["UARTLCR_H"], at, self._bit)
        # The interrupt comes from passing the level, not from being below it (DDI0183G 2.8.2), or
        # when the last byte leaves a FIFO that was never filled up to it.
        if len(self._transmit) in (0, self._transmit_trigger()):
            self._raw |= _TX

    def _finish_frame(self) -> None:
        byte, end = self._shifted, self._shift_end
        self._shifted = None
        if self._loops_back and byte is not None:
            self._accept(byte, end)
        self._start_frame(end)

    def _take_in(self, now: int) -> None:
        if not self._enabled(_RXE) or not self._line_in or self._loops_back:
            self._arrival = None
            return
        if self._arrival is None:
            self._arrival = now + self._frame
        while self._line_in and self._arrival <= now:
            frame = self._line_in[0]
            if frame.waits and not self._has_room():
                break
            self._line_in.popleft()
            self._accept(frame.word & (self._sent_bits | _ERRORS), self._arrival)
            self._arrival += self._frame
        if not self._line_in:
            self._arrival = None

    def _accept(self, word: int, at: int) -> None:
        """Take a byte with its errors; DDI0183G 3.3.1 and 3.3.2."""
        if not self._enabled(_RXE):
            return
        if not self._has_room():  # it is lost, which the next one tells
            self._overrun = True
            self._status |= OVERRUN >> 8
            self._raw |= _OE
            return
        self._receive.append(word | OVERRUN * self._overrun)
        self._overrun = False
        self._raw |= (word & (FRAMING | PARITY | BREAK)) >> 8 << _ERRORS_AT
        self._timeout = at + _TIMEOUT_BITS * self._bit
        if len(self._receive) >= self._receive_trigger():
            self._raw |= _RX

    def _receive_trigger(self) -> int:
        if self._depth == 1:
            return 1
        return _TRIGGER_LEVELS[min(field(self["UARTIFLS"], 5, 3), 4)]

    def _next(self) -> int:
        self.advance()
        return self._receive[0] if self._receive else 0

    def _read_data(self) -> int:
        self.advance()
        if not self._receive:
            return 0
        was_full = not self._has_room()
        word = self._receive.popleft()
        self._status = self._status & OVERRUN >> 8 | word >> 8
        if was_full and self._arrival is not None:
            self._arrival = max(self._arrival, self._counter.count)
        if len(self._receive) < self._receive_trigger():
            self._raw &= ~_RX
        if not self._receive:
            self._timeout = None
            self._raw &= ~_RT
        self.advance()
        return word

    def _clear_errors(self, _value: int) -> None:
        self.advance()
        self._status = 0

    def _read_flags(self) -> int:
        self.advance()
        return (
            _TXFE * (not self._transmit)
            | _RXFF * (len(self._receive) >= self._depth)
            | _TXFF * (len(self._transmit) >= self._depth)
            | _RXFE * (not self._receive)
            | _BUSY * bool(self._transmit or self._shifted is not None)
        )

    def _flags_steady_until(self) -> int:
        counts = []
        if self._shifted is not None:
            counts.append(self._shift_end)
        counts += self._next_arrivals()
        return self._counter.cycle_of(min(counts)) if counts else NEVER

    def _write_line_control(self, value: int) -> None:
        self.advance()
        # DDI0183G 3.3.6: a write of LCR_H is what makes IBRD and FBRD count.
        whole = self["UARTIBRD"]
        self._bit = 64 * whole + self["UARTFBRD"] if whole else 0
        began, self._breaks = not self._breaks, bool(value & _BRK)
        start = self._counter.count if self._shifted is None else self._shift_end
        if self._breaks and began and self._loops_back and self._bit:
            self._break_end = start + self._frame
        if self._breaks == began:  # it begins or ends
            self._line_out.hold(not self._breaks, start)
        self._resume()

    def _write_control(self, _value: int) -> None:
        self._resume()

    def _resume(self) -> None:
        if self._enabled(_TXE):
            held, self._held = self._held, []
            for byte in held:
                self._output(byte)
        self._start_frame(self._counter.count)
        self.advance()

    def _refresh(self, _value: int) -> None:
        self.advance()

    def _read_raw(self) -> int:
        self.advance()
        return self._raw

    def _clear_interrupts(self, value: int) -> None:
        self.advance()
        self._raw &= ~value
        self.advance()
