"""Which files a command reads and writes: no command writes over its own, whatever it does."""

from __future__ import annotations

from argparse import ArgumentTypeError, Namespace
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PosixPath

from priot.experiments.errors import UserError
from priot.experiments.output import (
    STANDARD_OUTPUT,
    StandardOutput,
    check_distinct,
    check_folder,
    check_writable,
)

STANDARD_INPUT = Path("-")


class InputFile(PosixPath):
    """A file that a command reads: the type of every option that names one."""


class OutputFile(PosixPath):
    """A file that a command writes, or goes on with."""


class RunsFile(OutputFile):
    """One that finished runs are added to, and only where some are missing."""


def output_or_dash(text: str) -> Path:
    """The type of every option that names a file to write, or STANDARD_OUTPUT."""
    return STANDARD_OUTPUT if text == str(STANDARD_OUTPUT) else OutputFile(text)


def output_file(text: str) -> OutputFile:
    """The same of a file that no stream can stand for."""
    return OutputFile(_no_dash(text))


def runs_file(text: str) -> RunsFile:
    """The type of an option that names a file of finished runs."""
    return RunsFile(_no_dash(text))


def _no_dash(text: str) -> str:
    if text == str(STANDARD_OUTPUT):
        raise ArgumentTypeError("this needs a file, and cannot go to the standard output")
    return text


def input_or_dash(text: str) -> Path:
    """The type of an option that names a file to read, or STANDARD_INPUT."""
    return STANDARD_INPUT if text == str(STANDARD_INPUT) else InputFile(text)


@dataclass(frozen=True)
class Files:
    """What a command reads and writes beside the files that its options name."""

    read: Sequence[Path] = ()
    written: Sequence[Path] = ()


def check_named(options: Namespace) -> None:
    """Refuse files that options name: one for two uses, or one that could not be written.

    Their folders have to be there.

    Raises:
        UserError: as ``check_distinct`` and ``check_writable`` do, and for two results on the
            standard output.
    """
    on_output = [f"--{name} -" for name in results_on_output(options)]
    if len(on_output) > 1:
        raise UserError(f"{' and '.join(on_output)}: one of them can have the standard output")
    named = _named(options, OutputFile)
    check_distinct(named, _named(options, InputFile))
    for path in named:
        check_folder(path)
    _check_writable(named)


def check_files(options: Namespace, implied: Files) -> None:
    """Refuse a command that would write over one of its own files, or could not write one.

    Folders of implied files are made; options have been through ``check_named``.

    Raises:
        UserError: as ``check_distinct`` and ``check_writable`` do.
    """
    named = _named(options, OutputFile)
    check_distinct([*named, *implied.written], [*_named(options, InputFile), *implied.read])
    _check_writable(implied.written)


def _check_writable(paths: Iterable[Path]) -> None:
    """All but files of runs, which are written only where some are missing."""
    check_writable(*(path for path in paths if not isinstance(path, RunsFile)))


def _named(options: Namespace, kind: type[Path]) -> list[Path]:
    """Files of one kind that options name, once or several times."""
    values = [
        value
        for option in vars(options).values()
        for value in (option if isinstance(option, list) else [option])
    ]
    return [value for value in values if isinstance(value, kind)]


def results_on_output(options: Namespace) -> list[str]:
    """Options that name the standard output for their one result."""
    return [name for name, value in vars(options).items() if isinstance(value, StandardOutput)]
