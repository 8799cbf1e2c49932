"""Limits of what files and programs may make this computer do: all that `sim` has.

None is in the way of a program for a Pico. docs/reliability.md lists them for users.
"""

MEGABYTE = 1 << 20

PROGRAM_FILE = 64 * MEGABYTE
"""An ELF, UF2 or BIN file. One for 2 MB of flash with all its debug information takes far less."""

DEBUG_SECTION = 64 * MEGABYTE
"""A section of debug information once it is unpacked: of a program, not of a bomb."""

SYMBOLS = 200_000
"""Symbols of a program: as many as 2 MB of flash have functions of 10 bytes."""

SYMBOL_NAME = 16 * 1024
"""Bytes of a name; mangled ones of C++ templates take thousands."""

SYMBOL_NAMES = 32 * MEGABYTE
"""Bytes of all names together, which may share their text in the file."""

SECTIONS = 10_000
"""Entries of an ELF file's tables: a section for each function of a large program."""

SOURCE_LINES = 2_000_000
"""Rows of all line tables: two for each halfword of flash."""

PIPE_SECONDS = 10.0
"""How long a pipe or device that is read as a file may give nothing."""

OUTPUT_MEGABYTES = 256
"""What a program may write to its console before the run ends (`priot run --output-limit`)."""

OUTPUT_KEPT = 1 * MEGABYTE
"""Bytes of a program's output that its record keeps, from the first on."""

FILES_MEGABYTES = 64
"""What a program may write into files by semihosting (`priot run --files-limit`)."""

FILES_MADE = 1_000
"""Files that a program may make by semihosting."""

FILES_OPEN = 32
"""Files that a program may have open at once."""
