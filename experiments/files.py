"""Which files a command reads and writes: no command writes over its own, whatever it does."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PosixPath

from experiments.output import check_distinct, check_writable

STANDARD_OUTPUT = STANDARD_INPUT = Path("-")


class InputFile(PosixPath):
    """A file that a command reads: the type of every option that names one."""


class OutputFile(PosixPath):
    """A file that a command writes, or goes on with: the type of every option that names one."""


class RunsFile(OutputFile):
    """One that finished runs are added to, and only where some are missing."""


def output_or_dash(text: str) -> Path:
    """The type of an option that names a file to write, or STANDARD_OUTPUT."""
    return STANDARD_OUTPUT if text == str(STANDARD_OUTPUT) else OutputFile(text)


def input_or_dash(text: str) -> Path:
    """The type of an option that names a file to read, or STANDARD_INPUT."""
    return STANDARD_INPUT if text == str(STANDARD_INPUT) else InputFile(text)


@dataclass(frozen=True)
class Files:
    """What a command reads and writes beside the files that its options name."""

    read: Sequence[Path] = ()
    written: Sequence[Path] = ()


def check_files(options: Namespace, implied: Files) -> None:
    """Refuse a command that would write over one of its own files, or could not write one.

    Raises:
        UserError: as ``check_distinct`` and ``check_writable`` do.
    """
    values = [
        value
        for option in vars(options).values()
        for value in (option if isinstance(option, list) else [option])
    ]
    read = [value for value in values if isinstance(value, InputFile)]
    written: list[Path] = [value for value in values if isinstance(value, OutputFile)]
    written += implied.written
    check_distinct(written, [*read, *implied.read])
    check_writable(*(path for path in written if not isinstance(path, RunsFile)))
