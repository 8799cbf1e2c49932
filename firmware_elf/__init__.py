"""The built programs for the RP2040, and where they are."""

from pathlib import Path

_HERE = Path(__file__).resolve().parent

TRAINER = _HERE / "trainer.elf"
"""Trains the network of an image in SRAM; see docs/image-format.md for how to talk to it."""

TRAINERS = {
    "plain": TRAINER,
    "fast": _HERE / "trainer_fast.elf",
    "dual": _HERE / "trainer_dual.elf",
}
"""The variants by name: the first version in plain C, fast kernels, and these on both cores; equal
bit for bit."""

TRAINERS_IN_FLASH = {
    "plain": _HERE / "trainer_in_flash.elf",
    "fast": _HERE / "trainer_fast_in_flash.elf",
}
"""Those for one core, linked to run from flash, which leaves SRAM to the image."""

PREDICTORS = {"plain": _HERE / "predictor.elf", "fast": _HERE / "predictor_fast.elf"}
"""The forward half of both variants, for a network that has been trained."""

PREDICTORS_IN_FLASH = {
    "plain": _HERE / "predictor_in_flash.elf",
    "fast": _HERE / "predictor_fast_in_flash.elf",
}
"""The same, linked to run from flash."""

BUILT = _HERE / "built"
"""Small programs that try the simulator: NAME.default.elf runs from flash, NAME.copy_to_ram.elf is
copied to SRAM at its start, NAME.no_flash.elf is loaded there."""
