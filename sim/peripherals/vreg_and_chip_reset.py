"""VREG_AND_CHIP_RESET: voltage regulator, brown-out detector, cause of reset.

Source: RP2040 datasheet, 2.10.6 and 2.12.8.
"""

from priot.sim.peripherals.registers import Register, RegisterBlock

_ROK = 1 << 12  # in regulation
_HAD_POR, _PSM_RESTART_FLAG = 1 << 8, 1 << 24


class VregAndChipReset(RegisterBlock):
    """The regulator is always in regulation, and the last reset was by power-on."""

    name = "VREG_AND_CHIP_RESET"
    base = 0x4006_4000

    def __init__(self) -> None:
        super().__init__(
            Register(0x0, "VREG", 0xB1, 0xF3, on_read=lambda: self["VREG"] | _ROK),
            Register(0x4, "BOD", 0x91, 0xF1),
            Register(0x8, "CHIP_RESET", _HAD_POR, 0, clears=_PSM_RESTART_FLAG),
        )
