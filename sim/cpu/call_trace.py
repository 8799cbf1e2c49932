"""Follows calls and returns: the call tree, and the stack's depth over time.

A call (BL, BLX) pushes a frame with the return address and the SP that the callee found. A
return is a branch to such an address with that SP again; frames below the SP are dead (longjmp).
A branch into another function that neither calls nor returns takes its caller's place: a tail
call. A BL within a function is a long branch. An exception pushes a frame of its own.

Every distinct chain of calls, with their sites, is a node of a tree, and cycles are charged to
the node where they are spent. All sums by function and by call follow from it
(priot.sim.reports.call_graph).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from priot.sim.cpu.native import native
from priot.sim.cpu.places import place
from priot.sim.cpu.state import MEMORY_SIZE, Core

ROOT = 0  # the node above all
OUTSIDE = 0  # the number of code outside of all functions
EXCEPTIONS = 1 << 24  # numbers of functions from here on: exceptions
NO_FUNCTION = 0xFFFF_FFFF  # the number of the root
MAX_FRAMES = 1 << 14  # calls that are under way
MAX_NODES = 1 << 17  # nodes of the call tree
MAX_SPANS = 1 << 12  # of the stack's depth over time

BRANCH, CALL, INDIRECT = 1, 2, 4  # how execution came to another place

# Return addresses that never begin a block: of a handler, and of a frame that the hardware or
# the host pushed. Some frames are kept for the latter.
_HANDLER, _SUSPENDED = 0xFFFF_FFFE, 1
_RESERVED_FRAMES = 64

FRAME = np.dtype(
    [
        ("node", np.uint32),  # of the caller
        ("return_address", np.uint32),
        ("sp", np.uint32),  # when the callee began, and again when it has returned
    ]
)
NODE = np.dtype(
    [
        ("parent", np.uint32),
        ("function", np.uint32),
        ("site", np.uint32),  # address behind the call
        ("first_child", np.uint32),
        ("sibling", np.uint32),
        ("calls", np.int64),
        ("cycles", np.int64),  # spent in this function itself, stalls included
        ("stalls", np.int64),  # of them, waiting for flash
    ]
)
TRACE = np.dtype(
    [
        ("mark", np.int64),  # cycles that are charged to a node
        ("stall_mark", np.int64),
        ("node", np.uint32),  # where execution is
        ("depth", np.uint32),  # frames in use
        ("node_count", np.uint32),
        ("node_limit", np.uint32),  # beyond it contexts are merged
        ("merged", np.int64),  # calls whose context was merged
        ("deepest", np.int64),  # lowest SP
        ("deepest_node", np.uint32),
        ("deepest_cycle", np.int64),
        ("span_cycles", np.int64),
        ("spans", np.uint32, (MAX_SPANS, 2)),  # lowest SP in it (0: unchanged), SP at its end
        ("frames", FRAME, MAX_FRAMES),
        ("nodes", NODE, MAX_NODES),
    ]
)
SLOTS = MEMORY_SIZE // 2
"""Halfwords of all memories, by each of which a function's number is kept."""


class InstructionBooks:
    """What a traced core leaves: its calls, and what each instruction cost."""

    def __init__(self, kept: bool) -> None:
        self.traces = np.zeros(1 if kept else 0, TRACE)
        self.functions = np.zeros(SLOTS if kept else 0, np.uint32)
        self.counts = np.zeros((SLOTS if kept else 0, 4), np.int64)
        """By halfword of the memories, in one line of the host's cache: executions, cycles beyond
        one for each, and cycles waited for flash."""


_CYCLES, _STALLS = int(Core.CYCLES), int(Core.WAITED)
_LOGGED, _LOG = int(Core.LOGGED), int(Core.LOG)
_SP, _LR, _PC = 13, 14, 15


@native
def _child(trace: Any, parent: Any, function: Any, site: Any) -> Any:
    """The node for `function` called at `site` from the node `parent`, a new one if need be.

    When the tree is full it hangs below the root, without a site: there is room kept for each
    function.
    """
    parent = np.int64(parent)
    site = np.uint32(site)
    while True:
        node = np.int64(trace.nodes[parent].first_child)
        while node != 0:
            found = trace.nodes[node]
            if found.function == function and found.site == site:
                return node
            node = np.int64(found.sibling)
        if parent == ROOT or trace.node_count < trace.node_limit:
            break
        trace.merged += 1
        parent = ROOT
        site = np.uint32(0)
    node = np.int64(trace.node_count)
    if node >= MAX_NODES:  # more functions than nodes
        return np.int64(ROOT)
    trace.node_count += 1
    new = trace.nodes[node]
    new.parent = parent
    new.function = function
    new.site = site
    new.sibling = trace.nodes[parent].first_child
    trace.nodes[parent].first_child = node
    return node


@native
def _push(trace: Any, node: Any, return_address: Any, sp: Any, room: Any) -> None:
    """Enters `node`; without a frame for the way back if not even `room` of them are left."""
    if trace.depth + room <= MAX_FRAMES:
        frame = trace.frames[trace.depth]
        frame.node = trace.node
        frame.return_address = return_address
        frame.sp = sp
        trace.depth += 1
    trace.node = node


@native
def _return(trace: Any, address: Any, sp: Any, function: Any, at_start: Any) -> Any:
    """Pops what a branch to `address` returns from; whether it was a return at all."""
    depth = trace.depth
    while depth > 0:
        frame = trace.frames[depth - 1]
        if frame.return_address == _SUSPENDED or frame.sp > sp:
            break
        depth -= 1
        if frame.sp == sp and frame.return_address == address:
            trace.depth = depth
            trace.node = frame.node
            return True
        if frame.sp < sp:  # dead
            trace.depth = depth
            trace.node = frame.node
    if at_start or trace.nodes[trace.node].function == function:
        return False
    depth = trace.depth  # a longjmp: back to the frame of the function it leads to
    while depth > 0 and trace.frames[depth - 1].return_address != _SUSPENDED:
        depth -= 1
        node = trace.frames[depth].node
        if trace.nodes[node].function == function:
            trace.depth = depth
            trace.node = node
            return True
    return False


@native
def _charge(trace: Any, now: Any, stalls: Any) -> None:
    """Charges what was spent until now to the node where execution was."""
    node = trace.nodes[trace.node]
    node.cycles += now - trace.mark
    node.stalls += stalls - trace.stall_mark
    trace.mark = now
    trace.stall_mark = stalls


@native
def arrive(
    trace: Any, functions: Any, core: Any, now: Any, how: Any, pc: Any, registers: Any
) -> Any:
    """Execution came to `pc`; returns the number of the function there."""
    behind = np.int64(registers[_LR]) & ~1
    _arrive(trace, functions, core, now, how, pc, behind, np.int64(registers[_SP]))
    return np.int64(trace.nodes[trace.node].function)


@native
def _arrive(
    trace: Any, functions: Any, core: Any, now: Any, how: Any, pc: Any, behind: Any, sp: Any
) -> None:
    at = place(pc)
    if at < 0:
        return  # a fetch that is about to fault
    slot = at >> 1
    function = functions[slot]
    here = trace.nodes[trace.node].function
    if function == here and how == BRANCH:
        return
    _charge(trace, now, core[_STALLS])
    at_start = slot == 0 or functions[slot - 1] != function
    if how == CALL and (function != here or at_start or function == OUTSIDE):
        node = _child(trace, trace.node, function, behind)
        trace.nodes[node].calls += 1
        _push(trace, node, behind, sp, _RESERVED_FRAMES)
        return
    if how == INDIRECT and _return(trace, pc, sp, function, at_start):
        at_start = False
    node = trace.node
    if trace.nodes[node].function != function:
        trace.node = _child(trace, trace.nodes[node].parent, function, trace.nodes[node].site)
        if at_start:
            trace.nodes[trace.node].calls += 1


@native
def follow_exceptions(trace: Any, functions: Any, core: Any, registers: Any) -> Any:
    """Where the core begins, and what exceptions began and ended since the last look.

    Returns the number of the function where it is.

    What the entry takes goes to a node named after the exception, the handler is called from it.
    """
    if trace.node == ROOT and core[_LOGGED] == 0:
        pc, sp = np.int64(registers[_PC]), np.int64(registers[_SP])
        _arrive(trace, functions, core, core[_CYCLES], BRANCH, pc, 0, sp)
    for at in range(core[_LOGGED]):
        number, sp = core[_LOG + 4 * at], core[_LOG + 4 * at + 1]
        began, handler = core[_LOG + 4 * at + 2], core[_LOG + 4 * at + 3]
        if number == 0:
            resume(trace, core, began)
            continue
        _charge(trace, began, core[_STALLS])
        node = _child(trace, trace.node, np.uint32(EXCEPTIONS + number), np.uint32(0))
        trace.nodes[node].calls += 1
        _push(trace, node, _SUSPENDED, sp, 1)
        note_sp(trace, began, sp)
        _arrive(trace, functions, core, core[_CYCLES], CALL, handler, _HANDLER, sp)
    core[_LOGGED] = 0
    return np.int64(trace.nodes[trace.node].function)


@native
def enter_host_call(trace: Any, core: Any) -> None:
    """The host calls a function, whatever the program was about."""
    _charge(trace, core[_CYCLES], core[_STALLS])
    _push(trace, ROOT, _SUSPENDED, 0, 1)


@native
def resume(trace: Any, core: Any, now: Any) -> None:
    """The exception, or the host's call, is over: back to what it interrupted."""
    _charge(trace, now, core[_STALLS])
    while trace.depth > 0:
        trace.depth -= 1
        frame = trace.frames[trace.depth]
        if frame.return_address == _SUSPENDED:
            trace.node = frame.node
            return


@native
def charge_until_now(trace: Any, core: Any) -> None:
    """Charge what was spent until now."""
    _charge(trace, core[_CYCLES], core[_STALLS])


@native
def note_sp(trace: Any, now: Any, sp: Any) -> None:
    """SP came to be `sp`."""
    if sp < trace.deepest:
        trace.deepest = sp
        trace.deepest_node = trace.node
        trace.deepest_cycle = now
    while now >= trace.span_cycles * MAX_SPANS:
        _widen(trace)
    span = trace.spans[now // trace.span_cycles]
    if span[0] == 0 or sp < span[0]:
        span[0] = sp
    span[1] = sp


@native
def _widen(trace: Any) -> None:
    """Makes spans twice as long, each of two; the lowest SP of both is kept."""
    for at in range(MAX_SPANS // 2):
        first, second, both = trace.spans[2 * at], trace.spans[2 * at + 1], trace.spans[at]
        lowest, last = first[0], first[1]
        if second[0] != 0:
            lowest = second[0] if lowest == 0 else min(lowest, second[0])
            last = second[1]
        both[0] = lowest
        both[1] = last
    trace.spans[MAX_SPANS // 2 :] = 0
    trace.span_cycles *= 2
