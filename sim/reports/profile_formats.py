"""Profiles as other tools read them: text tables, callgrind, collapsed stacks, speedscope.

Each takes the exact Profile and, where the run was traced, its CallGraph; without one there are
no calls, and every function stands alone. Whatever the format, its costs sum up to the cycles of
the run; waiting for flash, exceptions and other waits are entries of their own.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sim.reports.call_graph import Call, CallGraph
from sim.reports.profile import UNKNOWN, WAITS, XIP_STALL, InstructionCost, Profile

SPEEDSCOPE_SCHEMA = "https://www.speedscope.app/file-format-schema.json"
_NO_FILE = "???"  # callgrind's own word
_LONGEST_CHAIN = 128  # calls deeper than that stand together under one name
_DEEPER = "[deeper]"


def function_table(profile: Profile, graph: CallGraph | None = None) -> str:
    """Cycles by function, the costliest first; with calls and inclusive cycles if traced."""
    entries = profile.by_function()
    total = profile.total or 1
    header = ["function", "cycles", "%", "instructions"]
    rows = [
        [entry.name, f"{entry.cycles:,}", _percent(entry.cycles, total), f"{entry.instructions:,}"]
        for entry in entries
    ]
    if graph is not None:
        costs = {cost.name: cost for cost in graph.functions()}
        header += ["inclusive", "%", "calls"]
        for entry, row in zip(entries, rows, strict=True):
            cost = costs.get(entry.name)
            row += (
                [f"{cost.inclusive:,}", _percent(cost.inclusive, total), f"{cost.calls:,}"]
                if cost
                else ["", "", ""]
            )
    return _table(header, [*rows, ["total", f"{profile.total:,}"]])


def line_table(profile: Profile) -> str:
    """Cycles by source line, the costliest first."""
    rows = [
        [entry.name, f"{entry.cycles:,}", _percent(entry.cycles, profile.total or 1)]
        for entry in profile.by_line()
    ]
    return _table(["line", "cycles", "%"], [*rows, ["total", f"{profile.total:,}"]])


def instruction_table(profile: Profile) -> str:
    """Exact cycles of every instruction that ran, by address."""
    rows = [
        [
            f"{cost.address:#010x} {cost.function}",
            *(f"{value:,}" for value in (cost.executions, cost.cycles, cost.stalls)),
            f" {cost.line or UNKNOWN}",
        ]
        for cost in profile.by_instruction()
    ]
    rows.append([WAITS, "", f"{profile.waits:,}"])
    return _table(["instruction", "executions", "cycles", "stalls", " line"], rows)


def callgrind(profile: Profile, graph: CallGraph | None = None) -> str:
    """A file for callgrind_annotate, KCachegrind and the like, by line and instruction.

    Format: valgrind manual, "Callgrind Format Specification", version 1. Waiting for flash looks
    like a call of "[XIP stall]" by the instruction that waits.
    """
    return _Callgrind(profile, graph).text()


class _Callgrind:
    """Builds the text: a section for each function, names compressed as `(number) name`."""

    def __init__(self, profile: Profile, graph: CallGraph | None) -> None:
        self._profile = profile
        self._names: dict[str, dict[str, int]] = {"file": {}, "fn": {}}
        self._lines: list[str] = []
        self._instructions: dict[str, list[InstructionCost]] = defaultdict(list)
        for cost in profile.by_instruction():
            self._instructions[cost.function].append(cost)
        self._calls: dict[str, list[Call]] = defaultdict(list)
        self._exceptions: Counter[str] = Counter()
        if graph is not None:
            for call in graph.calls():
                self._calls[call.caller].append(call)
            for node in graph.nodes:
                if node.is_exception:
                    self._exceptions[node.function] += node.cycles

    def text(self) -> str:
        self._lines = [
            "# callgrind format",
            "version: 1",
            "creator: priot",
            f"cmd: {self._profile.program.path}",
            "positions: instr line",
            "events: Cycles",
            f"summary: {self._profile.total}",
        ]
        for function in self._instructions:
            self._function(function)
        self._lone(XIP_STALL, int(self._profile.stalls.sum()))
        for name, cycles in self._exceptions.items():
            self._lone(name, cycles)
        self._lone(WAITS, self._profile.waits - self._exceptions.total())
        self._lines += ["", f"totals: {self._profile.total}", ""]
        return "\n".join(self._lines)

    def _function(self, function: str) -> None:
        instructions = self._instructions[function]
        file = self._file(function)
        self._lines += ["", f"fl={self._name('file', file)}", f"fn={self._name('fn', function)}"]
        sites = {cost.address: cost for cost in instructions}
        calls: dict[int, list[Call]] = defaultdict(list)
        for call in self._calls.get(function, []):
            before = [a for a in (call.return_address - 4, call.return_address - 2) if a in sites]
            calls[before[0] if before else instructions[0].address].append(call)
        for cost in instructions:
            here = cost.line.file if cost.line else _NO_FILE
            if here != file:
                self._lines.append(f"fi={self._name('file', here)}")
                file = here
            position = f"{cost.address:#x} {cost.line.line if cost.line else 0}"
            self._lines.append(f"{position} {cost.cycles}")
            for call in calls[cost.address]:
                self._call(position, call.callee, call.calls, call.inclusive)
            if cost.stalls:
                self._call(position, XIP_STALL, 1, cost.stalls)

    def _call(self, position: str, callee: str, calls: int, inclusive: int) -> None:
        first = self._instructions.get(callee)
        target = "0x0 0"
        if first:
            target = f"{first[0].address:#x} {first[0].line.line if first[0].line else 0}"
        self._lines += [
            f"cfi={self._name('file', self._file(callee))}",
            f"cfn={self._name('fn', callee)}",
            f"calls={max(calls, 1)} {target}",
            f"{position} {inclusive}",
        ]

    def _lone(self, name: str, cycles: int) -> None:
        """A function without instructions of its own."""
        if not cycles and name not in self._calls:
            return
        self._lines += ["", f"fl={self._name('file', _NO_FILE)}", f"fn={self._name('fn', name)}"]
        self._lines.append(f"0x0 0 {cycles}")
        for call in self._calls.get(name, []):
            self._call("0x0 0", call.callee, call.calls, call.inclusive)

    def _file(self, function: str) -> str:
        line = next((cost.line for cost in self._instructions.get(function, []) if cost.line), None)
        return line.file if line else _NO_FILE

    def _name(self, space: str, name: str) -> str:
        numbers = self._names[space]
        if name in numbers:
            return f"({numbers[name]})"
        numbers[name] = len(numbers) + 1
        return f"({numbers[name]}) {name}"


def collapsed(profile: Profile, graph: CallGraph | None = None) -> str:
    """A line `outer;inner;innermost cycles` for each chain of calls, as flamegraph.pl reads it.

    Below 128 calls a chain goes on as "[deeper]" and the innermost function.
    """
    lines = [
        f"{';'.join(name.replace(';', ':') for name in stack)} {cycles}"
        for stack, cycles in _stacks(profile, graph)
    ]
    return "\n".join([*sorted(lines), ""])


def speedscope(profile: Profile, graph: CallGraph | None = None) -> dict[str, Any]:
    """A document for www.speedscope.app: one "sampled" profile, weights in cycles.

    A sample is a chain of calls, its weight the cycles spent at its end: exact sums, not samples
    of time. Chains stand in the order in which they first ran.
    """
    numbers: dict[str, int] = {}
    samples, weights = [], []
    for stack, cycles in _stacks(profile, graph):
        samples.append([numbers.setdefault(name, len(numbers)) for name in stack])
        weights.append(cycles)
    total = sum(weights)
    return {
        "$schema": SPEEDSCOPE_SCHEMA,
        "exporter": "priot",
        "name": profile.program.path,
        "activeProfileIndex": 0,
        "shared": {"frames": [_frame(profile, name) for name in numbers]},
        "profiles": [
            {
                "type": "sampled",
                "name": f"{profile.program.path} (cycles)",
                "unit": "none",
                "startValue": 0,
                "endValue": total,
                "samples": samples,
                "weights": weights,
            }
        ],
    }


def record(profile: Profile, graph: CallGraph | None = None) -> dict[str, Any]:
    """The profile as JSON: cycles by function, and calls where the run was traced."""
    functions: dict[str, dict[str, int]] = {
        entry.name: {"cycles": entry.cycles, "instructions": entry.instructions}
        for entry in profile.by_function()
    }
    document: dict[str, Any] = {"cycles": profile.total, "functions": functions}
    if graph is not None:
        for cost in graph.functions():
            entry = functions.setdefault(cost.name, {"cycles": cost.self_cycles, "instructions": 0})
            entry |= {"inclusive": cost.inclusive, "calls": cost.calls}
        document["calls"] = [
            {
                "caller": call.caller,
                "callee": call.callee,
                "return_address": call.return_address,
                "calls": call.calls,
                "inclusive": call.inclusive,
            }
            for call in graph.calls()
        ]
    return document


def _stacks(profile: Profile, graph: CallGraph | None) -> list[tuple[tuple[str, ...], int]]:
    """Chains of calls and the cycles spent at their end; their sum is the total."""
    if graph is None:
        return [((entry.name,), entry.cycles) for entry in profile.by_function()]
    stacks: Counter[tuple[str, ...]] = Counter()
    chains: list[tuple[str, ...]] = []
    for node in graph.nodes:
        above = chains[node.parent] if node.parent is not None else ()
        if len(above) >= _LONGEST_CHAIN:
            above = (*above[: _LONGEST_CHAIN - 1], _DEEPER)
        chains.append((*above, node.function))
        stacks[chains[-1]] += node.cycles
        stacks[*chains[-1], XIP_STALL] += node.stalls
    return [(stack, cycles) for stack, cycles in stacks.items() if cycles]


def _frame(profile: Profile, name: str) -> dict[str, Any]:
    symbol = profile.program.symbols.get(name)
    line = profile.program.line_at(symbol.address) if symbol else None
    return {"name": name} | ({"file": line.file, "line": line.line} if line else {})


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns side by side, numbers to the right; a heading with a space in front, to the left."""
    rows = [[*row, *[""] * (len(header) - len(row))] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    left = [number == 0 or name.startswith(" ") for number, name in enumerate(header)]
    lines = [
        "  ".join(
            cell.ljust(width) if to_left else cell.rjust(width)
            for cell, width, to_left in zip(row, widths, left, strict=True)
        ).rstrip()
        for row in [header, ["-" * width for width in widths], *rows]
    ]
    return "\n".join([*lines, ""])
