"""Reads JSON that users name: bounded, and no number or nesting in it is anything but an error."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, NoReturn

from experiments.limits import JSON_FILE
from sim.reading import read_file


def read_json(path: Path) -> Any:
    """What a JSON file holds.

    Raises:
        OSError: it cannot be read, or is too large.
        ValueError: it is not JSON, holds what is no finite number, or nests too deep.
    """
    return parse_json(read_file(path, JSON_FILE))


def parse_json(content: bytes) -> Any:
    """The value in UTF-8 text. Raises ValueError as ``read_json`` does."""
    try:
        return json.loads(content.decode(), parse_constant=_refuse, parse_float=_finite)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        _refuse(text)
    return value


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text:.20} is no finite number")
