"""RESETS: holds each peripheral in reset. Source: RP2040 datasheet, 2.14.

A block is given its reset values when its bit is set. Registers of a block that is held in reset
answer as if it were not.
"""

from collections.abc import Callable

from priot.sim.peripherals.registers import Register, RegisterBlock

_ALL = 0x01FF_FFFF  # 25 subsystems
# 2.14.3: the bits of RESET, from bit 0 on.
SUBSYSTEMS = [
    "ADC",
    "BUSCTRL",
    "DMA",
    "I2C0",
    "I2C1",
    "IO_BANK0",
    "IO_QSPI",
    "JTAG",
    "PADS_BANK0",
    "PADS_QSPI",
    "PIO0",
    "PIO1",
    "PLL_SYS",
    "PLL_USB",
    "PWM",
    "RTC",
    "SPI0",
    "SPI1",
    "SYSCFG",
    "SYSINFO",
    "TBMAN",
    "TIMER",
    "UART0",
    "UART1",
    "USBCTRL",
]


class Resets(RegisterBlock):
    """`on_reset` maps names of SUBSYSTEMS to what gives them their reset values."""

    name = "RESETS"
    base = 0x4000_C000

    def __init__(self) -> None:
        self.on_reset: dict[str, Callable[[], None]] = {}
        self._held = _ALL
        super().__init__(
            Register(0x0, "RESET", _ALL, _ALL, on_write=self._write_reset),
            Register(0x4, "WDSEL", 0, _ALL),
            Register(0x8, "RESET_DONE", 0, 0, on_read=lambda: ~self["RESET"] & _ALL),
        )

    def reset(self) -> None:
        """All subsystems in reset."""
        super().reset()
        self._held = _ALL

    def _write_reset(self, _value: int) -> None:
        entering = self["RESET"] & ~self._held
        self._held = self["RESET"]
        for bit, name in enumerate(SUBSYSTEMS):
            if entering >> bit & 1 and name in self.on_reset:
                self.on_reset[name]()
