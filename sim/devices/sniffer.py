"""The sniffer: checksums of what one channel moves. RP2040 datasheet, 2.5.5.2.

Bits come highest first, with reversed data lowest first: of a wider transfer from the top of the
word, or from its bottom, which is the order of memory (pico-feedback issue 247).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from priot.sim.cpu.native import native

_CRC32, _CRC32R, _CRC16, _CRC16R, _EVEN, _SUM = 0, 1, 2, 3, 14, 15  # CALC
_BSWAP = 1 << 9
_WORD = 0xFFFF_FFFF


@native
def swapped(value: Any, size: Any) -> Any:
    """The bytes of a transfer in the other order."""
    if size == 4:
        value = value >> 16 & 0xFFFF | value << 16 & 0xFFFF_0000
        return value >> 8 & 0x00FF_00FF | value << 8 & 0xFF00_FF00
    return (value >> 8 | value << 8) & 0xFFFF if size == 2 else value


@native
def _crc(register: Any, data: Any, bits: Any, width: Any, polynomial: Any, is_reversed: Any) -> Any:
    top = np.int64(1) << width - 1
    for number in range(bits):
        bit = data >> (number if is_reversed else bits - 1 - number) & 1
        feedback = (register & top != 0) != (bit != 0)
        register = register << 1 & (top << 1) - 1
        if feedback:
            register ^= polynomial
    return register


@native
def sniffed(control: Any, before: Any, value: Any, size: Any) -> Any:
    """SNIFF_DATA after a transfer of `size` bytes."""
    if control & _BSWAP:
        value = swapped(value, size)
    calculation = control >> 5 & 15
    if calculation in (_CRC32, _CRC32R):
        return _crc(before, value, 8 * size, 32, 0x04C1_1DB7, calculation == _CRC32R)
    if calculation in (_CRC16, _CRC16R):
        low = _crc(before & 0xFFFF, value, 8 * size, 16, 0x1021, calculation == _CRC16R)
        return before & 0xFFFF_0000 | low
    if calculation == _EVEN:
        parity = value
        for shift in (16, 8, 4, 2, 1):
            parity ^= parity >> shift
        return before ^ parity & 1
    return before + value & _WORD if calculation == _SUM else before
