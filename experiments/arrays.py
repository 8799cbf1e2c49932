"""Arrays in .npz files, read without trust: no pickles, no header evaluated, no bomb unpacked.

The format is a ZIP archive of .npy files (NumPy, *NEP 1*); we read what `numpy.savez` writes.
"""

from __future__ import annotations

import io
import math
import re
import zipfile
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from priot.experiments.limits import ARRAYS

_HEADER = re.compile(
    rb"\{'descr': '([|<]\w{1,12})', 'fortran_order': False, 'shape': \(([\d, ]{0,200})\), \} *\n"
)
_MAGIC = b"\x93NUMPY\x01\x00"  # version 1.0: two bytes of length follow, and the header
_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENTRY = b"PK\1\2"  # begins each entry of a ZIP archive's directory
_MOST_HEADER = len(_MAGIC) + 2 + (1 << 16)


class ArraysError(ValueError):
    """The archive is damaged, or holds other arrays; the message says what and no more."""


def read_arrays(
    content: bytes, wanted: Mapping[str, tuple[int, ...]]
) -> dict[str, NDArray[np.int8]]:
    """The int8 arrays of an .npz file, of the shapes that they have to have.

    Nothing larger than these is unpacked.

    Raises:
        ArraysError: one is missing, damaged, or of another type or shape.
    """
    arrays = {}
    with _opened(content) as archive:
        for name in wanted:
            _entry_of(archive, name)
        for name, shape in wanted.items():
            kind, found, data = _member(archive, name, math.prod(shape))
            if (kind, found) != ("|i1", shape):
                raise ArraysError(f"{name} is {kind} {found}, not int8 {shape}")
            arrays[name] = np.frombuffer(data, np.int8).reshape(shape).copy()
    return arrays


def read_text(content: bytes, name: str, most: int) -> str:
    """A text of at most ``most`` characters that is kept as an array without dimensions.

    Raises:
        ArraysError: it is missing or damaged, is longer or something else.
    """
    with _opened(content) as archive:
        kind, shape, data = _member(archive, name, 4 * most)
    if kind[:2] != "<U" or shape:
        raise ArraysError(f"{name} is no text")
    try:
        return data.decode("utf-32-le").rstrip("\0")
    except UnicodeDecodeError as error:
        raise ArraysError(f"{name} is no text") from error


def _opened(content: bytes) -> zipfile.ZipFile:
    if content.count(_ENTRY) > ARRAYS:  # `zipfile` would make an object of each
        raise ArraysError(f"it has more than {ARRAYS:,} entries")
    try:
        return zipfile.ZipFile(io.BytesIO(content))
    except Exception as error:  # a damaged archive can raise anything
        raise ArraysError("it is damaged") from error


def _entry_of(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    try:
        return archive.getinfo(f"{name}.npy")
    except KeyError as error:
        raise ArraysError(f"it lacks {name}") from error


def _member(archive: zipfile.ZipFile, name: str, most: int) -> tuple[str, tuple[int, ...], bytes]:
    """Type, shape and data, of ``most`` bytes or fewer."""
    member = _entry_of(archive, name)
    if member.compress_type not in _PACKED:
        raise ArraysError(f"{name} is packed in a way that NumPy does not use")
    try:
        with archive.open(member) as file:
            raw = file.read(_MOST_HEADER + most + 1)
            rest = file.read(1)  # at the end the checksum is looked at
    except Exception as error:  # a damaged archive can raise anything
        raise ArraysError(f"{name} is damaged") from error
    start = len(_MAGIC) + 2
    size = int.from_bytes(raw[len(_MAGIC) : start], "little")
    header = _HEADER.fullmatch(raw[start : start + size])
    if not raw.startswith(_MAGIC) or header is None:
        raise ArraysError(f"{name} is no array of NumPy's, or an array of objects")
    kind, shape = header[1].decode(), tuple(map(int, re.findall(rb"\d+", header[2])))
    data = raw[start + size :]
    if len(data) > most or rest:
        raise ArraysError(f"{name} {shape} is larger than it should be")
    if len(data) != math.prod(shape) * _size_of(kind):
        raise ArraysError(f"{name} has another size than its header says")
    return kind, shape, data


def _size_of(kind: str) -> int:
    """Bytes of an element, by its type in NumPy's notation: "|i1", "<U12"."""
    number = kind[2:]
    return (4 if kind[1] == "U" else 1) * int(number) if number.isdecimal() else 0
