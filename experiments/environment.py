"""What a record says about the software and the machine it was made with."""

from __future__ import annotations

import hashlib
import platform
from functools import cache
from importlib.metadata import version
from pathlib import Path

import firmware_elf


@cache
def environment(elf: Path | None = None) -> dict[str, str]:
    """Versions of everything that could change a result, the firmware and the machine's kind."""
    packages = ("priot", "numpy", "numba", "unicorn", "pillow")
    return {
        **{package: version(package) for package in packages},
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "trainer_elf_sha256": hashlib.sha256(
            (elf or firmware_elf.TRAINER).read_bytes()
        ).hexdigest(),
    }
