"""Accesses of the DMA to registers that Python models."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from priot.sim.cpu.state import Chip
from priot.sim.devices.dma import SHARED_AT, Ask, Channel, Dma

_SHARED = Chip.DMA + SHARED_AT


class Access(NamedTuple):
    """What the DMA waits for: a load where `value` is None, else a store; `size` in bytes."""

    address: int
    size: int
    value: int | None


def access_of(chip: npt.NDArray[np.int64]) -> Access | None:
    """The access that the DMA asks for, if any."""
    ask = chip[_SHARED + Dma.ASKS]
    if ask not in (Ask.READ, Ask.WRITE):
        return None
    control = chip[Chip.DMA + Channel.SIZE * chip[_SHARED + Dma.CHANNEL] + Channel.CTRL]
    address, size = int(chip[_SHARED + Dma.ADDRESS]), 1 << min(int(control) >> 2 & 3, 2)
    return Access(address, size, int(chip[_SHARED + Dma.VALUE]) if ask == Ask.WRITE else None)


def answer_read(chip: npt.NDArray[np.int64], value: int) -> None:
    """It was a load of this value."""
    chip[_SHARED + Dma.ASKS], chip[_SHARED + Dma.VALUE] = Ask.ANSWERED_READ, value


def answer_write(chip: npt.NDArray[np.int64]) -> None:
    """The store is done."""
    chip[_SHARED + Dma.ASKS] = Ask.ANSWERED_WRITE
