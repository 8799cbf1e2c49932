"""Profiles for other tools: each format read back, with its sums equal to the run's cycles."""

import json
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sim_programs import FLASH_BASE, SRAM_BASE, ElfSource, assemble, set_registers

from priot import firmware_elf
from priot.sim import CallGraph, Engine, Pico, Profile, Program
from priot.sim.reports.profile_formats import (
    CoreProfile,
    callgrind,
    collapsed,
    function_table,
    instruction_table,
    line_table,
    record,
    speedscope,
)
from priot.sim.reports.record_diff import diff

_SOURCE = (
    "main: movs r0, #4; bl fact; bl leaf; bkpt #0;"
    "fact: push {r0, lr}; bl leaf; subs r0, #1; beq end; bl fact; end: pop {r1, pc};"
    "leaf: ldr r2, [r7]; bx lr"
)
_SIZES = {"main": 12, "fact": 16, "leaf": 4}

Case = tuple[Profile, CallGraph | None]


def _small(base: int) -> Case:
    functions, at = {}, base
    for name, size in _SIZES.items():
        functions[name] = (at, size)
        at += size
    code = assemble(_SOURCE, base)
    assert len(code) == at - base
    program = Program.parse(ElfSource(code, base, functions=functions).build())
    pico = Pico(program, trace=True)
    set_registers(pico, r7=base, sp=SRAM_BASE + 0x8000)
    pico.run()
    assert pico.profile().total == pico.cycles
    return pico.profile(), pico.call_graph()


def _trainer(trace: bool) -> Case:
    """Debug lines, inlined code, several files."""
    pico = Pico(firmware_elf.TRAINER, trace=trace, engine=Engine.OWN if trace else Engine.UNICORN)
    pico.run()
    address = pico.symbol("__arena_start__").address
    pico.write(address, np.arange(64, dtype=np.int32))
    pico.call("largest_magnitude", address, 64)
    return pico.profile(), pico.call_graph() if trace else None


@pytest.fixture(scope="module", params=["flash", "sram", "flash, flat", "trainer", "trainer, flat"])
def case(request: pytest.FixtureRequest) -> Case:
    kind, _, flat = request.param.partition(", ")
    if kind == "trainer":
        return _trainer(not flat)
    profile, graph = _small(FLASH_BASE if kind == "flash" else SRAM_BASE)
    return profile, None if flat else graph


def alone(profile: Profile, graph: CallGraph | None = None) -> list[CoreProfile]:
    """What a run of core 0 leaves."""
    return [CoreProfile(0, profile, graph)]


class _Callgrind:
    """Reads a callgrind file by its specification: self costs, and inclusive costs of calls."""

    def __init__(self, text: str) -> None:
        self.own: Counter[str] = Counter()
        self.lines: Counter[tuple[str, str]] = Counter()
        self.calls: Counter[tuple[str, str]] = Counter()
        self.inclusive: Counter[tuple[str, str]] = Counter()
        self.header: dict[str, str] = {}
        names: dict[tuple[str, str], str] = {}
        function = callee = file = ""
        called = False
        for line in text.splitlines():
            name = re.fullmatch(r"(c?)(fl|fi|fe|fn)=\((\d+)\)(?: (.*))?", line)
            if name:
                space = "fn" if name[2] == "fn" else "file"
                if name[4] is not None:
                    assert (space, name[3]) not in names
                    names[space, name[3]] = name[4]
                value = names[space, name[3]]
                if name[2] == "fn":
                    callee, function = (value, function) if name[1] else (callee, value)
                elif not name[1]:
                    file = value
            elif line.startswith("calls="):
                self.calls[function, callee] += int(line[6:].split()[0])
                called = True
            elif re.match(r"0x[0-9a-f]+ \d+ \d+$", line):
                _, number, cost = line.split()
                if called:
                    self.inclusive[function, callee] += int(cost)
                else:
                    self.own[function] += int(cost)
                    self.lines[file, number] += int(cost)
                called = False
            elif line and not line.startswith("#"):
                key, _, value = line.partition(": ")
                self.header[key] = value


def test_callgrind(case: Case) -> None:
    profile, graph = case
    read = _Callgrind(callgrind(alone(profile, graph)))
    assert read.own.total() == profile.total
    assert read.header["summary"] == read.header["totals"] == str(profile.total)
    assert read.header["positions"] == "instr line"
    assert dict(read.own) == {e.name: e.cycles for e in profile.by_function()}
    lines = {e.name: e.cycles for e in profile.by_line() if not e.name.startswith(("[", "?"))}
    assert {f"{f}:{n}": cost for (f, n), cost in read.lines.items() if f != "???"} == lines
    stalls = sum(cost for (_, callee), cost in read.inclusive.items() if callee == "[XIP stall]")
    assert stalls == profile.stalls.sum()
    if graph is None:
        assert all(callee == "[XIP stall]" for _, callee in read.calls)
        return
    for cost in graph.functions():
        inside = sum(c for (caller, _), c in read.inclusive.items() if caller == cost.name)
        assert read.own[cost.name] + inside == cost.inclusive, cost.name
        called = sum(n for (_, callee), n in read.calls.items() if callee == cost.name)
        assert called in (cost.calls, cost.calls - 1)  # the first function has no caller


@pytest.mark.skipif(not shutil.which("callgrind_annotate"), reason="valgrind is not installed")
def test_callgrind_annotate_reads_it(case: Case, tmp_path: Path) -> None:
    profile, graph = case
    path = tmp_path / "callgrind.out"
    path.write_text(callgrind(alone(profile, graph)))
    command = ["callgrind_annotate", "--threshold=100", "--inclusive=yes", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    total = re.search(r"([\d,]+) \(100\.0%\)  PROGRAM TOTALS", done.stdout)
    assert total
    assert int(total[1].replace(",", "")) == profile.total
    if graph is None:
        return
    rows = re.findall(r"^ *([\d,]+) \( ?[\d.]+%\)  \S*?:(\S+)(?: \[.*\])?$", done.stdout, re.M)
    seen: Counter[str] = Counter()
    for cycles, name in rows:  # one for each file that a function's code comes from
        seen[name] += int(cycles.replace(",", ""))
    for cost in graph.functions():
        if cost.name in seen:
            assert seen[cost.name] == cost.inclusive
    assert graph.functions()[0].name in seen


def test_collapsed_stacks(case: Case) -> None:
    profile, graph = case
    rows = [line.rpartition(" ") for line in collapsed(alone(profile, graph)).splitlines()]
    costs = {stack: int(cost) for stack, _, cost in rows}
    assert len(costs) == len(rows)
    assert sum(costs.values()) == profile.total
    by_leaf: Counter[str] = Counter()
    for stack, cost in costs.items():
        by_leaf[stack.split(";")[-1]] += cost
    assert dict(by_leaf) == {e.name: e.cycles for e in profile.by_function() if e.cycles}


def test_stacks_of_recursion() -> None:
    profile, graph = _small(SRAM_BASE)
    costs = dict(line.rsplit(" ", 1) for line in collapsed(alone(profile, graph)).splitlines())
    assert costs == {
        "main": "7",
        "main;leaf": "4",
        **{"main" + ";fact" * n: str(14 if n < 4 else 3 + 3 + 1 + 2 + 5) for n in range(1, 5)},
        **{"main" + ";fact" * n + ";leaf": "4" for n in range(1, 5)},
    } | {"main" + ";fact" * n: "16" for n in range(1, 4)}


def test_speedscope(case: Case) -> None:
    profile, graph = case
    document = json.loads(json.dumps(speedscope(alone(profile, graph))))
    _check_schema(document)
    (only,) = document["profiles"]
    frames = [frame["name"] for frame in document["shared"]["frames"]]
    assert len(set(frames)) == len(frames)
    assert sum(only["weights"]) == only["endValue"] - only["startValue"] == profile.total
    by_leaf: Counter[str] = Counter()
    for sample, weight in zip(only["samples"], only["weights"], strict=True):
        by_leaf[frames[sample[-1]]] += weight
    assert dict(by_leaf) == {e.name: e.cycles for e in profile.by_function() if e.cycles}


def _check_schema(document: dict[str, Any]) -> None:
    """The part of speedscope's file-format-schema.json that a sampled profile must meet."""
    assert document["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    assert {"$schema", "profiles", "shared"} <= document.keys()
    for key in ("name", "exporter"):
        assert isinstance(document[key], str)
    assert 0 <= document["activeProfileIndex"] < len(document["profiles"])
    for frame in document["shared"]["frames"]:
        assert isinstance(frame["name"], str)
        assert isinstance(frame.get("file", ""), str)
        assert isinstance(frame.get("line", 0), int)
        assert frame.keys() <= {"name", "file", "line", "col"}
    units = {"bytes", "microseconds", "milliseconds", "nanoseconds", "none", "seconds"}
    for profile in document["profiles"]:
        assert profile.keys() == {
            *("type", "name", "unit", "startValue", "endValue", "samples", "weights")
        }
        assert profile["type"] == "sampled"
        assert isinstance(profile["name"], str)
        assert profile["unit"] in units
        assert len(profile["samples"]) == len(profile["weights"])
        assert all(weight > 0 for weight in profile["weights"])
        for sample in profile["samples"]:
            assert all(0 <= frame < len(document["shared"]["frames"]) for frame in sample)


def test_tables(case: Case) -> None:
    profile, graph = case
    total = f"{profile.total:,}"
    text = function_table(alone(profile, graph))
    names = [re.split(r"\s{2,}", line)[0] for line in text.splitlines()[2:]]
    assert names == [*(e.name for e in profile.by_function()), "total"]
    assert ("inclusive" in text.splitlines()[0]) == (graph is not None)
    assert text.splitlines()[-1].split() == ["total", total]
    assert line_table(alone(profile)).splitlines()[-1].split() == ["total", total]
    rows = [line.split() for line in instruction_table(alone(profile)).splitlines()[2:-1]]
    assert [int(row[0], 16) for row in rows] == profile.addresses.tolist()
    cycles, stalls = (sum(int(row[at].replace(",", "")) for row in rows) for at in (3, 4))
    assert (cycles, stalls) == (profile.cycles.sum(), profile.stalls.sum())


def test_records_compare() -> None:
    slow, fast = _small(FLASH_BASE), _small(SRAM_BASE)
    before, after = (json.loads(json.dumps(record(alone(*case)))) for case in (fast, slow))
    assert before["functions"]["fact"]["calls"] == 4
    stalls = int(slow[0].stalls.sum())
    assert {change.name: change.absolute for change in diff(before, after)} == {
        "[XIP stall]": stalls,
        "total": stalls,
    }
