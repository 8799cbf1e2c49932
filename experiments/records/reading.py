"""Records from JSON, read strictly: kind, version, every field and its type have to be right."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from priot.experiments.records.kinds import Kind, is_left_out, kind_of

T = TypeVar("T")
Parse = Callable[[Any], Any]


class RecordError(ValueError):
    """A value is not the record that was expected; the message says where, and why."""

    def within(self, place: str) -> RecordError:
        """The same, seen from one level further out."""
        return type(self)(f"{place}: {self}")


class VersionError(RecordError):
    """It is a record, but of a format that this priot does not read."""


def from_json(value: Any, *accepted: type[T]) -> T:
    """The record in what a JSON file holds, which must be of one of some kinds.

    Raises:
        VersionError: it was written by an older or newer priot.
        RecordError: it is something else.
    """
    if not isinstance(value, dict):
        raise RecordError("not a record")
    wanted = {kind.name: one for one in accepted if (kind := kind_of(one)) is not None}
    name = value.get("kind")
    if "kind" not in value or "version" not in value:
        raise VersionError("it names no kind and version: an older priot wrote it, if any")
    if name not in wanted:
        raise RecordError(f"its kind is {name!r:.40}, not {' or '.join(wanted)}")
    return parse(wanted[name], value)


def parse(wanted: type[T], value: Any) -> T:
    """A value as a dataclass, its head checked where it has a kind. Raises as ``from_json``."""
    found: T = _parser_of(wanted)(value)  # type: ignore[arg-type]  # classes can be hashed
    return found


@cache
def _parser_of(hint: Any) -> Parse:
    """What checks a value against a type and makes the one of the other."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any:
        return lambda value: value
    if is_dataclass(hint):
        return _dataclass_parser(hint)  # type: ignore[arg-type]  # a class, not one of its values
    if origin in (Union, types.UnionType):
        return _choice_parser(tuple(map(_parser_of, inner)))
    if origin is Literal:
        return _literal_parser(inner)
    if origin is tuple:
        return _list_parser(inner)
    if origin in (Mapping, dict):
        return _mapping_parser(_parser_of(inner[1]))
    if origin is not None or hint not in _TOLD:
        raise TypeError(f"{hint} is no type of a record's fields")
    return _plain_parser((float, int) if hint is float else (hint,), _TOLD[hint])


_TOLD = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    types.NoneType: "null",
}


def _plain_parser(kinds: tuple[type, ...], told: str) -> Parse:
    def plain(value: Any) -> Any:
        if type(value) not in kinds:
            raise RecordError(f"{value!r:.40} is not {told}")
        return value

    return plain


def _literal_parser(values: tuple[Any, ...]) -> Parse:
    def literal(value: Any) -> Any:
        if value not in values:
            raise RecordError(f"{value!r:.40} is none of {', '.join(map(str, values))}")
        return value

    return literal


def _choice_parser(parsers: tuple[Parse, ...]) -> Parse:
    def choice(value: Any) -> Any:
        told = []
        for parser in parsers:
            try:
                return parser(value)
            except RecordError as error:
                told.append(error)
        raise next((error for error in told if isinstance(error, VersionError)), told[0])

    return choice


def _list_parser(inner: tuple[Any, ...]) -> Parse:
    """Of ``tuple[X, ...]``, or of a tuple of a fixed length."""
    endless = inner[-1] is Ellipsis
    parsers = [_parser_of(one) for one in inner if one is not Ellipsis]

    def sequence(value: Any) -> tuple[Any, ...]:
        if type(value) is not list or not (endless or len(value) == len(parsers)):
            raise RecordError(f"{value!r:.40} is not a list of this length")
        each = parsers * len(value) if endless else parsers
        return tuple(
            _within(str(number), parser, one)
            for number, (parser, one) in enumerate(zip(each, value, strict=True))
        )

    return sequence


def _mapping_parser(parser: Parse) -> Parse:
    def mapping(value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise RecordError(f"{value!r:.40} is not an object")
        return {name: _within(name, parser, one) for name, one in value.items()}

    return mapping


def _dataclass_parser(wanted: type[Any]) -> Parse:
    kind, hints = kind_of(wanted), get_type_hints(wanted)
    parsers = {one.name: _parser_of(hints[one.name]) for one in fields(wanted)}
    needed = {one.name for one in fields(wanted) if not is_left_out(one)}
    head = set() if kind is None else {"kind", "version"}

    def whole(value: Any) -> Any:
        if type(value) is not dict:
            raise RecordError(f"{value!r:.40} is not an object")
        if kind is not None:
            _check_head(kind, value)
        for name in sorted(needed - value.keys()):
            raise RecordError(f"it lacks {name}")
        for name in sorted(value.keys() - parsers.keys() - head):
            raise RecordError(f"it has {name!r:.40}, which is no field of it")
        given = {name: _within(name, parsers[name], value[name]) for name in value.keys() - head}
        return wanted(**given)

    return whole


def _check_head(kind: Kind, value: dict[str, Any]) -> None:
    name, version = value.get("kind"), value.get("version")
    if name != kind.name:
        raise RecordError(f"its kind is {name!r:.40}, not {kind.name}")
    if type(version) is not int or version != kind.version:
        age = "a newer" if type(version) is int and version > kind.version else "an older"
        raise VersionError(
            f"it is version {version!r:.20} of {kind.name}, of {age} priot; this one reads version "
            f"{kind.version}"
        )


def _within(place: str, parser: Parse, value: Any) -> Any:
    try:
        return parser(value)
    except RecordError as error:
        raise error.within(place) from None
