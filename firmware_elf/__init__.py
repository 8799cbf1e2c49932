"""The built programs for the RP2040, and where they are."""

from pathlib import Path

TRAINER = Path(__file__).resolve().parent / "trainer.elf"
"""Trains the network of an image in SRAM; see docs/image-format.md for how to talk to it."""
