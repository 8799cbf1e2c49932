"""``priot completion``: completion of commands, options and files for a shell."""

from __future__ import annotations

import argparse
from argparse import Namespace

from priot.experiments.cli.command import Command
from priot.experiments.cli.parser import Parser

SHELLS = ("bash", "zsh", "tcsh")


def _add_options(parser: Parser) -> None:
    parser.add_argument("shell", choices=SHELLS, help="whose language to write")


def _run(options: Namespace) -> None:
    import shtab

    from priot.experiments.cli.help import parser

    everything = parser()
    for action in _actions(everything):
        if isinstance(action, argparse._SubParsersAction):
            action.help = "a command"  # what help hides, shtab leaves out
        elif action.metavar in ("FILE", "CONFIG", "A", "B"):
            action.complete = shtab.FILE  # type: ignore[attr-defined]  # shtab's own attribute
        elif action.metavar == "DIR":
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
    print(shtab.complete(everything, options.shell))


def _actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """Of a parser and of all below it."""
    found = list(parser._actions)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found += [inner for below in action.choices.values() for inner in _actions(below)]
    return found


COMMAND = Command(
    "completion",
    "completion of commands, options and files for a shell",
    "Prints what the shell has to read, once for every session.",
    (
        "completion bash > ~/.local/share/bash-completion/completions/priot",
        'completion zsh > "${fpath[1]}/_priot"',
    ),
    _add_options,
    _run,
)
