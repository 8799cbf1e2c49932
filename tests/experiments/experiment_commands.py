"""Running a command of priot as a user would, in this process."""

from collections.abc import Callable
from pathlib import Path

from experiments.cli import main

Refused = Callable[..., str]
"""Runs a command that must be refused without a trace; returns its one line."""


def exit_code(arguments: tuple[object, ...]) -> int:
    try:
        return main([str(argument) for argument in arguments])
    except SystemExit as end:  # how argparse ends
        return end.code


def contents(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }
