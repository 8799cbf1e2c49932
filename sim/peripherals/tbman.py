"""TBMAN: the testbench manager, which says silicon. Source: RP2040 datasheet, 2.22."""

from priot.sim.peripherals.registers import Register, RegisterBlock


class Tbman(RegisterBlock):
    """One constant."""

    name = "TBMAN"
    base = 0x4006_C000

    def __init__(self) -> None:
        super().__init__(Register(0x0, "PLATFORM", 0x5, 0))
