"""SYSCFG: NMI masks, debug and memory power. Source: RP2040 datasheet, 2.21.

The registers hold what is written; the NVIC may ask for PROC0_NMI_MASK.
"""

from priot.sim.peripherals.registers import Register, RegisterBlock


class Syscfg(RegisterBlock):
    """Configuration without behaviour of its own."""

    name = "SYSCFG"
    base = 0x4000_4000

    def __init__(self) -> None:
        super().__init__(
            Register(0x00, "PROC0_NMI_MASK"),
            Register(0x04, "PROC1_NMI_MASK"),
            Register(0x08, "PROC_CONFIG", 0x1000_0000, 0xFF00_0000),
            Register(0x0C, "PROC_IN_SYNC_BYPASS", 0, 0x3FFF_FFFF),
            Register(0x10, "PROC_IN_SYNC_BYPASS_HI", 0, 0x3F),
            Register(0x14, "DBGFORCE", 0x66, 0xEE),
            Register(0x18, "MEMPOWERDOWN", 0, 0xFF),
        )
