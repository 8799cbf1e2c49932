"""Kinds of records: frozen dataclasses with a name and a version, which begin their JSON."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import Field, dataclass, field
from typing import Any, TypeVar

Record = TypeVar("Record")
Scalar = bool | int | float | str | None
_LEFT_OUT = "left out"


@dataclass(frozen=True)
class Kind:
    """The name and version of a record's format."""

    name: str
    version: int
    """It rises when a field goes, comes or means something else."""


_kinds: dict[type[Any], Kind] = {}


def record(name: str, version: int) -> Callable[[type[Record]], type[Record]]:
    """Decorates a frozen dataclass that stands for a whole record."""

    def add(kind: type[Record]) -> type[Record]:
        _kinds[kind] = Kind(name, version)
        return kind

    return add


def kind_of(record: type[Any]) -> Kind | None:
    """The kind of a dataclass; None for a part of a record."""
    return _kinds.get(record)


def head_of(record: type[Any]) -> dict[str, str | int]:
    """Kind and version as JSON has them; nothing for a part of a record."""
    kind = kind_of(record)
    return {} if kind is None else {"kind": kind.name, "version": kind.version}


def left_out() -> Any:
    """A field that JSON does not have where it is None."""
    return field(default=None, metadata={_LEFT_OUT: True})


def is_left_out(one: Field[Any]) -> bool:
    """Whether a field was made by ``left_out``."""
    return _LEFT_OUT in one.metadata
