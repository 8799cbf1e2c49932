"""BUSCTRL: bus priorities and performance counters. Source: RP2040 datasheet, 2.1.5.

The counters stay at zero: with one core and no DMA no access is contested, and all accesses are not
counted here.
"""

from sim.peripherals.registers import Register, RegisterBlock


class Busctrl(RegisterBlock):
    """Priorities are acknowledged at once."""

    name = "BUSCTRL"
    base = 0x4003_0000

    def __init__(self) -> None:
        super().__init__(
            Register(0x00, "BUS_PRIORITY", 0, 0x1111),
            Register(0x04, "BUS_PRIORITY_ACK", 1, 0),
            Register(0x08, "PERFCTR0", 0, 0),
            Register(0x0C, "PERFSEL0", 0x1F, 0x1F),
            Register(0x10, "PERFCTR1", 0, 0),
            Register(0x14, "PERFSEL1", 0x1F, 0x1F),
            Register(0x18, "PERFCTR2", 0, 0),
            Register(0x1C, "PERFSEL2", 0x1F, 0x1F),
            Register(0x20, "PERFCTR3", 0, 0),
            Register(0x24, "PERFSEL3", 0x1F, 0x1F),
        )
