"""An estimate of a step's energy: voltage times current times time.

It is one of the chip's core supply alone, since that is what a current is published for: DVDD takes
10.9 mA while a program runs at 48 MHz (RP2040 datasheet, 5.7.2, table 631, "Popcorn", typical). The
same table has 0.39 mA for a sleeping chip, and table 629 gives what its blocks take in microamperes
per MHz. So nearly all of it goes with the clock, and it is scaled by the clock here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from priot.experiments.errors import UserError

CORE_VOLTS = 1.1
PUBLISHED_MILLIAMPS, PUBLISHED_MHZ = 10.9, 48.0
VOLTS_SOURCE = "RP2040 datasheet, 5.6, table 628: DVDD, typical"
MILLIAMPS_SOURCE = (
    f"RP2040 datasheet, 5.7.2, table 631: {PUBLISHED_MILLIAMPS} mA of DVDD, typical, while "
    f"'Popcorn' runs at {PUBLISHED_MHZ:g} MHz; in proportion to the clock"
)
GIVEN = "given by the user"
LEFT_OUT = (
    "pins (IOVDD), USB, ADC",
    "the on-chip regulator: a linear one, so out of 3.3 V flows the same current at three times "
    "the voltage (--volts 3.3)",
    "the flash chip and whatever else is on a board",
    "how many cores run (--variant dual): no current is published for each",
    "that current differs from program to program, from chip to chip, and with temperature",
)


@dataclass(frozen=True)
class Supply:
    """Voltage and current while the core runs, and where each figure comes from."""

    volts: float
    milliamps: float
    volts_source: str
    milliamps_source: str

    def estimate(self, cycles: float, clock_hz: int) -> dict[str, Any]:
        """Seconds and joules of so many cycles, for a record."""
        seconds = cycles / clock_hz
        return {
            "volts": self.volts,
            "volts_source": self.volts_source,
            "milliamps": self.milliamps,
            "milliamps_source": self.milliamps_source,
            "seconds_per_step": seconds,
            "joules_per_step": self.volts * self.milliamps / 1000 * seconds,
            "left_out": list(LEFT_OUT),
        }


def supply(volts: float | None, milliamps: float | None, clock_hz: int) -> Supply:
    """What the user names; None stands for the datasheet's figure, a current at this clock.

    Raises:
        UserError: for a value that is not above 0.
    """
    for option, value in (("--volts", volts), ("--milliamps", milliamps)):
        if value is not None and not 0 < value < math.inf:
            raise UserError(f"{option} {value:g}: give a number above 0")
    return Supply(
        CORE_VOLTS if volts is None else volts,
        PUBLISHED_MILLIAMPS * clock_hz / (PUBLISHED_MHZ * 1e6) if milliamps is None else milliamps,
        VOLTS_SOURCE if volts is None else GIVEN,
        MILLIAMPS_SOURCE if milliamps is None else GIVEN,
    )
