"""Where the cycles went, by source line, with the line's text where the sources are at hand."""

from __future__ import annotations

from collections import Counter
from functools import cache
from glob import escape
from pathlib import Path
from typing import Any

from priot.experiments.limits import SOURCE_FILE
from priot.sim import Profile
from priot.sim.reading import read_file


def hot_lines(profile: Profile) -> list[dict[str, Any]]:
    """Every line that took cycles, the costliest first; they sum up to all but ``profile.waits``.

    A line's ``cycles`` hold its ``stalls``, waits for flash. ``functions`` are those that it was
    compiled into, the costliest first; ``file`` and ``line`` are None without debug information,
    ``text`` is None where the source is not at hand.
    """
    sources = _Sources(Path(profile.program.path).parent)
    rows: dict[tuple[str | None, int | None], dict[str, Any]] = {}
    functions: dict[tuple[str | None, int | None], Counter[str]] = {}
    for cost in profile.by_instruction():
        place = (sources.name_of(cost.line.file), cost.line.line) if cost.line else (None, None)
        row = rows.setdefault(place, {"cycles": 0, "stalls": 0, "executions": 0})
        row["cycles"] += cost.cycles + cost.stalls
        row["stalls"] += cost.stalls
        row["executions"] += cost.executions
        functions.setdefault(place, Counter())[cost.function] += cost.cycles + cost.stalls
    lines = [
        {
            "file": file,
            "line": line,
            "functions": [name for name, _ in functions[file, line].most_common()],
            **row,
            "share": row["cycles"] / profile.total,
            "text": None if file is None or line is None else sources.text(file, line),
        }
        for (file, line), row in rows.items()
    ]
    return sorted(lines, key=lambda line: (-line["cycles"], str(line["file"]), line["line"] or 0))


class _Sources:
    """The sources of a build, named to the compiler relative to the ELF file's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.name_of = cache(self._name_of)
        self._lines = cache(self._read)

    def text(self, file: str, line: int) -> str | None:
        """A line, counted from 1, without the space around it."""
        lines = self._lines(file)
        return lines[line - 1].strip() if 1 <= line <= len(lines) else None

    def _name_of(self, file: str) -> str:
        """The file below the folder: GNU as tells no folder, so its only namesake is taken."""
        if (self._folder / file).is_file() or "/" in file:
            return file
        found = list(self._folder.glob(f"*/{escape(file)}"))
        return found[0].relative_to(self._folder).as_posix() if len(found) == 1 else file

    def _read(self, file: str) -> list[str]:
        path = self._folder / file
        if not path.is_file():
            return []
        try:
            return read_file(path, SOURCE_FILE).decode(errors="replace").splitlines()
        except OSError:  # the name is another file's by chance: its lines are not needed
            return []
