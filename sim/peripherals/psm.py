"""PSM: the power-on state machine. Source: RP2040 datasheet, 2.13.5."""

from priot.sim.peripherals.registers import Register, RegisterBlock

_ALL = 0x1_FFFF  # 17 stages


class Psm(RegisterBlock):
    """All stages are done but those forced off."""

    name = "PSM"
    base = 0x4001_0000

    def __init__(self) -> None:
        super().__init__(
            Register(0x0, "FRCE_ON", 0, _ALL),
            Register(0x4, "FRCE_OFF", 0, _ALL),
            Register(0x8, "WDSEL", 0, _ALL),
            Register(0xC, "DONE", 0, 0, on_read=lambda: ~self["FRCE_OFF"] & _ALL),
        )
