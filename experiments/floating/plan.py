"""What pre-training in float32 follows from. Nothing here needs PyTorch."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from importlib.util import find_spec

from priot.experiments.errors import UserError
from priot.experiments.ranges import check_seed


class Optimiser(Enum):
    """What makes steps of gradients; what is not said here is as PyTorch has it."""

    ADAM = "Adam"
    SGD = "SGD, momentum 0.9, weight decay 0.0005"


@dataclass(frozen=True)
class FloatPlan:
    """What the weights follow from, beside the network, the images and the machine.

    Raises:
        UserError: for a batch, a seed, a learning rate or a number of threads out of range.
    """

    schedule: tuple[float, ...]
    """Learning rate of each epoch."""
    optimiser: Optimiser
    batch: int
    augmented: bool = False
    """Whether an epoch shifts and mirrors the images (priot.experiments.datasets.augmentation)."""
    seed: int = 0
    """Of first weights, order and augmentation."""
    threads: int = 1
    """The last bits of a sum depend on it."""

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise UserError(f"a batch of {self.batch} images: take 1 or more")
        check_seed(self.seed)
        if self.threads < 1:
            raise UserError(f"{self.threads} threads: take 1 or more")
        for rate in self.schedule:
            if not 0 < rate <= 1:
                raise UserError(f"a learning rate of {rate:g}: take one above 0, and 1 at most")


def check_pytorch() -> None:
    """Refuse to go on without PyTorch.

    Raises:
        UserError: naming the extra that brings it.
    """
    if find_spec("torch") is None:
        raise UserError("float32 needs PyTorch: pip install 'priot[torch]'")
