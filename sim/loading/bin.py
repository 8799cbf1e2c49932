"""Reads a raw image, a BIN file: bytes without an address, a symbol or a check."""

from priot.sim.errors import BinError
from priot.sim.loading.elf import Program, Section, Segment
from priot.sim.memory_map import FLASH, SRAM, region_of

# RP2040 datasheet 2.8.1.3.1: the vector table follows the 256 bytes of the second stage in flash.
# The Pico SDK leaves the same room for the entry of an image for SRAM.
_VECTOR_TABLES = (0x100, 0)


def parse(image: bytes, path: str = "<bytes>", base: int | None = None) -> Program:
    """Wrap a raw image; it is for flash unless its vector table points into SRAM.

    Args:
        image: the bytes.
        path: what messages call them.
        base: address of the first byte; None finds it out.

    Raises:
        BinError: it is empty or larger than its memory.
    """
    if not image:
        raise BinError(f"{path}: empty; give the image that objcopy wrote")
    address = _base_of(image) if base is None else base
    if region_of(address, len(image)) is None:
        raise BinError(
            f"{path}: {len(image)} bytes from {address:#010x} on do not fit into the RP2040's "
            "flash or SRAM; is it a program image?"
        )
    return Program(
        path=path,
        entry=address,
        segments=(Segment(address, image),),
        sections=(Section(".image", address, len(image), writable=False, executable=True),),
    )


def _base_of(image: bytes) -> int:
    for offset in _VECTOR_TABLES:
        if len(image) < offset + 8:
            continue
        sp = int.from_bytes(image[offset : offset + 4], "little")
        reset = int.from_bytes(image[offset + 4 : offset + 8], "little")
        plausible = SRAM.base < sp <= SRAM.end and sp % 4 == 0 and reset & 1
        if plausible and SRAM.base <= reset < SRAM.base + len(image):
            return SRAM.base
    return FLASH.base
