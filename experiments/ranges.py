"""What seeds, angles and epochs may be; docs/reliability.md lists it for users."""

import math

from priot.experiments.errors import UserError

LARGEST_SEED = 2**63 - 1
"""Whole numbers in records have 64 bits."""

MOST_DEGREES = 360.0

MOST_EPOCHS = 100_000


def check_seed(seed: int, name: str = "seed") -> None:
    """Raises UserError, which begins with the name, for what is out of range."""
    if not 0 <= seed <= LARGEST_SEED:
        raise UserError(f"{name} {seed!s:.80}: a seed is 0 or more, at most 2^63 - 1")


def check_angle(degrees: float, name: str = "angle") -> None:
    """Raises UserError, which begins with the name, for what is out of range or no number."""
    if not math.isfinite(degrees) or abs(degrees) > MOST_DEGREES:
        raise UserError(
            f"{name} {degrees}: name degrees from -{MOST_DEGREES:g} to {MOST_DEGREES:g}"
        )


def check_epochs(epochs: int) -> None:
    """Raises UserError for what is out of range."""
    if not 0 <= epochs <= MOST_EPOCHS:
        raise UserError(f"epochs {epochs!s:.80}: train for 0 to {MOST_EPOCHS:,} epochs")
