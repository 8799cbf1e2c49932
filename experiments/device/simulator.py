"""The simulated Pico with the trainer firmware in its memory."""

import hashlib
from dataclasses import replace
from pathlib import Path

from priot import firmware_elf
from priot.experiments.device.placement import DEFAULT, Memory, Placement
from priot.experiments.device.purpose import Purpose
from priot.experiments.device.variants import Variant
from priot.experiments.errors import UserError
from priot.sim import Contention, Engine, Pico, Program, load_program
from priot.sim.memory_map import FLASH, SRAM

SYMBOLS = ("mailbox", "__arena_start__", "__arena_end__")
FLASH_SYMBOLS = ("__flash_arena_start__", "__flash_arena_end__")


def simulated_pico(
    elf: Path | None,
    variant: Variant = Variant.PLAIN,
    placement: Placement = DEFAULT,
    purpose: Purpose = Purpose.TRAINING,
    contention: Contention = Contention.BANKS,
    profiled: bool = False,
) -> Pico:
    """A Pico after reset; ``elf`` is another build of the trainer than the ones that ship.

    ``contention`` is what two cores cost each other; ``profiled`` is for those who want a profile.

    Raises:
        priot.sim.ProgramError: when the file is no program for an RP2040.
        UserError: when it is another program than the trainer, or a variant for two cores is to
            have something in flash.
    """
    flash_data = placement.weights is Memory.FLASH
    program = load_program(elf or trainer_elf(variant, placement, purpose))
    found = variant_in(program)
    check_place(found, placement, purpose)
    in_sram = not flash_data and all(SRAM.holds(one.address) for one in program.segments)
    engine = Engine.UNICORN if in_sram and found.cores == 1 else Engine.OWN
    pico = Pico(
        program,
        flash_data=flash_data,
        engine=engine,
        contention=contention,
        trace=profiled and engine is Engine.OWN,
    )
    wanted = (*SYMBOLS, *(FLASH_SYMBOLS if flash_data else ()))
    missing = [name for name in wanted if name not in pico.program.symbols]
    if missing:
        raise UserError(
            f"{pico.program.path}: not a build of the trainer (no symbol {missing[0]!r}); "
            "name an ELF file that make firmware has built"
        )
    return pico


_BUILDS = {
    (Purpose.TRAINING, Memory.SRAM): firmware_elf.TRAINERS,
    (Purpose.TRAINING, Memory.FLASH): firmware_elf.TRAINERS_IN_FLASH,
    (Purpose.PREDICTION, Memory.SRAM): firmware_elf.PREDICTORS,
    (Purpose.PREDICTION, Memory.FLASH): firmware_elf.PREDICTORS_IN_FLASH,
}
SHIPPED = tuple(path for of_variant in _BUILDS.values() for path in of_variant.values())
"""All builds of the trainer and the predictor that ship."""


def trainer_elf(
    variant: Variant, placement: Placement = DEFAULT, purpose: Purpose = Purpose.TRAINING
) -> Path:
    """The build that ships for a variant and the place of its code; a predictor for predictions.

    Raises:
        UserError: when there is none.
    """
    check_place(variant, placement, purpose)
    return _BUILDS[purpose, placement.code][variant]


def check_place(variant: Variant, placement: Placement, purpose: Purpose) -> None:
    """Refuse what a variant for two cores cannot do.

    Raises:
        UserError: when two cores would share the XIP cache, or are to predict.
    """
    if variant.cores > 1 and Memory.FLASH in (placement.weights, placement.code):
        raise UserError(
            f"placement {placement}: the dual variant is built for SRAM; "
            f"leave it out, or the {variant} variant"
        )
    if variant.cores > 1 and purpose is Purpose.PREDICTION:
        raise UserError(f"there is no predictor of the {variant} variant: name another")


def is_possible(variant: Variant, placement: Placement, purpose: Purpose) -> bool:
    """Whether ``check_place`` lets them pass."""
    try:
        check_place(variant, placement, purpose)
    except UserError:
        return False
    return True


def code_of(pico: Pico) -> Memory:
    """Where the code of the loaded build lies, by its own word."""
    return Memory.FLASH if FLASH.holds(pico.symbol("main").address) else Memory.SRAM


def as_built(placement: Placement, pico: Pico) -> Placement:
    """``placement`` with its code where the loaded build, one of the user's own, has it.

    Raises:
        UserError: when it says itself where the code should be.
    """
    if placement.code is Memory.FLASH:
        raise UserError(
            f"{pico.program.path}: a build lies where it was linked for: leave out code=flash"
        )
    return replace(placement, code=code_of(pico))


def flash_bytes_of(program: Program) -> int:
    """Bytes of flash that a build of the trainer itself takes."""
    return sum(len(segment.data) for segment in program.segments if FLASH.holds(segment.address))


def code_hash_of(elf: Path) -> str:
    """SHA-256 of all that a run can depend on: what is loaded where, and where symbols lie.

    The lines of the sources, which debuggers read, are left out: what was measured stays true when
    a comment changes.

    Raises:
        priot.sim.ProgramError: when the file is no program for an RP2040.
    """
    program = load_program(elf)
    digest = hashlib.sha256()
    for segment in program.segments:
        digest.update(f"{segment.address} {len(segment.data)}\n".encode())
        digest.update(segment.data)
    for name, symbol in sorted(program.symbols.items()):
        digest.update(f"{name} {symbol.address}\n".encode())
    return digest.hexdigest()


def variant_of(pico: Pico) -> Variant:
    """The variant that the loaded build of the trainer is, by its own word."""
    return variant_in(pico.program)


def variant_in(program: Program) -> Variant:
    """The variant that a build of the trainer is, by its own word."""
    named = (variant for variant in Variant if variant.symbol in program.symbols)
    return next(named, Variant.PLAIN)
