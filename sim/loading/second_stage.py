"""The second stage of booting: the first 256 bytes of flash. RP2040 datasheet, 2.8.1.3.1.

The boot ROM copies it to the end of SRAM and, if its checksum is right, calls it. It sets up the
serial interface so that flash can be executed in place.
"""

SIZE = 0x100
COPIED_TO = 0x2004_1F00
_CHECKED = SIZE - 4
_POLYNOMIAL, _WORD = 0x04C1_1DB7, 0xFFFF_FFFF


def is_second_stage(data: bytes) -> bool:
    """Whether the boot ROM would run these bytes."""
    return len(data) == SIZE and checksum(data[:_CHECKED]) == int.from_bytes(
        data[_CHECKED:], "little"
    )


def checksum(data: bytes) -> int:
    """CRC-32, bits from the top down, from all ones."""
    remainder = _WORD
    for byte in data:
        remainder ^= byte << 24
        for _ in range(8):
            remainder = remainder << 1 ^ (_POLYNOMIAL if remainder >> 31 else 0)
            remainder &= _WORD
    return remainder
