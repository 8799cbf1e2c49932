"""What changed between two records: profiles by function, or the numbers of two runs."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Change:
    """A number before and after; a side on which it is missing counts as 0."""

    name: str
    before: float
    after: float

    @property
    def absolute(self) -> float:
        """By how much it grew."""
        return self.after - self.before

    @property
    def relative(self) -> float:
        """The growth as a part of what it was; infinite where there was nothing."""
        if self.before:
            return self.absolute / abs(self.before)
        return math.copysign(math.inf, self.absolute) if self.absolute else 0.0


def diff(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """All numbers that differ, the largest change first.

    Two records that both hold a profile (`functions` or `cores`, as `profile_formats.record`
    gives) are compared by the cycles of each function and in total, those of core 1 by names that
    begin with it; others by the numbers at equal keys,
    nested ones joined by dots. Truth values, texts and lists are not compared.
    """
    old, new = (dict(_numbers_of(record)) for record in (before, after))
    if not all(_is_profile(record) for record in (before, after)):
        shared = old.keys() & new.keys()
        old, new = ({key: side[key] for key in shared} for side in (old, new))
    changes = [Change(name, old.get(name, 0), new.get(name, 0)) for name in old | new]
    moved = [change for change in changes if change.absolute]
    return sorted(moved, key=lambda change: (-abs(change.absolute), change.name))


def table(changes: Iterable[Change]) -> str:
    """The changes in columns; "no difference" if there is none."""
    rows = [
        [
            change.name,
            _number(change.before),
            _number(change.after),
            f"{'+' if change.absolute > 0 else ''}{_number(change.absolute)}",
            f"{change.relative:+.2%}" if math.isfinite(change.relative) else "new",
        ]
        for change in changes
    ]
    if not rows:
        return "no difference\n"
    rows.insert(0, ["", "before", "after", "change", "relative"])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            [row[0].ljust(widths[0])]
            + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        )
        for row in rows
    ]
    return "\n".join([*lines, ""])


def _numbers_of(record: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    if not _is_profile(record):
        yield from _flat(record, "")
        return
    yield "total", record["cycles"]
    for core in record.get("cores", [record]):
        prefix = f"core {core['core']}: " if core.get("core") else ""
        for name, costs in core["functions"].items():
            yield f"{prefix}{name}", costs["cycles"]


def _is_profile(record: Mapping[str, Any]) -> bool:
    return isinstance(record.get("functions"), Mapping) or isinstance(record.get("cores"), list)


def _flat(record: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, float]]:
    for key, value in record.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{prefix}{key}", value


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"
