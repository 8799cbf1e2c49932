"""Loads a program from a file, whatever its format."""

from pathlib import Path

from sim.errors import ProgramError
from sim.loading import bin, elf, uf2
from sim.loading.elf import Program

# A program for 2 MB of flash with all its debug information takes far less.
_MAX_FILE_SIZE = 64 * 1024 * 1024


def load_program(path: str | Path, base: int | None = None) -> Program:
    """Read an ELF, UF2 or BIN file; ELF and UF2 are told by their content, BIN by its name.

    Args:
        path: the file.
        base: address that a BIN file is loaded at; None finds it out.

    Raises:
        ProgramError: the file cannot be read, is damaged, or is not made for an RP2040.
    """
    image = _content(path)
    if image.startswith(elf.MAGIC):
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
        with Path(path).open("rb") as file:
            image = file.read(_MAX_FILE_SIZE + 1)
    except OSError as error:
        raise ProgramError(
            f"{path}: cannot be read ({error.strerror or error}); name an ELF, UF2 or BIN file"
        ) from error
    except ValueError as error:  # a path with a zero byte
        raise ProgramError(f"{path!s:.80}: cannot be read ({error})") from error
    if len(image) > _MAX_FILE_SIZE:
        raise ProgramError(
            f"{path}: larger than {_MAX_FILE_SIZE >> 20} MB, no program for an RP2040"
        )
    return image
