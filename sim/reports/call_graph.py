"""Who called whom, how often and at what cost: the call tree of a traced run, and its sums."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from priot.sim.cpu.call_trace import (
    EXCEPTIONS,
    MAX_NODES,
    MAX_SPANS,
    NO_FUNCTION,
    OUTSIDE,
    ROOT,
    InstructionBooks,
    charge_until_now,
    enter_host_call,
    note_sp,
    resume,
)
from priot.sim.cpu.native import from_python
from priot.sim.cpu.places import memory_end, place
from priot.sim.cpu.state import Core
from priot.sim.loading.elf import Program
from priot.sim.reports.profile import UNKNOWN

_place = from_python(place)
_charge_until_now = from_python(charge_until_now)
_enter_host_call = from_python(enter_host_call)
_resume = from_python(resume)
_note_sp = from_python(note_sp)

# Arm DDI0419E, B1.5.2; RP2040 datasheet, 2.3.2.
_SYSTEM_EXCEPTIONS = {2: "NMI", 3: "HardFault", 11: "SVCall", 14: "PendSV", 15: "SysTick"}
_INTERRUPTS = (
    *(f"TIMER_IRQ_{number}" for number in range(4)),
    *("PWM_IRQ_WRAP", "USBCTRL_IRQ", "XIP_IRQ", "PIO0_IRQ_0", "PIO0_IRQ_1", "PIO1_IRQ_0"),
    *("PIO1_IRQ_1", "DMA_IRQ_0", "DMA_IRQ_1", "IO_IRQ_BANK0", "IO_IRQ_QSPI", "SIO_IRQ_PROC0"),
    *("SIO_IRQ_PROC1", "CLOCKS_IRQ", "SPI0_IRQ", "SPI1_IRQ", "UART0_IRQ", "UART1_IRQ"),
    *("ADC_IRQ_FIFO", "I2C0_IRQ", "I2C1_IRQ", "RTC_IRQ"),
)
_FIRST_INTERRUPT = 16
_EXCEPTIONS = _FIRST_INTERRUPT + 32


def exception_name(number: int) -> str:
    """What profiles call the entry of exception `number` (IPSR)."""
    interrupt = number - _FIRST_INTERRUPT
    if 0 <= interrupt < len(_INTERRUPTS):
        name = _INTERRUPTS[interrupt]
    else:
        name = _SYSTEM_EXCEPTIONS.get(number, str(number))
    return f"[exception {name}]"


_Edge = tuple[str, str, int]  # caller, callee, return address


@dataclass(frozen=True)
class Node:
    """A function in one chain of calls.

    Attributes:
        parent: number of the caller's node; None at the start of a chain.
        return_address: behind the call; 0 where no instruction called.
        cycles: spent in the function itself, without `stalls`.
        stalls: cycles spent waiting for flash.
        interrupted: of an exception, the number of the node that it interrupted.
    """

    function: str
    parent: int | None
    return_address: int
    calls: int
    cycles: int
    stalls: int
    interrupted: int | None = None
    is_exception: bool = False


@dataclass(frozen=True)
class FunctionCost:
    """A function's cycles: `self_cycles` by its own instructions, `inclusive` of what it called.

    Recursive calls count once in `inclusive`; exceptions that interrupt it do not. Both hold the
    stalls.
    """

    name: str
    calls: int
    self_cycles: int
    inclusive: int


@dataclass(frozen=True)
class Call:
    """All calls of `callee` from one place.

    Attributes:
        return_address: behind the call; 0 where no instruction called.
        inclusive: cycles between call and return, without those inside another run of the caller
            itself. So a function's self cycles and its calls' inclusive ones sum up to its own
            inclusive cycles, with recursion too.
    """

    caller: str
    callee: str
    return_address: int
    calls: int
    inclusive: int


@dataclass(frozen=True)
class CallGraph:
    """The call tree of a run; a caller stands before what it calls.

    Attributes:
        merged: calls whose chain is not told apart since there were too many; 0 as a rule.
    """

    nodes: tuple[Node, ...]
    merged: int

    @property
    def cycles(self) -> int:
        """Of the whole run."""
        return sum(node.cycles + node.stalls for node in self.nodes)

    def chain(self, number: int) -> list[str]:
        """Names from the first function down to a node, beginning at an exception if there is."""
        names = []
        at: int | None = number
        while at is not None:
            names.append(self.nodes[at].function)
            at = self.nodes[at].parent
        return names[::-1]

    def whole_chain(self, number: int) -> list[str]:
        """Like `chain`, on through exceptions to what they interrupted."""
        names = self.chain(number)
        at = self.nodes[number]
        while True:
            while at.parent is not None:
                at = self.nodes[at.parent]
            if at.interrupted is None:
                return names
            names = self.chain(at.interrupted) + names
            at = self.nodes[at.interrupted]

    def functions(self) -> list[FunctionCost]:
        """Costs by function, the costliest (inclusive) first."""
        own: Counter[str] = Counter()
        calls: Counter[str] = Counter()
        for node in self.nodes:
            own[node.function] += node.cycles + node.stalls
            calls[node.function] += node.calls
        total: Counter[str] = Counter()
        running: Counter[str] = Counter()
        for number, entering in self._walk():
            name = self.nodes[number].function
            if entering and not running[name]:
                total[name] += self._inclusive[number]
            running[name] += 1 if entering else -1
        costs = [FunctionCost(name, calls[name], own[name], total[name]) for name in own]
        return sorted(costs, key=lambda cost: (-cost.inclusive, cost.name))

    def calls(self) -> list[Call]:
        """Costs by place of call, the costliest first."""

        counts: Counter[_Edge] = Counter()
        totals: Counter[_Edge] = Counter()
        running: dict[str, list[int]] = defaultdict(list)  # nodes by function, outermost first
        leaving_by: dict[int, _Edge] = {}  # from a node towards the current one
        for number, entering in self._walk():
            node = self.nodes[number]
            here = running[node.function]
            if not entering:
                here.pop()
                continue
            if node.parent is not None:
                edge = self.nodes[node.parent].function, node.function, node.return_address
                leaving_by[node.parent] = edge
                counts[edge] += node.calls
                totals[edge] += self._inclusive[number]
            if here:
                totals[leaving_by[here[-1]]] -= self._inclusive[number]
            here.append(number)
        rows = [Call(*edge, counts[edge], totals[edge]) for edge in counts]
        return sorted(rows, key=lambda row: (-row.inclusive, row.caller, row.callee))

    @cached_property
    def _inclusive(self) -> list[int]:
        totals = [node.cycles + node.stalls for node in self.nodes]
        for number in range(len(totals) - 1, -1, -1):
            parent = self.nodes[number].parent
            if parent is not None:
                totals[parent] += totals[number]
        return totals

    @cached_property
    def _children(self) -> list[list[int]]:
        children: list[list[int]] = [[] for _ in self.nodes]
        for number, node in enumerate(self.nodes):
            if node.parent is not None:
                children[node.parent].append(number)
        return children

    def _walk(self) -> Iterator[tuple[int, bool]]:
        """Every node when it is entered (True) and left, callers around what they call."""
        roots = [number for number, node in enumerate(self.nodes) if node.parent is None]
        stack = [(number, True) for number in reversed(roots)]
        while stack:
            number, entering = stack.pop()
            yield number, entering
            if entering:
                stack.append((number, False))
                stack.extend((child, True) for child in reversed(self._children[number]))


@dataclass(frozen=True)
class StackPeak:
    """The deepest stack: SP, the cycle at which its block began, and the functions under way."""

    sp: int
    cycle: int
    chain: tuple[str, ...]


class Tracer:
    """The host's view of what a traced core followed.

    Args:
        books: of the core, whose numbers of functions are filled in.
        core: the core's integers.
    """

    def __init__(
        self, books: InstructionBooks, core: npt.NDArray[np.int64], program: Program
    ) -> None:
        self._books, self._core = books, core
        self._trace = books.traces[0]
        self._spans = program.spans
        self._number_functions()

    def _number_functions(self) -> None:
        """Fill `functions`, so that it tells the same as Program.function_at."""
        numbers = self._books.functions
        for number, (start, end, _) in enumerate(self._spans, OUTSIDE + 1):
            at = int(_place(start))
            if at >= 0:
                first, last = at // 2, min(memory_end(at), at + end - start + 1) // 2
                numbers[first:last] = number

    def reset(self) -> None:
        """Forget everything."""
        trace = self._trace
        trace["nodes"][: trace["node_count"]] = 0
        for name in ("mark", "stall_mark", "node", "depth", "merged", "deepest"):
            trace[name] = 0
        trace["nodes"]["function"][ROOT] = NO_FUNCTION
        trace["node_count"] = 1
        trace["node_limit"] = max(0, MAX_NODES - len(self._spans) - _EXCEPTIONS - 2)
        trace["span_cycles"] = 1
        trace["spans"] = 0

    def begin(self, sp: int, now: int) -> None:
        """The core starts in cycle `now`, with its stack at `sp`."""
        trace = self._trace
        trace["node"], trace["depth"] = ROOT, 0
        trace["mark"], trace["stall_mark"] = now, self._core[Core.WAITED]
        if trace["deepest"]:
            _note_sp(self._books.traces, now, sp)
            return
        trace["deepest"], trace["deepest_node"], trace["deepest_cycle"] = sp, ROOT, now
        trace["spans"][0] = sp

    def end(self) -> None:
        """The core is about to be reset."""
        _charge_until_now(self._books.traces, self._core)
        self._trace["node"], self._trace["depth"] = ROOT, 0

    def enter_host_call(self) -> None:
        """The host calls a function, whatever the program was about."""
        _enter_host_call(self._books.traces, self._core)

    def resume(self) -> None:
        """The host's call is over: back to what it interrupted."""
        _resume(self._books.traces, self._core, int(self._core[Core.CYCLES]))

    def graph(self) -> CallGraph:
        """The calls since the last `reset`, with what was spent until now."""
        _charge_until_now(self._books.traces, self._core)
        nodes = self._trace["nodes"][1 : self._trace["node_count"]]
        columns = ("parent", "function", "site", "calls", "cycles", "stalls")
        rows = zip(*(nodes[name].tolist() for name in columns), strict=True)
        result = []
        for parent, function, site, calls, cycles, stalls in rows:
            above = None if parent == ROOT else parent - 1
            interrupts = function >= EXCEPTIONS
            result.append(
                Node(
                    function=self._name(function),
                    parent=None if interrupts else above,
                    return_address=site if _place(site) >= 0 else 0,
                    calls=calls,
                    cycles=cycles - stalls,
                    stalls=stalls,
                    interrupted=above if interrupts else None,
                    is_exception=interrupts,
                )
            )
        return CallGraph(tuple(result), int(self._trace["merged"]))

    def peak(self) -> StackPeak:
        """Where the stack was deepest."""
        node = int(self._trace["deepest_node"])
        chain = [] if node == ROOT else self.graph().whole_chain(node - 1)
        return StackPeak(
            int(self._trace["deepest"]), int(self._trace["deepest_cycle"]), tuple(chain)
        )

    def stack_over_time(self) -> list[tuple[int, int]]:
        """Points (cycle, lowest SP from there to the next point), at most 4096, ends kept.

        Time is divided into spans of equal length, so many cycles that they suffice; no span
        hides the deepest SP in it.
        """
        width = int(self._trace["span_cycles"])
        used = min(MAX_SPANS, int(self._core[Core.CYCLES]) // width + 1)
        points: list[tuple[int, int]] = []
        held = 0
        for number, (lowest, last) in enumerate(self._trace["spans"][:used].tolist()):
            sp = min(lowest, held or lowest) if lowest else held
            held = last or held
            if not points or points[-1][1] != sp:
                points.append((number * width, sp))
        if points:
            points.append((int(self._core[Core.CYCLES]), held))
        return points

    def _name(self, function: int) -> str:
        if function >= EXCEPTIONS:
            return exception_name(function - EXCEPTIONS)
        return UNKNOWN if function == OUTSIDE else self._spans[function - 1].function.name
