"""Running a command of priot as a user would, in this process."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from priot.experiments.cli import main
from priot.experiments.code import digest_of, sources_of

PROGRESS = (
    r"^priot: (?!interrupted).*\d of [\d,]+ (runs|images|files|widths)|^compiling for this machine"
)
Refused = Callable[..., str]
"""Runs a command that must be refused without a trace; returns its one line."""


def exit_code(arguments: tuple[object, ...]) -> int:
    try:
        return main([str(argument) for argument in arguments])
    except SystemExit as end:  # how argparse ends
        return end.code


def accuracy_by_epoch(run: Mapping[str, Any]) -> list[float]:
    """In percent, of the record of a training run as JSON has it."""
    return [100 * right / run["configuration"]["test_images"] for right in run["right"]]


def without_progress(messages: str) -> str:
    """What stands on standard error beside how far the command is, which depends on the machine."""
    lines = messages.splitlines(keepends=True)
    return "".join(line for line in lines if not re.search(PROGRESS, line))


def change_digest(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    """As if the source of a module, named below priot, were another."""

    def other(modules: tuple[str, ...]) -> str:
        return "0" * 16 if module in sources_of(modules) else digest_of(modules)

    monkeypatch.setattr("priot.experiments.code.digest_of", other)


def contents(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }
