"""XIP_SSI: the serial controller of the flash, Synopsys DW_apb_ssi.

Source: RP2040 datasheet, 4.10. Transfers take no time: the transmit FIFO is always empty. Each word
written to DR0 is one frame to the flash chip; execution in place does not come through here.
"""

from collections import deque

from sim.peripherals.io_bank import IoBank
from sim.peripherals.registers import Register, RegisterBlock
from sim.peripherals.spi_flash import SpiFlash

_RFF, _RFNE, _TFE, _TFNF = 1 << 4, 1 << 3, 1 << 2, 1 << 1  # SR
_RX_DEPTH = 16
_ENABLE = 1
_PIN_SS = 1  # among the pins of IO_QSPI


class XipSsi(RegisterBlock):
    """Chip select follows the override of the pin SS; else it falls with the first frame and rises
    when the answers have been read or the controller is switched off."""

    name = "XIP_SSI"
    base = 0x1800_0000

    def __init__(self, io_qspi: IoBank, flash: SpiFlash) -> None:
        self._io_qspi = io_qspi
        self._flash = flash
        self._received: deque[int] = deque()
        io_qspi.on_change = self._follow_select
        super().__init__(
            Register(0x00, "CTRLR0", 0, 0x17F_FFFF),
            Register(0x04, "CTRLR1", 0, 0xFFFF),
            Register(0x08, "SSIENR", 0, 0x1, on_write=self._write_enable),
            Register(0x0C, "MWCR", 0, 0x7),
            Register(0x10, "SER", 0, 0x1),
            Register(0x14, "BAUDR", 0, 0xFFFF),
            Register(0x18, "TXFTLR", 0, 0xFF),
            Register(0x1C, "RXFTLR", 0, 0xFF),
            Register(0x20, "TXFLR", 0, 0),
            Register(0x24, "RXFLR", 0, 0, lambda: len(self._received)),
            Register(0x28, "SR", 0, 0, self._read_status),
            Register(0x2C, "IMR", 0, 0x3F),
            Register(0x30, "ISR", 0, 0),
            Register(0x34, "RISR", 0, 0),
            Register(0x38, "TXOICR", 0, 0),
            Register(0x3C, "RXOICR", 0, 0),
            Register(0x40, "RXUICR", 0, 0),
            Register(0x44, "MSTICR", 0, 0),
            Register(0x48, "ICR", 0, 0),
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

    def _follow_select(self) -> None:
        if self._io_qspi.override_of_output(_PIN_SS) is not False:
            self._flash.deselect()

    def _write_enable(self, value: int) -> None:
        if not value & _ENABLE:
            self._received.clear()
            self._follow_select()

    def _read_status(self) -> int:
        received = len(self._received)
        return _TFE | _TFNF | _RFNE * (received > 0) | _RFF * (received >= _RX_DEPTH)

    def _write_data(self, value: int) -> None:
        if not self["SSIENR"] & _ENABLE:
            return
        answer = self._flash.exchange(value & 0xFF)
        if len(self._received) < _RX_DEPTH:
            self._received.append(answer)

    def _next(self) -> int:
        return self._received[0] if self._received else 0

    def _read_data(self) -> int:
        if not self._received:
            return 0
        answer = self._received.popleft()
        if not self._received:
            self._follow_select()
        return answer
