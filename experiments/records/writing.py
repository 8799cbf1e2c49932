"""Records as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from priot.experiments.records.kinds import head_of, is_left_out


def to_json(value: Any) -> Any:
    """A record, or several, as dicts, lists, numbers and texts; kind and version come first."""
    if is_dataclass(value):
        content: dict[str, Any] = dict(head_of(type(value)))
        for one in fields(value):
            of_field = getattr(value, one.name)
            if of_field is not None or not is_left_out(one):
                content[one.name] = to_json(of_field)
        return content
    if isinstance(value, Mapping):
        return {str(name): to_json(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(inner) for inner in value]
    return value
