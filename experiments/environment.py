"""What a record says about the software and the machine it was made with."""

from __future__ import annotations

import hashlib
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from priot import __version__
from priot.experiments.errors import UserError
from priot.sim.limits import PROGRAM_FILE
from priot.sim.reading import read_file


@cache
def environment(elf: Path | None = None) -> dict[str, str]:
    """Versions of everything that could change a result, and the machine's kind.

    Args:
        elf: the firmware, where some was run.

    Raises:
        UserError: when it cannot be read.
    """
    packages = ("numpy", "numba", "unicorn", "pillow")
    return {
        "priot": __version__,
        **{package: version(package) for package in packages},
        **_version_of_pytorch(),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        **({} if elf is None else {"trainer_elf_sha256": sha256_of(elf)}),
    }


def _version_of_pytorch() -> dict[str, str]:
    # Where it is installed, large networks use its products of int8.
    try:
        return {"torch": version("torch")}
    except PackageNotFoundError:
        return {}


def sha256_of(elf: Path) -> str:
    """Hash of a build of the trainer. Raises UserError when it cannot be read."""
    try:
        content = read_file(elf, PROGRAM_FILE)
    except OSError as error:
        raise UserError(
            f"{elf}: cannot be read ({error.strerror}); name a build of the trainer"
        ) from error
    return hashlib.sha256(content).hexdigest()
