"""The simulated Pico with the trainer firmware in its memory."""

from pathlib import Path

import firmware_elf
from experiments.errors import UserError
from experiments.variants import FAST_SYMBOL, Variant
from sim import Pico

SYMBOLS = ("mailbox", "__arena_start__", "__arena_end__")


def simulated_pico(elf: Path | None, variant: Variant = Variant.PLAIN) -> Pico:
    """A Pico after reset; ``elf`` is another build of the trainer than the one that ships.

    Raises:
        sim.ProgramError: when the file is no program for an RP2040.
        UserError: when it is another program than the trainer.
    """
    pico = Pico(elf or firmware_elf.TRAINERS[variant])
    missing = [name for name in SYMBOLS if name not in pico.program.symbols]
    if missing:
        raise UserError(
            f"{pico.program.path}: not a build of the trainer (no symbol {missing[0]!r}); "
            "name an ELF file that make firmware has built"
        )
    return pico


def variant_of(pico: Pico) -> Variant:
    """The variant that the loaded build of the trainer is, by its own word."""
    return Variant.FAST if FAST_SYMBOL in pico.program.symbols else Variant.PLAIN
