"""The simulated Pico with the trainer firmware in its memory."""

from pathlib import Path

import firmware_elf
from experiments.errors import UserError
from sim import Pico

SYMBOLS = ("mailbox", "__arena_start__", "__arena_end__")


def simulated_pico(elf: Path | None) -> Pico:
    """A Pico after reset; ``elf`` is another build of the trainer than the one that ships.

    Raises:
        sim.ProgramError: when the file is no program for an RP2040.
        UserError: when it is another program than the trainer.
    """
    pico = Pico(elf or firmware_elf.TRAINER)
    missing = [name for name in SYMBOLS if name not in pico.program.symbols]
    if missing:
        raise UserError(
            f"{pico.program.path}: not a build of the trainer (no symbol {missing[0]!r}); "
            "name an ELF file that make firmware has built"
        )
    return pico
