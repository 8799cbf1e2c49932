"""Records in files: written whole, read strictly, with one clear line for what is no record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

from priot.experiments.environment import environment
from priot.experiments.errors import UserError
from priot.experiments.output import write_json
from priot.experiments.reading import read_json
from priot.experiments.records.reading import RecordError, from_json
from priot.experiments.records.writing import to_json

T = TypeVar("T")


class Environed(Protocol):
    """A record that says what software and machine it was made with."""

    @property
    def environment(self) -> Any:
        """As ``priot.experiments.environment`` tells it."""


OfEnvironment = TypeVar("OfEnvironment", bound=Environed)


def write_record(path: Path, record: Any | Sequence[Any]) -> None:
    """Write a record, or a list of some. Raises UserError as ``write_bytes`` does."""
    write_json(path, to_json(record))


def write_again(path: Path, record: OfEnvironment) -> None:
    """Write a record, and in it the environment that it was found in.

    One that is made again from kept runs keeps the environment it has: nothing was computed in
    this one.

    Raises:
        UserError: when the file cannot be written.
    """
    write_record(path, replace(record, environment=_kept(path, record) or environment()))  # type: ignore[type-var]  # a dataclass


def _kept(path: Path, record: OfEnvironment) -> Any:
    """The environment of the file, where it is a record that says the same."""
    if not path.is_file():  # a stream would be read instead
        return None
    try:
        there = to_json(from_json(read_json(path), type(record)))
    except (OSError, ValueError):
        return None
    kept = there.pop("environment")
    made = {name: value for name, value in to_json(record).items() if name != "environment"}
    return kept if there == made else None


def read_record(path: Path, *accepted: type[T], otherwise: str = "name another record") -> T:
    """The one record of a JSON file, which must be of one of some kinds.

    Args:
        otherwise: what to do where it cannot be used.

    Raises:
        UserError: it cannot be read, is no record of these kinds, or of another version.
    """
    try:
        return from_json(read_json(path), *accepted)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); {otherwise}") from error
    except RecordError as error:
        raise UserError(f"{path}: not the record that is needed ({error}); {otherwise}") from error
    except ValueError as error:
        raise UserError(f"{path}: not JSON ({error}); {otherwise}") from error
