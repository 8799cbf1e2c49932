"""The files that a figure can be written to; this loads no library that draws."""

from typing import Any

# Whatever would change from one drawing to the next, or with the program that draws.
METADATA: dict[str, dict[str, Any]] = {
    ".pdf": {"CreationDate": None},
    ".png": {"Software": None},
    ".svg": {"Date": None},
}

FORMATS = tuple(METADATA)
"""Suffixes of the files."""
