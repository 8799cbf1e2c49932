"""SPI0 and SPI1: Arm's PL022. Source: RP2040 datasheet, 4.4; Arm DDI0194H.

Words take the time that prescaler, rate and frame format give them, to the cycle of clk_peri, from
the write that starts them. Where somebody looks at the pins a master drives them bit by bit. A line
that no device drives reads as its pin does.
"""

from collections import deque
from collections.abc import Callable, Iterable

from priot.sim.peripherals.interrupts import InterruptLine
from priot.sim.peripherals.registers import Register, field
from priot.sim.peripherals.requests import RequestLine
from priot.sim.peripherals.scheduler import Scheduler
from priot.sim.peripherals.serial_pins import SpiPins
from priot.sim.peripherals.spi_bus import Beginning, SpiBus
from priot.sim.peripherals.spi_line import SpiLine
from priot.sim.peripherals.spi_waves import CONTROL_BITS, Format, Frame, Lines
from priot.sim.peripherals.timebase import ClockCounter
from priot.sim.peripherals.timed_block import TimedBlock

_FIFO_DEPTH = 8
_HALF = 4  # entries: the level of both FIFOs' interrupts
_TIMEOUT_BITS = 32  # of an idle line until the receive timeout
_SPO, _SPH = 1 << 6, 1 << 7  # SSPCR0
_LBM, _SSE, _MS, _SOD = 1 << 0, 1 << 1, 1 << 2, 1 << 3  # SSPCR1
_ROR, _RT, _RX, _TX = 1 << 0, 1 << 1, 1 << 2, 1 << 3  # interrupts
_NO_WORD = 1 << 62  # a count that is never reached


class Spi(TimedBlock):
    """One PL022. In slave mode it is a device for another controller's bus, see `SpiDevice`.

    Args:
        scheduler: the owner of time.
        counter: counts cycles of clk_peri.
        line: its interrupt request.
        transmit, receive: its requests to the DMA.
        pins: what carries its lines.
        line_out: what it does to its pins.

    Attributes:
        bus: the devices that it reaches.
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
        pins: SpiPins,
        line_out: SpiLine,
    ) -> None:
        self.name, self.base = name, base
        self._counter = counter
        self._line = line
        self._transmit_request, self._receive_request = transmit, receive
        self._next: Callable[[], None] | None = None
        self._line_out = line_out
        self.bus = SpiBus(pins, self._catch_up)

        def steady() -> int:
            return scheduler.next

        super().__init__(
            scheduler,
            Register(0x000, "SSPCR0", 0, 0xFFFF, on_write=self._write_control),
            Register(0x004, "SSPCR1", 0, 0xF, on_write=self._write_control),
            Register(0x008, "SSPDR", 0, 0, self._read_data, self._write_data),
            Register(0x00C, "SSPSR", 0x3, 0, self._status, steady_until=steady),
            Register(0x010, "SSPCPSR", 0, 0xFE),  # an even divisor
            Register(0x014, "SSPIMSC", 0, 0xF),
            Register(0x018, "SSPRIS", 0x8, 0, self._raw, steady_until=steady),
            Register(0x01C, "SSPMIS", 0, 0, self._interrupts, steady_until=steady),
            Register(0x020, "SSPICR", 0, 0, on_write=self._clear, clears=_ROR | _RT),
            Register(0x024, "SSPDMACR", 0, 0x3),
            Register(0xFE0, "SSPPERIPHID0", 0x22, 0),
            Register(0xFE4, "SSPPERIPHID1", 0x10, 0),
            Register(0xFE8, "SSPPERIPHID2", 0x34, 0),
            Register(0xFEC, "SSPPERIPHID3", 0x00, 0),
            Register(0xFF0, "SSPPCELLID0", 0x0D, 0),
            Register(0xFF4, "SSPPCELLID1", 0xF0, 0),
            Register(0xFF8, "SSPPCELLID2", 0x05, 0),
            Register(0xFFC, "SSPPCELLID3", 0xB1, 0),
        )
        self.reset()

    def reset(self) -> None:
        """Off, the FIFOs empty."""
        super().reset()
        self._to_send: deque[int] = deque()
        self._received: deque[int] = deque()
        self._noted = 0  # overrun and timeout
        self._word = 0  # on its way
        self._next = None  # at the count `_at`
        self._now = 0  # the count of the step that is being taken
        self._at = self._timeout = _NO_WORD
        self._is_shown = False  # the word, on pins
        self._is_announced = False  # the next word of TI's format
        self._took_word = False  # as a slave, since it was selected
        self.bus.frame(False)
        self._rest()
        self._tell()

    def due(self) -> int:
        """The next step of a word, or the timeout."""
        return self._counter.cycle_of(min(self._at, self._timeout))

    def advance(self) -> None:
        """See Timed."""
        self._catch_up()
        self._tell()

    def read(self, offset: int) -> int | None:
        """See Peripheral."""
        value = super().read(offset)
        self._tell()
        return value

    def write(self, offset: int, value: int) -> bool:
        """See Peripheral."""
        known = super().write(offset, value)
        if self._next is None:
            self._now = self._counter.count
            self._start()
        self._tell()
        self.reschedule()
        return known

    def _catch_up(self) -> None:
        now = self._counter.count
        while self._next and self._at <= now:
            step, at = self._next, self._at
            self._next, self._at = None, _NO_WORD
            self._now = at
            step()
        if self._timeout <= now:
            self._timeout = _NO_WORD
            self._noted |= _RT

    def _tell(self) -> None:
        self._line.set(bool(self._interrupts()))
        control = self["SSPDMACR"]
        self._receive_request.set(bool(control & 1 and self._received))
        self._transmit_request.set(bool(control & 2) and len(self._to_send) < _FIFO_DEPTH)

    def _interrupts(self) -> int:
        return self._raw() & self["SSPIMSC"]

    def _raw(self) -> int:
        waiting, received = len(self._to_send), len(self._received)
        return self._noted | _RX * (received >= _HALF) | _TX * (waiting <= _HALF)

    def _clear(self, value: int) -> None:
        self._noted &= ~value

    def _status(self) -> int:
        waiting, received = len(self._to_send), len(self._received)
        flags = [
            not waiting,
            waiting < _FIFO_DEPTH,
            received > 0,
            received == _FIFO_DEPTH,
            bool(waiting or self._next),
        ]
        return sum(flag << bit for bit, flag in enumerate(flags))

    @property
    def _frame(self) -> Frame:
        control = self["SSPCR0"]
        kind = Format(min(field(control, 5, 4), Format.MICROWIRE))
        bits = field(control, 3, 0) + 1
        return Frame(kind, bits, bool(control & _SPO), bool(control & _SPH))

    @property
    def _bits(self) -> int:
        return field(self["SSPCR0"], 3, 0) + 1

    @property
    def _period(self) -> int:
        """Cycles of clk_peri to a bit; 0 without a prescaler."""
        return self["SSPCPSR"] * (1 + field(self["SSPCR0"], 15, 8))

    def _read_data(self) -> int:
        if not self._received:
            return 0
        word = self._received.popleft()
        self._wait_for_reader(self._counter.count)
        return word

    def _write_control(self, _value: int) -> None:
        if self._next is None:
            self._rest()

    def _rest(self) -> None:
        """The lines between frames. A slave drives none but its output, while it is selected."""
        self._line_out.rest(self._frame, is_master=not self["SSPCR1"] & _MS)

    def _write_data(self, value: int) -> None:
        if len(self._to_send) < _FIFO_DEPTH:
            self._to_send.append(value & 0xFFFF)

    # As a master.

    def _after(self, counts: int, step: Callable[[], None]) -> None:
        self._at, self._next = self._now + counts, step

    def _start(self) -> None:
        """The first word: chip select goes low."""
        control = self["SSPCR1"]
        if not control & _SSE or control & _MS or not self._to_send or not self._period:
            return
        self._timeout = _NO_WORD
        if not control & _LBM:
            self.bus.frame(True)
        # DDI0194H, figures 2-2 to 2-11: the last bit is sampled one period for each bit behind
        # chip select, in TI's format half a period later.
        self._take(self._frame, first=True)

    def _take(self, frame: Frame, first: bool) -> None:
        """The next word begins."""
        self._word, half = self._to_send.popleft(), self._period // 2
        self._is_shown = not self["SSPCR1"] & _LBM and self._line_out.is_seen
        self._show(frame.word(self._word, first))
        self.bus.begin_word(Beginning(frame, first, self._now, half))
        halves = frame.sampled if first else 2 * frame.length
        if frame.format == Format.TI:
            self._after((halves - 1) * half, self._announce)
        else:
            self._after(halves * half, self._end)

    def _show(self, lines: Iterable[Lines]) -> None:
        if self._is_shown:
            self._line_out.plan(lines, self._now, self._period // 2, is_master=True)

    def _announce(self) -> None:
        """TI's format: whether there is another word shows in the last bit of this one."""
        self._is_announced = bool(self._to_send and self["SSPCR1"] & _SSE)
        if self._is_announced:
            self._show(self._frame.pulse(self._word))
        self._after(self._period // 2, self._end)

    def _end(self) -> None:
        """The last bit of a word is sampled."""
        frame, control = self._frame, self["SSPCR1"]
        if control & _LBM:
            received = self._word & (1 << frame.bits) - 1
        else:
            sent_bits = CONTROL_BITS if frame.format == Format.MICROWIRE else frame.bits
            received = self.bus.transfer(self._word, frame.bits, sent_bits)
        self._accept(received)
        goes_on = frame.goes_on and bool(self._to_send and control & _SSE)
        if frame.format == Format.TI:
            goes_on = self._is_announced
        if goes_on:
            self._take(frame, first=False)
        else:
            self._show([frame.idle(frame.trail)])
            self._after(frame.trail * self._period // 2, self._deselect)

    def _deselect(self) -> None:
        """Chip select goes high, for half a period at least."""
        self.bus.frame(False)
        self._wait_for_reader(self._now)
        if self._to_send:
            self._after(self._period // 2, self._start)

    def _accept(self, word: int) -> None:
        self._noted &= ~_RT
        if len(self._received) < _FIFO_DEPTH:
            self._received.append(word)
        else:
            self._noted |= _ROR

    def _wait_for_reader(self, since: int) -> None:
        """The timeout begins anew: the line fell idle, or a word was read."""
        if not self._received:
            self._noted &= ~_RT
            self._timeout = _NO_WORD
        elif self._next is None and self._period:
            self._timeout = since + _TIMEOUT_BITS * self._period

    # As a slave.

    def select(self) -> None:
        """See SpiDevice."""
        self._took_word = False

    def deselect(self) -> None:
        """See SpiDevice."""
        if self["SSPCR1"] & _MS:
            self._rest()

    @property
    def _takes_part(self) -> bool:
        """DDI0194H, 2.3.9: between words chip select must go high if SPH is 0."""
        control = self["SSPCR1"]
        had_its_word = self._took_word and not self._frame.goes_on
        return bool(control & _SSE and control & _MS) and not had_its_word

    def begin_word(self, begun: Beginning) -> None:
        """See SpiSlave."""
        if self._takes_part and not self["SSPCR1"] & _SOD and self._line_out.is_seen:
            lines = begun.frame.answer(self._to_send[0] if self._to_send else 0, begun.first)
            self._line_out.plan(lines, begun.at, begun.half, is_master=False)

    def transfer(self, word: int, bits: int) -> int:
        """See SpiDevice. A word whose size is not the slave's own is cut or filled with zeros."""
        control = self["SSPCR1"]
        if not self._takes_part:
            return 0
        self._took_word = True
        answer = self._to_send.popleft() if self._to_send else 0
        self._accept(word & (1 << self._bits) - 1)
        self._wait_for_reader(self._counter.count)
        self._tell()
        self.reschedule()
        return 0 if control & _SOD else answer & (1 << self._bits) - 1
