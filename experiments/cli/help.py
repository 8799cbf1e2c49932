"""``priot --help``, ``priot COMMAND --help``, ``priot --version``."""

from __future__ import annotations

import argparse
from typing import Any

from priot import __version__
from priot.experiments.cli.command import Command
from priot.experiments.cli.parser import Parser
from priot.experiments.cli.registry import GROUPS


class _Version(argparse.Action):
    """Prints the version."""

    def __init__(self, option_strings: Any, dest: str, **settings: Any) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, **settings)

    def __call__(self, parser: Any, namespace: Any, values: Any, option: str | None = None) -> None:
        print(f"priot {__version__}")
        parser.exit()


def parser() -> Parser:
    """The parser of all commands; ``command`` is the name of the one that was given."""
    top = Parser(
        prog="priot",
        usage="priot [--help] [--version] COMMAND ...",
        description="Integer-only training on a simulated Pico.",
        epilog=_all_commands(),
    )
    top.add_argument("--version", action=_Version, help="show the version and exit")
    commands = top.add_subparsers(
        dest="command", metavar="COMMAND", required=True, help=argparse.SUPPRESS, prog="priot"
    )
    for group in GROUPS:
        for command in group.commands:
            _add(commands, command)
    return top


def _add(commands: argparse._SubParsersAction[Parser], command: Command) -> None:
    examples = "\n".join(f"  priot {line}" for line in command.examples)
    told = "example" if len(command.examples) == 1 else "examples"
    of_one = commands.add_parser(
        command.name,
        help=command.summary,
        description=command.description,
        epilog=f"{told}:\n{examples}",
    )
    command.add_options(of_one)
    of_one.add_argument("--debug", action="store_true", help="show the traceback of an error")


def _all_commands() -> str:
    width = max(len(command.name) for group in GROUPS for command in group.commands)
    blocks = []
    for group in GROUPS:
        lines = [f"  {command.name:{width}}  {command.summary}" for command in group.commands]
        blocks.append("\n".join([f"{group.title}:", *lines]))
    return "\n\n".join([*blocks, "priot COMMAND --help tells the options of one, with an example."])
