"""What the figures ask of their data, in words that say what to do."""

from collections.abc import Mapping, Sequence
from typing import Any


def require_some(things: Sequence[Any], what: str) -> None:
    """Raises ValueError if there are none."""
    if not things:
        raise ValueError(f"no {what} to draw; give at least one")


def require_length(owner: str, values: Mapping[str, Any], keys: Sequence[str], length: int) -> None:
    """Raises ValueError unless each of the lists under ``keys`` has ``length`` members."""
    for key in keys:
        if len(values[key]) != length:
            raise ValueError(
                f"{owner}: {key} has {len(values[key])} values where {length} are due; "
                "give one for each"
            )


def require_percent(owner: str, key: str, values: Sequence[float]) -> None:
    """Raises ValueError unless all values, those under ``key``, are from 0 to 100."""
    for value in values:
        if not 0 <= value <= 100:
            raise ValueError(f"{owner}: {key} is in percent, from 0 to 100, but has {value:g}")


def common_value(records: Sequence[Mapping[str, Any]], key: str) -> float:
    """The number that all records have under ``key``. Raises ValueError if they differ in it."""
    values = sorted({float(record[key]) for record in records})
    if len(values) > 1:
        raise ValueError(
            f"records differ in {key} ({', '.join(f'{value:g}' for value in values)}), so they "
            "do not compare; draw one figure for each"
        )
    return values[0]
