"""The simulated Pico with the trainer firmware in its memory."""

from pathlib import Path

import firmware_elf
from experiments.device.placement import DEFAULT, Memory, Placement
from experiments.device.variants import Variant
from experiments.errors import UserError
from sim import Contention, Pico, Program, load_program
from sim.memory_map import FLASH

SYMBOLS = ("mailbox", "__arena_start__", "__arena_end__")
FLASH_SYMBOLS = ("__flash_arena_start__", "__flash_arena_end__")


def simulated_pico(
    elf: Path | None,
    variant: Variant = Variant.PLAIN,
    placement: Placement = DEFAULT,
    contention: Contention = Contention.BANKS,
) -> Pico:
    """A Pico after reset; ``elf`` is another build of the trainer than the ones that ship.

    ``contention`` is what two cores cost each other.

    Raises:
        sim.ProgramError: when the file is no program for an RP2040.
        UserError: when it is another program than the trainer, or a variant for two cores is to
            have something in flash.
    """
    flash_data = placement.weights is Memory.FLASH
    program = load_program(elf or trainer_elf(variant, placement))
    found = variant_in(program)
    check_place(found, placement)
    pico = Pico(program, flash_data=flash_data, cores=found.cores, contention=contention)
    wanted = (*SYMBOLS, *(FLASH_SYMBOLS if flash_data else ()))
    missing = [name for name in wanted if name not in pico.program.symbols]
    if missing:
        raise UserError(
            f"{pico.program.path}: not a build of the trainer (no symbol {missing[0]!r}); "
            "name an ELF file that make firmware has built"
        )
    return pico


def trainer_elf(variant: Variant, placement: Placement = DEFAULT) -> Path:
    """The build of the trainer that ships for a variant and the place of its code.

    Raises:
        UserError: when there is none.
    """
    in_flash = placement.code is Memory.FLASH
    check_place(variant, placement)
    return (firmware_elf.TRAINERS_IN_FLASH if in_flash else firmware_elf.TRAINERS)[variant]


def check_place(variant: Variant, placement: Placement) -> None:
    """Refuse what cannot be simulated.

    Raises:
        UserError: when two cores would share the XIP cache.
    """
    if variant.cores > 1 and Memory.FLASH in (placement.weights, placement.code):
        raise UserError(
            f"placement {placement}: the XIP cache is modelled for one core; "
            f"leave it out, or the {variant} variant"
        )


def code_of(pico: Pico) -> Memory:
    """Where the code of the loaded build lies, by its own word."""
    return Memory.FLASH if FLASH.holds(pico.symbol("main").address) else Memory.SRAM


def flash_bytes_of(pico: Pico) -> int:
    """Bytes of flash that the loaded build itself takes."""
    return sum(
        len(segment.data) for segment in pico.program.segments if FLASH.holds(segment.address)
    )


def variant_of(pico: Pico) -> Variant:
    """The variant that the loaded build of the trainer is, by its own word."""
    return variant_in(pico.program)


def variant_in(program: Program) -> Variant:
    """The variant that a build of the trainer is, by its own word."""
    named = (variant for variant in Variant if variant.symbol in program.symbols)
    return next(named, Variant.PLAIN)
