"""How figures look and are written: for an IEEE paper, readable in grey, byte-stable."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from matplotlib import style
from matplotlib.figure import Figure

COLUMN_INCHES = 3.5
"""Width of one column of an IEEE Transactions page."""

PAGE_INCHES = 7.16
"""Width of both columns of an IEEE Transactions page."""

SHADES = ("#1f3d5c", "#5f8fb8", "#b3cde0", "#e8eff5")
"""Fills from dark to light: their order survives a print in grey."""

ACCENT = "#b3402e"
"""For the one line that must not be missed."""

_RC: dict[str, Any] = {
    "font.family": "STIXGeneral",  # the Times-like face that comes with Matplotlib
    "mathtext.fontset": "stix",
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "#d9d9d9",
    "grid.linewidth": 0.4,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "patch.linewidth": 0.5,
    "savefig.dpi": 300,
    "pdf.fonttype": 42,  # embed TrueType outlines, as publishers ask
    "svg.hashsalt": "priot",  # element names no longer drawn at random
}

# Whatever would change from one drawing to the next, or with the program that draws.
_METADATA: dict[str, dict[str, Any]] = {
    ".pdf": {"CreationDate": None},
    ".png": {"Software": None},
    ".svg": {"Date": None},
}

FORMATS = tuple(_METADATA)
"""Suffixes of the files that a figure can be written to."""


@contextmanager
def paper_style() -> Iterator[None]:
    """Within it the paper's settings hold, whatever the user's own Matplotlib settings are."""
    with style.context(["default", _RC]):
        yield


def save(figure: Figure, path: Path) -> None:
    """Write a figure in the format of ``path``'s suffix; call it within ``paper_style()``.

    The same figure gives the same bytes. It is written under a temporary name in the same folder
    and renamed, so that ``path`` never holds half a figure.

    Raises:
        ValueError: the suffix is none of ``.pdf``, ``.png`` and ``.svg``.
        OSError: the folder is missing or cannot be written to.
    """
    if path.suffix not in FORMATS:
        raise ValueError(f"{path}: a figure's name must end in one of {', '.join(FORMATS)}")
    part = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        figure.savefig(part, metadata=_METADATA[path.suffix])
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
