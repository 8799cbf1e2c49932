"""Loads a program from a file, whatever its format."""

from pathlib import Path

from priot.sim.errors import ProgramError
from priot.sim.limits import PROGRAM_FILE
from priot.sim.loading import bin, elf_file, uf2
from priot.sim.loading.elf import Program
from priot.sim.reading import read_file


def load_program(path: str | Path, base: int | None = None) -> Program:
    """Read an ELF, UF2 or BIN file; ELF and UF2 are told by their content, BIN by its name.

    Args:
        path: the file.
        base: address that a BIN file is loaded at; None finds it out.

    Raises:
        ProgramError: the file cannot be read, is damaged, or is not made for an RP2040.
    """
    image = _content(path)
    if image.startswith(elf_file.MAGIC):
        return Program.parse(image, str(path))
    if image.startswith(uf2.MAGIC):
        return uf2.parse(image, str(path))
    if Path(path).suffix.lower() == ".bin" or base is not None:
        return bin.parse(image, str(path), base)
    raise ProgramError(
        f"{path}: not an ELF file; give the .elf that the linker wrote, a UF2 file, or a raw "
        "image named .bin"
    )


def _content(path: str | Path) -> bytes:
    try:
        return read_file(path, PROGRAM_FILE)
    except OSError as error:
        raise ProgramError(
            f"{path!s:.200}: cannot be read ({error.strerror or error}); name an ELF, UF2 or BIN "
            "file"
        ) from error
