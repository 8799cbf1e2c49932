"""XIP_SSI: the serial controller of the flash, Synopsys DW_apb_ssi.

Source: RP2040 datasheet, 4.10. Transfers take no time: the transmit FIFO is always empty. Each word
written to DR0 is one frame to the flash chip; but where words are set up to be read on several
lines, it is an address, and CTRLR1 + 1 words come from there, each in its time. Execution in place
does not come through here, but how the registers are set tells how long it takes.
"""

from collections import deque

from priot.sim.peripherals.interrupts import InterruptLine
from priot.sim.peripherals.io_bank import IoBank
from priot.sim.peripherals.registers import Register, field
from priot.sim.peripherals.requests import RequestLine
from priot.sim.peripherals.scheduler import NEVER, Scheduler
from priot.sim.peripherals.spi_flash import SpiFlash
from priot.sim.peripherals.timed_block import TimedBlock
from priot.sim.peripherals.xip_cache import XipCache

_RFF, _RFNE, _TFE, _TFNF, _BUSY = 1 << 4, 1 << 3, 1 << 2, 1 << 1, 1 << 0  # SR
_RX_DEPTH = 16
_ENABLE = 1
_TX_EMPTY, _RX_UNDER, _RX_OVER, _RX_FULL = 1 << 0, 1 << 2, 1 << 3, 1 << 4  # RISR
_TDMAE, _RDMAE = 1 << 1, 1 << 0  # DMACR
_EEPROM_READ, _WORD_BITS = 3, 32
_LINES = {1: 2, 2: 4}  # by SPI_FRF
_PIN_SS = 1  # among the pins of IO_QSPI
# Cycles of a word read in place beside its clocks on the wire: 400 ns were published for a Pico at
# 125 MHz, whose 20 clocks take 40 cycles. Taken to be the same for all.
_OVERHEAD = 10


def read_cycles(ctrlr0: int, spi_ctrlr0: int, baudr: int) -> int | None:
    """Cycles of the system clock that a word read in place takes; None if it is not set up.

    Instruction, address with mode bits, wait and data, on one line, two or four; datasheet 4.10.13.
    """
    lines = {0: 1, 1: 2, 2: 4}.get(field(ctrlr0, 22, 21))  # SPI_FRF
    divider = baudr & 0xFFFE  # even, always (Synopsys DW_apb_ssi, SCKDV)
    is_word = field(ctrlr0, 20, 16) == _WORD_BITS - 1 and field(ctrlr0, 9, 8) == _EEPROM_READ
    if lines is None or not is_word or not divider:
        return None
    kind = field(spi_ctrlr0, 1, 0)  # TRANS_TYPE: which of instruction and address go by all lines
    instruction = (0, 4, 8, 16)[field(spi_ctrlr0, 9, 8)] // (lines if kind == 2 else 1)
    address = 4 * field(spi_ctrlr0, 5, 2) // (lines if kind else 1)
    wait = field(spi_ctrlr0, 15, 11) if lines > 1 else 0
    return (instruction + address + wait + _WORD_BITS // lines) * divider + _OVERHEAD


class XipSsi(TimedBlock):
    """Chip select follows the override of the pin SS; else it falls with the first frame and rises
    when the answers have been read or the controller is switched off.

    Args:
        cache: gives the words of the flash, and is told how long reads in place take.
        transmit, receive: its requests to the DMA.
    """

    name = "XIP_SSI"
    base = 0x1800_0000

    def __init__(
        self,
        scheduler: Scheduler,
        io_qspi: IoBank,
        flash: SpiFlash,
        cache: XipCache,
        line: InterruptLine,
        transmit: RequestLine,
        receive: RequestLine,
    ) -> None:
        self._scheduler, self._cache = scheduler, cache
        self._line = line
        self._transmit_request, self._receive_request = transmit, receive
        self._errors = 0  # of RISR
        self._address = self._left = 0  # of words that are on their way
        self._arrival = NEVER  # the cycle at which the next one is there
        self._io_qspi = io_qspi
        self._flash = flash
        self._received: deque[int] = deque()
        io_qspi.on_change = self._follow_select
        super().__init__(
            scheduler,
            Register(0x00, "CTRLR0", 0, 0x17F_FFFF),
            Register(0x04, "CTRLR1", 0, 0xFFFF),
            Register(0x08, "SSIENR", 0, 0x1, on_write=self._write_enable),
            Register(0x0C, "MWCR", 0, 0x7),
            Register(0x10, "SER", 0, 0x1),
            Register(0x14, "BAUDR", 0, 0xFFFF),
            Register(0x18, "TXFTLR", 0, 0xFF),
            Register(0x1C, "RXFTLR", 0, 0xFF),
            Register(0x20, "TXFLR", 0, 0),
            Register(0x24, "RXFLR", 0, 0, self._read_level),
            Register(0x28, "SR", 0, 0, self._read_status),
            Register(0x2C, "IMR", 0, 0x3F),
            Register(0x30, "ISR", 0, 0, lambda: self._raw() & self["IMR"]),
            Register(0x34, "RISR", 0, 0, self._raw),
            Register(0x38, "TXOICR", 0, 0),
            Register(0x3C, "RXOICR", 0, 0, lambda: self._clear(_RX_OVER)),
            Register(0x40, "RXUICR", 0, 0, lambda: self._clear(_RX_UNDER)),
            Register(0x44, "MSTICR", 0, 0),
            Register(0x48, "ICR", 0, 0, lambda: self._clear(_RX_OVER | _RX_UNDER)),
            Register(0x4C, "DMACR", 0, 0x3),
            Register(0x50, "DMATDLR", 0, 0xFF),
            Register(0x54, "DMARDLR", 0, 0xFF),
            Register(0x58, "IDR", 0x5153_5049, 0),
            Register(0x5C, "SSI_VERSION_ID", 0x3430_312A, 0),
            Register(0x60, "DR0", 0, 0, self._read_data, self._write_data, peek=self._next),
            Register(0xF0, "RX_SAMPLE_DLY", 0, 0xFF),
            Register(0xF4, "SPI_CTRLR0", 0x0300_0000, 0xFF07_FB3F),
            Register(0xF8, "TXD_DRIVE_EDGE", 0, 0xFF),
        )

    def reset(self) -> None:
        """Off."""
        super().reset()
        self._write_enable(0)
        self.advance()

    def due(self) -> int:
        """See Timed."""
        return self._arrival

    def advance(self) -> None:
        """See Timed."""
        while self._arrival <= self._scheduler.cycles:
            word = self._cache.word_at(self._address)
            self._receive(int.from_bytes(word.to_bytes(4, "little"), "big"))
            self._address += 4
            self._left -= 1
            self._arrival = self._arrival + self._clocks_of_word if self._left else NEVER
        self._drive()

    def write(self, offset: int, value: int) -> bool:
        """See RegisterBlock."""
        self.advance()
        known = super().write(offset, value)
        self._drive()
        return known

    def _drive(self) -> None:
        raw, control = self._raw_now(), self["DMACR"]
        self._line.set(bool(raw & self["IMR"]))
        self._transmit_request.set(bool(control & _TDMAE and raw & _TX_EMPTY))
        waiting = len(self._received) > self["DMARDLR"]
        self._receive_request.set(bool(control & _RDMAE and waiting))

    def _raw_now(self) -> int:
        enabled = bool(self["SSIENR"] & _ENABLE)
        full = len(self._received) > self["RXFTLR"]
        return self._errors | _TX_EMPTY * enabled | _RX_FULL * full

    def _raw(self) -> int:
        self.advance()
        return self._raw_now()

    def _clear(self, errors: int) -> int:
        """4.10.14: a read clears them, and tells whether one was set."""
        self.advance()
        found = bool(self._errors & errors)
        self._errors &= ~errors
        self._drive()
        return int(found)

    def _read_level(self) -> int:
        self.advance()
        return len(self._received)

    @property
    def _lines_of_words(self) -> int:
        """On how many lines words are read; 0 where that is not set up."""
        control = self["CTRLR0"]
        reads = field(control, 9, 8) == _EEPROM_READ and field(control, 20, 16) == _WORD_BITS - 1
        return _LINES.get(field(control, 22, 21), 0) if reads else 0

    @property
    def _clocks_of_word(self) -> int:
        return _WORD_BITS // self._lines_of_words * max(2, self["BAUDR"] & 0xFFFE)

    def _receive(self, word: int) -> None:
        if len(self._received) < _RX_DEPTH:
            self._received.append(word)
        else:
            self._errors |= _RX_OVER

    def restore(self, values: dict[str, int]) -> None:
        """Set registers as they were when something else had set them up."""
        for name, value in values.items():
            self[name] = value
        self._write_enable(self["SSIENR"])

    def _follow_select(self) -> None:
        if self._io_qspi.override_of_output(_PIN_SS) is not False:
            self._flash.deselect()

    def _write_enable(self, value: int) -> None:
        if not value & _ENABLE:
            self._received.clear()
            self._left, self._arrival = 0, NEVER
            self._errors = 0
            self._follow_select()
            return
        cycles = read_cycles(self["CTRLR0"], self["SPI_CTRLR0"], self["BAUDR"])
        if cycles is not None:
            self._cache.read_takes(cycles)

    def _read_status(self) -> int:
        self.advance()
        received = len(self._received)
        busy = _BUSY * (self._left > 0)
        return busy | _TFE | _TFNF | _RFNE * (received > 0) | _RFF * (received >= _RX_DEPTH)

    def _write_data(self, value: int) -> None:
        if not self["SSIENR"] & _ENABLE:
            return
        forced = self._io_qspi.override_of_output(_PIN_SS) is not None  # for a command
        if forced or not self._lines_of_words:
            self._receive(self._flash.exchange(value & 0xFF))
            return
        # Address and mode bits on the same lines, then the wait: 4.10.13.
        settings, divider = self["SPI_CTRLR0"], max(2, self["BAUDR"] & 0xFFFE)
        clocks = 4 * field(settings, 5, 2) // self._lines_of_words + field(settings, 15, 11)
        self._address, self._left = value >> 8, self["CTRLR1"] + 1
        self._arrival = self._scheduler.cycles + clocks * divider + self._clocks_of_word

    def _next(self) -> int:
        return self._received[0] if self._received else 0

    def _read_data(self) -> int:
        self.advance()
        if not self._received:
            self._errors |= _RX_UNDER
            self._drive()
            return 0
        answer = self._received.popleft()
        if not self._received:
            self._follow_select()
        self._drive()
        return answer
