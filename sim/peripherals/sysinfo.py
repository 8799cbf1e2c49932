"""SYSINFO: what chip this is. Source: RP2040 datasheet, 2.20."""

from priot.sim.peripherals.registers import Register, RegisterBlock


class Sysinfo(RegisterBlock):
    """An RP2040B2: revision 2, part 0x0002, manufacturer 0x493 with the JEP-106 stop bit."""

    name = "SYSINFO"
    base = 0x4000_0000

    def __init__(self) -> None:
        super().__init__(
            Register(0x00, "CHIP_ID", 0x2000_2927, 0),
            Register(0x04, "PLATFORM", 0x2, 0),  # ASIC
            # Offset by pico-sdk 2.x (sysinfo.h), value as published from a chip.
            Register(0x10, "GITREF_RP2040", 0xE0C9_12E8, 0),
        )
