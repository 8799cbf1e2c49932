"""The simulated Pico with the trainer firmware in its memory."""

from pathlib import Path

import firmware_elf
from sim import Pico


def simulated_pico(elf: Path | None) -> Pico:
    """A Pico after reset; ``elf`` is another build of the trainer than the one that ships.

    Raises:
        sim.ElfError: when the file is no program for an RP2040.
    """
    return Pico(elf or firmware_elf.TRAINER)
