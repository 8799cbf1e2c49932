"""Profiles as other tools read them: text tables, callgrind, collapsed stacks, speedscope.

Each takes what the cores did: the exact Profile and, where the run was traced, the CallGraph;
without one there are no calls, and every function stands alone. Whatever the format, its costs sum
up to the cycles that the cores ran; waiting for flash, exceptions and other waits are entries of
their own. Where both cores ran, each is named: tables stand one behind the other, callgrind's
functions end in the core, stacks begin at it, speedscope has a profile for each.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from priot.sim.reports.call_graph import Call, CallGraph
from priot.sim.reports.profile import UNKNOWN, WAITS, XIP_STALL, InstructionCost, Profile

SPEEDSCOPE_SCHEMA = "https://www.speedscope.app/file-format-schema.json"
_NO_FILE = "???"  # callgrind's own word
_LONGEST_CHAIN = 128  # calls deeper than that stand together under one name
_DEEPER = "[deeper]"


@dataclass(frozen=True)
class CoreProfile:
    """What one core did; `graph` is None where nothing was traced."""

    core: int
    profile: Profile
    graph: CallGraph | None = None

    @property
    def name(self) -> str:
        """What reports call the core."""
        return f"core {self.core}"


def function_table(cores: Sequence[CoreProfile]) -> str:
    """Cycles by function, the costliest first; with calls and inclusive cycles if traced."""
    return _of_each(cores, _function_table)


def line_table(cores: Sequence[CoreProfile]) -> str:
    """Cycles by source line, the costliest first."""
    return _of_each(cores, _line_table)


def instruction_table(cores: Sequence[CoreProfile]) -> str:
    """Exact cycles of every instruction that ran, by address."""
    return _of_each(cores, _instruction_table)


def _of_each(cores: Sequence[CoreProfile], table: Callable[[CoreProfile], str]) -> str:
    if len(cores) == 1:
        return table(cores[0])
    return "\n".join(f"{core.name}\n{table(core)}" for core in cores)


def _function_table(core: CoreProfile) -> str:
    profile, graph = core.profile, core.graph
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


def _line_table(core: CoreProfile) -> str:
    profile = core.profile
    rows = [
        [entry.name, f"{entry.cycles:,}", _percent(entry.cycles, profile.total or 1)]
        for entry in profile.by_line()
    ]
    return _table(["line", "cycles", "%"], [*rows, ["total", f"{profile.total:,}"]])


def _instruction_table(core: CoreProfile) -> str:
    profile = core.profile
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


def callgrind(cores: Sequence[CoreProfile]) -> str:
    """A file for callgrind_annotate, KCachegrind and the like, by line and instruction.

    Format: valgrind manual, "Callgrind Format Specification", version 1. Waiting for flash looks
    like a call of "[XIP stall]" by the instruction that waits.
    """
    total = sum(core.profile.total for core in cores)
    lines = [
        "# callgrind format",
        "version: 1",
        "creator: priot",
        f"cmd: {cores[0].profile.program.path}",
        "positions: instr line",
        "events: Cycles",
        f"summary: {total}",
    ]
    names: dict[str, dict[str, int]] = {"file": {}, "fn": {}}
    for core in cores:
        suffix = f" [{core.name}]" if len(cores) > 1 else ""
        lines += _Callgrind(core.profile, core.graph, names, suffix).lines()
    return "\n".join([*lines, "", f"totals: {total}", ""])


class _Callgrind:
    """Builds a core's lines: a part for each function, names compressed as `(number) name`."""

    def __init__(
        self,
        profile: Profile,
        graph: CallGraph | None,
        names: dict[str, dict[str, int]],
        suffix: str,
    ) -> None:
        self._profile = profile
        self._names, self._suffix = names, suffix
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

    def lines(self) -> list[str]:
        for function in self._instructions:
            self._function(function)
        self._lone(XIP_STALL, int(self._profile.stalls.sum()))
        for name, cycles in self._exceptions.items():
            self._lone(name, cycles)
        self._lone(WAITS, self._profile.waits - self._exceptions.total())
        return self._lines

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
        name += self._suffix if space == "fn" else ""
        if name in numbers:
            return f"({numbers[name]})"
        numbers[name] = len(numbers) + 1
        return f"({numbers[name]}) {name}"


def collapsed(cores: Sequence[CoreProfile]) -> str:
    """A line `outer;inner;innermost cycles` for each chain of calls, as flamegraph.pl reads it.

    Below 128 calls a chain goes on as "[deeper]" and the innermost function.
    """
    lines = [
        f"{';'.join(name.replace(';', ':') for name in stack)} {cycles}"
        for core in cores
        for stack, cycles in _stacks(core, [core.name] if len(cores) > 1 else [])
    ]
    return "\n".join([*sorted(lines), ""])


def speedscope(cores: Sequence[CoreProfile]) -> dict[str, Any]:
    """A document for www.speedscope.app: a "sampled" profile of each core, weights in cycles.

    A sample is a chain of calls, its weight the cycles spent at its end: exact sums, not samples
    of time. Chains stand in the order in which they first ran.
    """
    numbers: dict[str, int] = {}
    program, profiles = cores[0].profile.program, []
    for core in cores:
        samples, weights = [], []
        for stack, cycles in _stacks(core):
            samples.append([numbers.setdefault(name, len(numbers)) for name in stack])
            weights.append(cycles)
        unit = f"{core.name}, cycles" if len(cores) > 1 else "cycles"
        profiles.append(
            {
                "type": "sampled",
                "name": f"{program.path} ({unit})",
                "unit": "none",
                "startValue": 0,
                "endValue": sum(weights),
                "samples": samples,
                "weights": weights,
            }
        )
    return {
        "$schema": SPEEDSCOPE_SCHEMA,
        "exporter": "priot",
        "name": program.path,
        "activeProfileIndex": 0,
        "shared": {"frames": [_frame(cores[0].profile, name) for name in numbers]},
        "profiles": profiles,
    }


def record(cores: Sequence[CoreProfile]) -> dict[str, Any]:
    """The profile as JSON: cycles by function, and calls where the run was traced.

    Of two cores there is a list, `cores`, and the sum of their `cycles`.
    """
    if len(cores) == 1:
        return _record(cores[0])
    return {
        "cycles": sum(core.profile.total for core in cores),
        "cores": [{"core": core.core} | _record(core) for core in cores],
    }


def _record(core: CoreProfile) -> dict[str, Any]:
    profile, graph = core.profile, core.graph
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


def _stacks(core: CoreProfile, outermost: Sequence[str] = ()) -> list[tuple[tuple[str, ...], int]]:
    """Chains of calls and the cycles spent at their end; their sum is the total."""
    graph = core.graph
    if graph is None:
        entries = core.profile.by_function()
        return [((*outermost, entry.name), entry.cycles) for entry in entries]
    stacks: Counter[tuple[str, ...]] = Counter()
    chains: list[tuple[str, ...]] = []
    for node in graph.nodes:
        above = chains[node.parent] if node.parent is not None else tuple(outermost)
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
