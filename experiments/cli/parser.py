"""The parser of options: an option once, an error in one line, defaults told by themselves."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn

COLUMNS_OF_NAMES = 24
"""Of help: where what an option means begins."""


class _Once(argparse.Action):
    """An option that is there once: of two values one would be ignored in silence."""

    _given = False

    def __call__(self, parser: Any, namespace: Any, values: Any, option: str | None = None) -> None:
        if self._given and option is not None:
            raise argparse.ArgumentError(self, "is given twice; leave one out")
        self._given = True
        super().__call__(parser, namespace, values, option)


class _StoreOnce(_Once, argparse._StoreAction):
    pass


class _TrueOnce(_Once, argparse._StoreTrueAction):
    pass


class _Help(argparse.HelpFormatter):
    """An option's default stands behind what it means; examples keep their lines."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=COLUMNS_OF_NAMES)

    def _get_help_string(self, action: argparse.Action) -> str:
        told = action.help or ""
        if action.default in (None, False, argparse.SUPPRESS, "", []) or action.nargs == 0:
            return told
        if isinstance(action.default, float):
            return f"{told} ({action.default:g})".lstrip()
        return f"{told} (%(default)s)".lstrip()

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if "\n" in text:
            return text
        return super()._fill_text(text, width, indent)


class Parser(argparse.ArgumentParser):
    """Errors in one line, like those of every command; an option twice is one of them."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"formatter_class": _Help, **settings})
        self.register("action", None, _StoreOnce)
        self.register("action", "store_true", _TrueOnce)

    def error(self, message: str) -> NoReturn:
        """Say in one line what is wrong, and exit with 2."""
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")
