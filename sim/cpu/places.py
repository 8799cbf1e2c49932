"""Where an address lies in the array of memories. RP2040 datasheet, 2.2."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from priot.sim.cpu.native import native
from priot.sim.cpu.state import (
    FLASH_AT,
    MEMORY_SIZE,
    ROM_AT,
    SRAM_AT,
    USB_DPRAM,
    USB_DPRAM_AT,
    XIP_SRAM_AT,
)
from priot.sim.memory_map import FLASH, ROM, SRAM, SRAM_UNSTRIPED, XIP, XIP_SRAM

_SRAM, _FLASH, _ROM = SRAM.base, FLASH.base, ROM.base
_SRAM_SIZE, _FLASH_SIZE, _ROM_SIZE = SRAM.size, FLASH.size, ROM.size
_XIP, _XIP_SIZE = XIP.base, XIP.size
_XIP_SRAM, _XIP_SRAM_SIZE = XIP_SRAM.base, XIP_SRAM.size
_USB, _USB_SIZE = USB_DPRAM.base, USB_DPRAM.size
_UNSTRIPED, _UNSTRIPED_SIZE = SRAM_UNSTRIPED.base, SRAM_UNSTRIPED.size
_BANK_BITS = 16


@native
def place(address: Any) -> Any:
    """Where in the array of memories an address lies; -1 if in none."""
    if address - _SRAM >= 0 and address - _SRAM < _SRAM_SIZE:
        return address - _SRAM + SRAM_AT
    if address - _XIP >= 0 and address - _XIP < _XIP_SIZE:
        # A chip of 2 MB takes no note of the upper of the 24 bits of an address.
        return (address & (_FLASH_SIZE - 1)) + FLASH_AT
    if address < _ROM_SIZE:
        return address + ROM_AT
    offset = address - _UNSTRIPED
    if offset >= 0 and offset < _UNSTRIPED_SIZE:
        bank, offset = offset >> _BANK_BITS, offset & ((1 << _BANK_BITS) - 1)
        return (offset >> 2 << 4 | bank << 2 | offset & 3) + SRAM_AT
    if address - _XIP_SRAM >= 0 and address - _XIP_SRAM < _XIP_SRAM_SIZE:
        return address - _XIP_SRAM + XIP_SRAM_AT
    if address - _USB >= 0 and address - _USB < _USB_SIZE:
        return address - _USB + USB_DPRAM_AT
    return np.int64(-1)


def addresses_of(places: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The reverse of `place`, for the address by which a memory is known first."""
    bounds = (ROM_AT, XIP_SRAM_AT, USB_DPRAM_AT, FLASH_AT)
    bases: npt.NDArray[np.int64] = np.array(
        [
            *(_SRAM - SRAM_AT, _ROM - ROM_AT, _XIP_SRAM - XIP_SRAM_AT),
            *(_USB - USB_DPRAM_AT, _FLASH - FLASH_AT),
        ]
    )
    of_each: npt.NDArray[np.int64] = bases[np.searchsorted(bounds, places, side="right")]
    return places + of_each


def memory_end(at: int) -> int:
    """Where the memory ends that holds a place."""
    ends = (ROM_AT, XIP_SRAM_AT, USB_DPRAM_AT, FLASH_AT, MEMORY_SIZE)
    return next(end for end in ends if at < end)
