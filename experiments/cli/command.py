"""What a command is: its options, its help, and its function."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from priot.experiments.cli.parser import Parser
from priot.experiments.files import Files


def _nothing_to_check(_: Namespace) -> None:
    pass


def _all_are_named(_: Namespace) -> Files:
    return Files()


@dataclass(frozen=True)
class Command:
    """A command of priot; ``priot.experiments.cli.registry`` lists all of them."""

    name: str
    summary: str
    """One line for ``priot --help``."""
    description: str
    examples: Sequence[str]
    """Command lines without the word priot."""
    add_options: Callable[[Parser], None]
    run: Callable[[Namespace], int | None]
    """Its work, after all checks; imports it. Returns the exit code, None for 0.

    What options, files or sizes make impossible is refused before anything is computed or written.
    """
    check: Callable[[Namespace], None] = _nothing_to_check
    """Refuses at once what options alone tell, and loads nothing for it. Raises UserError."""
    implied_files: Callable[[Namespace], Files] = _all_are_named
    """Files that it reads and writes beside those that options name."""
    tells_on_output: bool = True
    """Whether it prints for its user; what is not its result goes to standard error then."""
