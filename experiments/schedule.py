"""Which epochs of a run are measured, and with how many learning-rate bits each is trained."""

from __future__ import annotations


def epochs_to_measure(epochs: int, every: int) -> tuple[int, ...]:
    """0, which is before training, then ``every`` so many epochs, and the last."""
    return *range(0, epochs, every), epochs


def bits_by_epoch(schedule: str, epochs: int) -> list[int]:
    """Learning-rate bits of the first epoch to the last, by a schedule such as "6,5,4".

    Its parts are equally long; where they cannot be, earlier ones are longer.
    """
    parts = [int(bits) for bits in schedule.split(",")]
    size, longer = divmod(epochs, len(parts))
    return [bits for n, bits in enumerate(parts) for _ in range(size + (n < longer))]
