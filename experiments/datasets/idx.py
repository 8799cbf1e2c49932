"""IDX, the file format of MNIST: a four-byte magic, one big-endian size per dimension, the data.

Source: "The IDX file format", Y. LeCun, C. Cortes and C. J. C. Burges, *The MNIST database of
handwritten digits*.
"""

import gzip
import io
import math
import struct
import zlib

import numpy as np
import numpy.typing as npt

from priot.experiments.errors import UserError
from priot.experiments.limits import DATA_FILE

_GZIP_MAGIC = b"\x1f\x8b"
_UNSIGNED_BYTE = 0x08


def parse_idx(content: bytes, dimensions: int, name: str) -> npt.NDArray[np.uint8]:
    """Decode an IDX file of unsigned bytes, gzipped or plain (told apart by content).

    Args:
        content: the whole file.
        dimensions: the number of dimensions the array must have (1 for labels, 3 for images).
        name: what errors call the file.

    Returns:
        A read-only uint8 array of ``dimensions`` dimensions, none of them empty.

    Raises:
        UserError: the file is damaged, or holds anything but such an array.
    """
    raw = _gunzip(content, dimensions, name) if content.startswith(_GZIP_MAGIC) else content

    magic = bytes((0, 0, _UNSIGNED_BYTE, dimensions))
    if raw[:4] != magic:
        raise UserError(
            f"{name}: not an IDX file of unsigned bytes in {dimensions} dimension(s): it starts "
            f"with {raw[:4].hex() or 'nothing'}, not {magic.hex()}; fetch the original file again"
        )
    start = 4 + 4 * dimensions
    if len(raw) < start:
        raise UserError(f"{name}: ends within its header; fetch the original file again")
    shape = struct.unpack_from(f">{dimensions}I", raw, 4)
    expected = math.prod(shape)
    if expected == 0:
        raise UserError(f"{name}: holds no data (shape {shape}); fetch the original file again")
    found = len(raw) - start
    if found != expected:
        raise UserError(
            f"{name}: its header promises {expected:,} bytes of data (shape {shape}), but "
            f"{found:,}{' or more' * (found > expected)} follow; fetch the original file again"
        )
    return np.frombuffer(raw, np.uint8, offset=start).reshape(shape)


def _gunzip(content: bytes, dimensions: int, name: str) -> bytes:
    """What is packed, but no more than a byte beyond what its header promises."""
    try:
        with gzip.open(io.BytesIO(content)) as file:
            header = file.read(4 + 4 * dimensions)
            if len(header) < 4 + 4 * dimensions:
                return header
            promised = math.prod(struct.unpack_from(f">{dimensions}I", header, 4))
            if promised > DATA_FILE:
                raise UserError(
                    f"{name}: promises {promised:,} bytes of data, more than the {DATA_FILE:,} "
                    "that are read; fetch the original file again"
                )
            return header + file.read(promised + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(
            f"{name}: damaged gzip file ({error}); fetch the original file again"
        ) from error
