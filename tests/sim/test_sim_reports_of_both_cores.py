"""Profiles, calls and stacks where both cores run: each core's own, and each named."""

import json
import re
import shutil
import subprocess
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from sim_programs import FLASH_BASE, LAUNCH, SRAM_BASE, assemble, pico, program

from priot.sim import Pico, StopReason, TraceError
from priot.sim.reports.memory_report import memory_table
from priot.sim.reports.profile_formats import (
    callgrind,
    collapsed,
    function_table,
    instruction_table,
    line_table,
    record,
    speedscope,
)
from priot.sim.reports.record_diff import diff

# Core 0 waits for 1,000 turns; core 1 calls `leaf` for ever, with 4 and then 8 bytes of stack.
_CORE0 = "both: ldr r0, =1000; turn: subs r0, #1; bne turn; bkpt #0; .pool;"
_CORE1 = "work: push {r4}; again: bl leaf; b again; leaf: push {r4}; pop {r4}; bx lr"


def ready() -> Pico:
    """With SP at the top of SRAM."""
    first = SRAM_BASE + len(assemble(LAUNCH + "both: work: nop", SRAM_BASE)) - 2
    source = LAUNCH + _CORE0 + _CORE1
    leaf = SRAM_BASE + len(assemble(source, SRAM_BASE)) - 6
    places = {"main": SRAM_BASE, "both": first, "work": leaf - 8, "leaf": leaf, "": leaf + 6}
    functions = {name: (at, behind - at) for (name, at), (_, behind) in pairwise(places.items())}
    made = pico(source, functions=functions)
    made.set_registers(sp=0x2004_2000)
    return made


@pytest.fixture(scope="module")
def run() -> Pico:
    made = ready()
    assert made.run(1_000_000).reason is StopReason.HALT
    return made


def test_each_core_has_its_profile_and_calls(run: Pico) -> None:
    first, second = run.profiles()
    assert (first.core, second.core) == (0, 1)
    assert first.profile.total == run.cycles
    assert first.profile.total + second.profile.total == run.profile().total
    for core in (first, second):
        assert core.graph is not None
        assert core.graph.cycles == core.profile.total
    names = [{entry.name for entry in core.profile.by_function()} for core in (first, second)]
    assert names[0] & {"main", "both", "work", "leaf"} == {"main", "both"}
    assert names[1] & {"main", "both", "work", "leaf"} == {"main", "work", "leaf"}
    entries = {entry.name: entry.instructions for entry in second.profile.by_function()}
    costs = {cost.name: cost for cost in run.call_graph(1).functions()}
    assert 0 <= costs["leaf"].calls - entries["leaf"] // 3 <= 1
    assert costs["work"].inclusive >= second.profile.total - 10
    # Core 1 runs from its launch on, not before.
    assert 3000 < second.profile.total < first.profile.total


def test_stacks(run: Pico) -> None:
    assert run.stack_peak(1).sp == 0x2004_1000 - 8
    assert run.stack_peak(1).chain[-2:] == ("work", "leaf")
    assert run.stack_over_time(1)[-1][0] >= run.cycles - 20
    assert {sp for _, sp in run.stack_over_time(1)} >= {0x2004_1000 - 8}
    first, second = run.memory_report().stacks
    assert (second.top, second.limit, second.high_water) == (0x2004_1000, 0x2004_0000, 8)
    assert second.chain == run.stack_peak(1).chain
    assert first.chain == run.stack_peak(0).chain
    assert run.memory_use().stack == first.high_water + second.high_water
    text = memory_table(run.memory_report())
    assert re.search(r"^stack of core 1: 8 of 4,096 bytes at its deepest\n.*leaf$", text, re.M)
    assert re.search(r"^stack of core 0: 0 of", text, re.M)


def test_core_1_that_does_not_run_has_nothing() -> None:
    target = pico("movs r0, #1; bkpt #0")
    target.run()
    assert [core.core for core in target.profiles()] == [0]
    assert len(target.memory_report().stacks) == 1
    with pytest.raises(TraceError, match="core 1 has not run"):
        target.call_graph(1)


@pytest.mark.parametrize("table", [function_table, line_table, instruction_table])
def test_tables(run: Pico, table: object) -> None:
    assert callable(table)
    text = table(run.profiles())
    head, second = text.split("\ncore 1\n")
    assert head.startswith("core 0\n")
    assert second == table(run.profiles()[1:])


def test_callgrind_has_functions_of_each_core(run: Pico, tmp_path: Path) -> None:
    text = callgrind(run.profiles())
    names = re.findall(r"^c?fn=\(\d+\) (.*)$", text, re.M)
    assert {name.rpartition(" [")[2] for name in names} == {"core 0]", "core 1]"}
    total = run.profile().total
    assert f"summary: {total}" in text
    assert f"totals: {total}" in text
    if not shutil.which("callgrind_annotate"):
        return
    path = tmp_path / "two.callgrind"
    path.write_text(text)
    command = ["callgrind_annotate", "--threshold=100", str(path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert f"{total:,} (100.0%)  PROGRAM TOTALS" in said
    for core, name in ((0, "main"), (0, "both"), (1, "main"), (1, "leaf")):
        assert re.search(rf":{name} \[core {core}\]", said), said


def test_stacks_begin_at_the_core(run: Pico) -> None:
    sums: Counter[str] = Counter()
    for line in collapsed(run.profiles()).splitlines():
        chain, _, cycles = line.rpartition(" ")
        sums[chain.split(";")[0]] += int(cycles)
    assert sums == {f"core {core.core}": core.profile.total for core in run.profiles()}


def test_speedscope_has_a_profile_for_each_core(run: Pico) -> None:
    document = json.loads(json.dumps(speedscope(run.profiles())))
    totals = {profile["name"]: profile["endValue"] for profile in document["profiles"]}
    path = run.program.path
    assert totals == {
        f"{path} (core {core.core}, cycles)": core.profile.total for core in run.profiles()
    }
    frames = len(document["shared"]["frames"])
    assert all(f < frames for p in document["profiles"] for s in p["samples"] for f in s)


def test_records_are_compared_by_core(run: Pico) -> None:
    document = json.loads(json.dumps(record(run.profiles())))
    assert document["cycles"] == run.profile().total
    assert [core["core"] for core in document["cores"]] == [0, 1]
    assert document["cores"][1] == {"core": 1} | json.loads(json.dumps(record(run.profiles()[1:])))
    assert diff(document, document) == []
    alone = json.loads(json.dumps(record(run.profiles()[:1])))
    changes = {change.name: change.absolute for change in diff(alone, document)}
    assert changes["total"] == run.profiles()[1].profile.total
    assert set(changes) >= {"core 1: work", "core 1: leaf"}
    assert "both" not in changes


def test_sums_hold_over_a_reset() -> None:
    """By SYSRESETREQ, with both cores under way; the program launches core 1 again."""
    ask = "ldr r1, =0x20030000; ldr r2, [r1]; adds r2, #1; str r2, [r1]; cmp r2, #2; beq halt;"
    reset = "ldr r0, =0xE000ED0C; ldr r1, =0x05FA0004; str r1, [r0]; z: b z; halt: bkpt #0; .pool;"
    pause = "both: movs r3, #200; turn: subs r3, #1; bne turn;"
    source = program(f"{LAUNCH}{pause}{ask}{reset}{_CORE1}", FLASH_BASE)
    target = Pico(source, trace=True, resets=1)
    target.write(0x2003_0000, bytes(4))
    target.set_registers(sp=0x2004_2000)
    assert target.run(1_000_000).reason is StopReason.HALT
    assert target.resets == 1
    first, second = target.profiles()
    assert first.profile.total == target.cycles
    for core in (first, second):
        assert core.profile.waits >= 0
        assert core.graph is not None
        assert core.graph.cycles == core.profile.total
