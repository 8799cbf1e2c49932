"""USBCTRL_REGS: the one register that every start-up code touches. Source: RP2040 datasheet, 4.1.4.

The Pico SDK powers the transceiver down through SIE_CTRL before main; there is no USB behind it.
"""

from sim.peripherals.registers import Register, RegisterBlock

_SELF_CLEARING = 1 << 0 | 1 << 4 | 1 << 12 | 1 << 13  # start, stop, resume, reset


class Usbctrl(RegisterBlock):
    """SIE_CTRL alone, as a register without effect."""

    name = "USBCTRL_REGS"
    base = 0x5011_0000

    def __init__(self) -> None:
        super().__init__(Register(0x4C, "SIE_CTRL", 0, 0xFF07_BF5F & ~_SELF_CLEARING))
