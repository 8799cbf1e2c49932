"""Records as rows: the one place where nested fields become columns of a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from priot.experiments.records.writing import to_json

Row = dict[str, Any]
_HEAD = ("kind", "version")


def rows_of(records: Sequence[Any]) -> list[Row]:
    """A row for each record: nested fields become columns ``outer_inner``, lists are left out.

    All rows have the same columns. One that a record does not have, as that of a pass that it
    leaves out, is None there. Kind and version are the file's, and no columns.
    """
    rows = [dict(_flatten(to_json(record))) for record in records]
    columns = dict.fromkeys(name for row in rows for name in row)
    return [columns | row for row in rows]


def _flatten(content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, inner in content.items():
        name = f"{prefix}{key}".replace(" ", "_")
        if isinstance(inner, dict):
            yield from _flatten(inner, f"{name}_")
        elif not isinstance(inner, list) and (prefix or key not in _HEAD):
            yield name, inner
