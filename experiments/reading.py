"""Reads JSON that users name: bounded, with numbers and nesting that everything can work with."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, NoReturn

from priot.experiments.limits import JSON_FILE
from priot.sim.reading import read_file


def read_json(path: Path) -> Any:
    """What a JSON file holds.

    Raises:
        OSError: it cannot be read, or is too large.
        ValueError: it is not JSON, holds what is no finite number or a whole one of more than 64
            bits, or nests too deep.
    """
    return parse_json(read_file(path, JSON_FILE))


def parse_json(content: bytes) -> Any:
    """The value in UTF-8 text. Raises ValueError as ``read_json`` does."""
    try:
        text = content.decode()
        return json.loads(text, parse_constant=_refuse, parse_float=_finite, parse_int=_whole)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        _refuse(text)
    return value


def _whole(text: str) -> int:
    """Of 64 bits, with a sign or without: what is larger has no quotient, no text and no use."""
    value = int(text)
    if not -(1 << 63) <= value < 1 << 64:
        raise ValueError(f"{text:.20}... is a whole number of more than 64 bits")
    return value


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text:.20} is no finite number")
