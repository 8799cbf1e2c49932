"""The simulated Pico with the trainer firmware in its memory."""

import firmware_elf
from sim import Pico


def simulated_pico(clock_hz: int = 133_000_000) -> Pico:
    """A Pico after reset, at the clock that the RP2040 is rated for unless told otherwise."""
    return Pico(firmware_elf.TRAINER, clock_hz=clock_hz)
