"""The flash chip: erasing and programming, as the boot ROM's functions offer it.

Source: RP2040 datasheet 2.8.3.1.3; Winbond W25Q16JV datasheet (the Pico's chip): erased bits are
ones, programming only clears bits.
"""

import numpy as np
import numpy.typing as npt

from priot.sim.errors import FlashError

SECTOR_SIZE = 4096
"""Bytes that are erased at once."""
PAGE_SIZE = 256
"""Bytes that are programmed at once."""
ERASE, PROGRAM = 0xF0, 0xF1
"""Numbers of the BKPTs by which the boot ROM asks for it: docs/boot-rom.md."""


def erase(flash: npt.NDArray[np.uint8], offset: int, count: int) -> None:
    """Set bytes to 0xFF: flash_range_erase.

    Args:
        flash: the chip's bytes, changed in place.
        offset: of the first byte, from the start of the chip; a multiple of 4096.
        count: bytes, a multiple of 4096.

    Raises:
        FlashError: a value is not a multiple, or the bytes do not all lie in the chip.
    """
    _check("erase", flash, offset, count, SECTOR_SIZE)
    flash[offset : offset + count] = 0xFF


def program(flash: npt.NDArray[np.uint8], offset: int, data: npt.NDArray[np.uint8]) -> None:
    """Clear the bits that are zero in `data`: flash_range_program.

    Args:
        flash: the chip's bytes, changed in place.
        offset: of the first byte, from the start of the chip; a multiple of 256.
        data: uint8, its length a multiple of 256.

    Raises:
        FlashError: a value is not a multiple, or the bytes do not all lie in the chip.
    """
    _check("program", flash, offset, len(data), PAGE_SIZE)
    flash[offset : offset + len(data)] &= data


def _check(
    action: str, flash: npt.NDArray[np.uint8], offset: int, count: int, multiple: int
) -> None:
    if offset % multiple or count % multiple:
        raise FlashError(
            f"flash {action} of {count} bytes at {offset:#x}: both must be multiples of {multiple}"
        )
    if not 0 <= offset <= offset + count <= len(flash):
        raise FlashError(
            f"flash {action} of {count} bytes at {offset:#x} lies outside the chip's "
            f"{len(flash)} bytes; the offset counts from the start of flash, not of memory"
        )
