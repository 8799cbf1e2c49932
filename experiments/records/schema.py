"""The JSON Schema of every record, made from their types: docs/records.schema.json.

    python -m priot.experiments.records.schema

writes it anew (`make records`).
"""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from priot.experiments.output import write_json
from priot.experiments.records.every import EVERY
from priot.experiments.records.kinds import head_of, is_left_out, kind_of

FILE = Path("docs/records.schema.json")
Schema = dict[str, Any]

_PLAIN = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    types.NoneType: "null",
}


def schema_of(records: Iterable[type[Any]]) -> Schema:
    """One schema (draft 2020-12) for a record, a list of records, and a line of kept runs."""
    definitions: dict[str, Schema] = {}
    every = [_reference(one, definitions) for one in records]
    definitions["record"] = {"oneOf": every}
    definitions["kept-run"] = {
        "description": "A line of a file of finished runs (.jsonl).",
        "type": "object",
        "properties": {
            "key": {"type": "string", "pattern": "^[0-9a-f]{64}-[0-9a-f]{16}$"},
            "seconds": {"type": "number"},
            "record": {"$ref": "#/$defs/record"},
        },
        "required": ["key", "seconds", "record"],
        "additionalProperties": False,
    }
    a_record = {"$ref": "#/$defs/record"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What priot writes as JSON: a record, or a list of records",
        "anyOf": [a_record, {"type": "array", "items": a_record}],
        "$defs": dict(sorted(definitions.items())),
    }


def _reference(one: type[Any], definitions: dict[str, Schema]) -> Schema:
    """A reference to a dataclass, described once: by its kind, or as a part by its name."""
    kind, module = kind_of(one), one.__module__.rpartition(".")[2]
    name = f"{module}.{one.__name__}" if kind is None else kind.name
    if name not in definitions:
        definitions[name] = {}  # it may hold itself
        definitions[name] |= _object(one, definitions)
    return {"$ref": f"#/$defs/{name}"}


def _object(one: type[Any], definitions: dict[str, Schema]) -> Schema:
    hints = get_type_hints(one)
    head = {name: {"const": value} for name, value in head_of(one).items()}
    needed = [field.name for field in fields(one) if not is_left_out(field)]
    return {
        "description": " ".join((one.__doc__ or "").split()),
        "type": "object",
        "properties": head
        | {field.name: _schema(hints[field.name], definitions) for field in fields(one)},
        "required": [*head, *needed],
        "additionalProperties": False,
    }


def _schema(hint: Any, definitions: dict[str, Schema]) -> Schema:
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any:
        return {}
    if is_dataclass(hint):
        return _reference(hint, definitions)  # type: ignore[arg-type]  # a class, no value
    if origin in (Union, types.UnionType):
        choices = [_schema(one, definitions) for one in inner]
        if all(choice.keys() == {"type"} for choice in choices):
            return {"type": [choice["type"] for choice in choices]}
        return {"anyOf": choices}
    if origin is Literal:
        return {"enum": list(inner)}
    if origin is tuple and inner[-1] is Ellipsis:
        return {"type": "array", "items": _schema(inner[0], definitions)}
    if origin is tuple:
        each = [_schema(one, definitions) for one in inner]
        return {"type": "array", "prefixItems": each, "items": False, "minItems": len(each)}
    if origin in (Mapping, dict):
        return {"type": "object", "additionalProperties": _schema(inner[1], definitions)}
    return {"type": _PLAIN[hint]}


def main() -> None:
    """Write the schema."""
    write_json(FILE, schema_of(EVERY))


if __name__ == "__main__":
    main()
