"""Formats of the files that profiles and memory reports are written to, by their names' ends."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from priot.experiments.errors import UserError
from priot.experiments.output import StandardOutput, write_bytes, write_figure
from priot.experiments.records.files import write_record
from priot.experiments.records.kinds import head_of
from priot.experiments.records.programs import MemoryRecord, ProfileRecord
from priot.experiments.records.reading import parse
from priot.experiments.records.writing import to_json
from priot.plots.formats import FORMATS
from priot.sim import MemoryReport
from priot.sim.reports import profile_formats
from priot.sim.reports.memory_report import memory_table
from priot.sim.reports.profile_formats import CoreProfile

Written = Callable[[Sequence[CoreProfile]], str]


def profile_record(cores: Sequence[CoreProfile]) -> ProfileRecord:
    """The profile of one core, or of both."""
    return parse(ProfileRecord, head_of(ProfileRecord) | profile_formats.record(cores))


PROFILES: dict[str, Written] = {
    ".txt": profile_formats.function_table,
    ".lines.txt": profile_formats.line_table,
    ".instructions.txt": profile_formats.instruction_table,
    ".callgrind": profile_formats.callgrind,
    ".collapsed": profile_formats.collapsed,
    ".speedscope.json": lambda cores: json.dumps(profile_formats.speedscope(cores)) + "\n",
    ".json": lambda cores: json.dumps(to_json(profile_record(cores)), indent=2) + "\n",
}
"""The longest suffix that fits counts."""


def profile_writer(path: Path) -> Written:
    """What makes the text of a profile. Raises UserError for an unknown format."""
    if isinstance(path, StandardOutput):
        return PROFILES[".txt"]
    for suffix in sorted(PROFILES, key=len, reverse=True):
        if path.name.endswith(suffix):
            return PROFILES[suffix]
    raise UserError(f"--profile {path}: the name must end in one of {', '.join(PROFILES)}")


def check_memory_file(path: Path) -> None:
    """Refuse a memory report of an unknown format."""
    if not isinstance(path, StandardOutput) and path.suffix not in (".json", *FORMATS):
        raise UserError(f"--memory {path}: the name must end in one of .json, {', '.join(FORMATS)}")


def write_memory(report: MemoryReport, path: Path) -> None:
    """Write where memory went, as the name's end says. Raises UserError as ``write_bytes`` does."""
    if isinstance(path, StandardOutput):
        write_bytes(path, memory_table(report).encode())
    elif path.suffix == ".json":
        write_record(path, MemoryRecord(**vars(report)))
    else:
        from priot.plots.memory import draw_memory

        write_figure(path, lambda file: draw_memory(report.to_json(), file))
