"""What a record says about the software and the machine it was made with."""

from __future__ import annotations

import hashlib
import platform
from functools import cache
from importlib.metadata import version
from pathlib import Path

import firmware_elf
from experiments.errors import UserError


@cache
def environment(elf: Path | None = None) -> dict[str, str]:
    """Versions of everything that could change a result, the firmware and the machine's kind.

    Raises:
        UserError: when the firmware cannot be read.
    """
    program = elf or firmware_elf.TRAINER
    try:
        content = program.read_bytes()
    except OSError as error:
        raise UserError(
            f"{program}: cannot be read ({error.strerror}); name a build of the trainer"
        ) from error
    packages = ("priot", "numpy", "numba", "unicorn", "pillow")
    return {
        **{package: version(package) for package in packages},
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "trainer_elf_sha256": hashlib.sha256(content).hexdigest(),
    }
