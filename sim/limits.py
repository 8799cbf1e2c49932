"""Limits of what files and programs may make this computer do: all that `sim` has.

None is in the way of a program for a Pico. docs/reliability.md lists them for users.
"""

MEGABYTE = 1 << 20

PROGRAM_FILE = 64 * MEGABYTE
"""An ELF, UF2 or BIN file. One for 2 MB of flash with all its debug information takes far less."""

DEBUG_SECTION = 16 * MEGABYTE
"""The line tables of a program, and other debug information where it is compressed."""

SYMBOLS = 200_000
"""Symbols of a program: as many as 2 MB of flash have functions of 10 bytes."""

SYMBOL_NAME = 16 * 1024
"""Bytes of a name; mangled ones of C++ templates take thousands."""

SYMBOL_NAMES = 32 * MEGABYTE
"""Bytes of all names together, which may share their text in the file."""

SECTIONS = 10_000
"""Entries of an ELF file's tables: a section for each function of a large program."""

SOURCE_LINES = 1_000_000
"""Rows of all line tables: one for each halfword of flash."""

SOURCE_NAME = 4096
"""Bytes of a source file's name: PATH_MAX of Linux."""

SOURCE_NAMES = 32 * MEGABYTE
"""Bytes of the names of all source files."""

PIPE_SECONDS = 10.0
"""How long a pipe or device that is read as a file may give nothing."""

AFTER_END_MS = 1000
"""Simulated time for what goes on when one core is at its end: 11,500 characters by UART."""

OUTPUT_MEGABYTES = 256
"""What a program may write to its console before the run ends (`priot run --output-limit`)."""

OUTPUT_KEPT = 1 * MEGABYTE
"""Bytes of a program's output that its record keeps, from the first on."""

FILES_MEGABYTES = 64
"""What a program may write into files by semihosting (`priot run --files-limit`)."""

FILE_BYTES = 4096
"""What a new file counts as, beside its content: it takes room of the disk though it be empty."""

HANDLES = 64
"""Files and consoles that a program may have open at once by semihosting."""

STRING = 64 * 1024
"""Bytes of a string that a program writes by semihosting, until it counts as one without end."""
