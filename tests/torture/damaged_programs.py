"""Damaged program files: seeded, so that what fails once fails again."""

import random
import struct
from collections.abc import Callable

_EXTREMES_32 = (0, 1, 2, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFC, 0xFFFF_FFFF, 0x2000_0001)
_EXTREMES_16 = (0, 1, 0x7FFF, 0x8000, 0xFF00, 0xFFFF)
_UF2_BLOCK = 512


def _flip_bits(image: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 2, 8, 64))):
        image[rng.randrange(len(image))] ^= 1 << rng.randrange(8)


def _cut(image: bytearray, rng: random.Random) -> None:
    if rng.random() < 0.5:
        del image[rng.randrange(len(image)) :]
    else:
        start = rng.randrange(len(image))
        del image[start : start + rng.randrange(1, 64)]


def _repeat(image: bytearray, rng: random.Random) -> None:
    start = rng.randrange(len(image))
    image[start:start] = image[start : start + rng.randrange(1, 1024)]


def _put(image: bytearray, layout: str, at: int, value: int) -> None:
    if at + struct.calcsize(layout) <= len(image):
        struct.pack_into(layout, image, at, value)


def _elf_field(image: bytearray, rng: random.Random) -> None:
    """An extreme value in the ELF header or in an entry of one of its two tables."""
    segments, sections = struct.unpack_from("<II", image, 28)
    _, segment_size, segment_count, section_size, section_count = struct.unpack_from(
        "<5H", image, 40
    )
    match rng.randrange(3):
        case 0 if rng.random() < 0.5:
            _put(image, "<I", rng.choice((24, 28, 32, 36)), rng.choice(_EXTREMES_32))
        case 0:
            _put(image, "<H", rng.choice(range(40, 52, 2)), rng.choice(_EXTREMES_16))
        case 1:
            at = segments + segment_size * rng.randrange(segment_count)
            _put(image, "<I", at + 4 * rng.randrange(8), rng.choice(_EXTREMES_32))
        case _:
            at = sections + section_size * rng.randrange(section_count)
            _put(image, "<I", at + 4 * rng.randrange(10), rng.choice(_EXTREMES_32))


def _elf_program_header_swap(image: bytearray, rng: random.Random) -> None:
    """Two words anywhere in the tables change places."""
    (segments,) = struct.unpack_from("<I", image, 28)
    words = [segments + 4 * rng.randrange(16) for _ in range(2)]
    values = [image[at : at + 4] for at in words]
    for at, value in zip(words, reversed(values), strict=True):
        image[at : at + 4] = value


def _uf2_field(image: bytearray, rng: random.Random) -> None:
    block = _UF2_BLOCK * rng.randrange(len(image) // _UF2_BLOCK)
    field = rng.choice((*range(0, 32, 4), 508))
    _put(image, "<I", block + field, rng.choice((*_EXTREMES_32, 476, 477, 3)))


def _uf2_swap(image: bytearray, rng: random.Random) -> None:
    """Two blocks change places, or one overwrites another."""
    first, second = (_UF2_BLOCK * rng.randrange(len(image) // _UF2_BLOCK) for _ in range(2))
    kept = image[first : first + _UF2_BLOCK]
    if rng.random() < 0.5:
        image[first : first + _UF2_BLOCK] = image[second : second + _UF2_BLOCK]
    image[second : second + _UF2_BLOCK] = kept


_Damage = Callable[[bytearray, random.Random], None]
_COMMON: tuple[_Damage, ...] = (_flip_bits, _cut, _repeat)
_ELF: tuple[_Damage, ...] = (_elf_field, _elf_field, _elf_program_header_swap)
_UF2: tuple[_Damage, ...] = (_uf2_field, _uf2_field, _uf2_swap)


def damaged(image: bytes, rng: random.Random) -> bytes:
    """A copy with one kind of damage, or two."""
    copy = bytearray(image)
    own = _ELF if image.startswith(b"\x7fELF") else _UF2
    # Fields first: the others move what the headers point at.
    if rng.random() < 0.7:
        rng.choice(own)(copy, rng)
    if copy == image or rng.random() < 0.2:
        rng.choice(_COMMON)(copy, rng)
    return bytes(copy)
