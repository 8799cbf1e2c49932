"""What is done, in one file: a suite that was interrupted goes on where it stood."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any


class Ledger:
    """Finished units of work by key: counts of how their cases ended, and what was found.

    A line is a unit; one that was cut short does not count.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.units: dict[str, dict[str, Any]] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        self.read()

    def read(self) -> None:
        """Read anew what processes have added."""
        content = self._path.read_bytes() if self._path.exists() else b""
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content:
            self._path.write_bytes(whole)
        for line in whole.splitlines():
            unit = json.loads(line)
            self.units[unit["key"]] = unit

    def add(
        self, key: str, part: str, counts: Counter[str], faults: list[str], **more: Any
    ) -> None:
        """A unit is done; one write, so that several processes may add."""
        unit = {"key": key, "part": part, "counts": dict(counts), "faults": faults, **more}
        with self._path.open("ab", buffering=0) as file:
            file.write(json.dumps(unit).encode() + b"\n")
            os.fsync(file.fileno())
        self.units[key] = unit

    def is_well(self, key: str) -> bool:
        """Whether a unit is done, and nothing was wrong."""
        return key in self.units and not self.units[key]["faults"]

    def counts(self) -> dict[str, Counter[str]]:
        """How cases ended, by part."""
        found: dict[str, Counter[str]] = {}
        for unit in self.units.values():
            found.setdefault(unit["part"], Counter()).update(unit["counts"])
        return found

    def faults(self) -> list[str]:
        """All that was found wrong."""
        return [fault for unit in self.units.values() for fault in unit["faults"]]

    def seconds(self) -> dict[str, float]:
        """Time taken, by part."""
        found: Counter[str] = Counter()
        for unit in self.units.values():
            found[unit["part"]] += unit["seconds"]
        return dict(found)

    def slowest(self) -> dict[str, float]:
        """The longest case, by part."""
        found: dict[str, float] = {}
        for unit in self.units.values():
            found[unit["part"]] = max(found.get(unit["part"], 0.0), unit.get("slowest", 0.0))
        return found
