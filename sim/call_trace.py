"""Follows calls and returns in native code: the call tree, and the stack's depth over time.

A call (BL, BLX) pushes a frame with the return address and the SP that the callee found. A
return is a branch to such an address with that SP again; frames below the SP are dead (longjmp).
A branch into another function that neither calls nor returns takes its caller's place: a tail
call. A BL within a function is a long branch. An exception pushes a frame of its own.

Every distinct chain of calls, with their sites, is a node of a tree, and cycles are charged to
the node where they are spent. All sums by function and by call follow from it
(sim.reports.call_graph).
"""

from typing import Any

import numpy as np
from numba import njit

from sim.machine import CALLS, INDIRECT, MAX_FRAMES, MAX_NODES, MAX_SPANS

ROOT = 0  # the node above all
OUTSIDE = 0  # the number of code outside of all functions
EXCEPTIONS = 1 << 24  # numbers of functions from here on: exceptions
NO_FUNCTION = 0xFFFF_FFFF  # the number of the root
# Return addresses that never begin a block: of a handler, and of a frame that the hardware or
# the host pushed. Some frames are kept for the latter.
_HANDLER, _SUSPENDED = 0xFFFF_FFFE, 1
_RESERVED_FRAMES = 64


@njit
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


@njit
def _push(trace: Any, node: Any, return_address: Any, sp: Any, room: Any) -> None:
    """Enters `node`; without a frame for the way back if not even `room` of them are left."""
    if trace.depth + room <= MAX_FRAMES:
        frame = trace.frames[trace.depth]
        frame.node = trace.node
        frame.return_address = return_address
        frame.sp = sp
        frame.flags = trace.flags
        frame.end = trace.end
        trace.depth += 1
    trace.node = node


@njit
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


@njit
def charge(machine: Any) -> None:
    """Charges what was spent before the current block to the node where execution was."""
    trace = machine.trace[0]
    now = machine.cycles - np.int64(machine.blocks[machine.current].cycles)
    node = trace.nodes[trace.node]
    node.cycles += now - trace.mark
    node.stalls += machine.xip_stalls - trace.stall_mark
    trace.mark = now
    trace.stall_mark = machine.xip_stalls


@njit
def leave(machine: Any, flags: Any, end: Any) -> None:
    """A block with these `flags` was executed up to the address `end`."""
    machine.trace[0].flags = flags
    machine.trace[0].end = end


@njit
def arrive(machine: Any, address: Any, slot: Any, sp: Any) -> None:
    """Execution enters a block; `sp` is looked at only behind a call or an indirect branch."""
    trace = machine.trace[0]
    flags = trace.flags
    trace.flags = 0
    function = trace.function[slot]
    here = trace.nodes[trace.node].function
    if function == here and flags & (CALLS | INDIRECT) == 0:
        return
    at_start = slot == 0 or trace.function[np.int64(slot) - 1] != function
    if flags & CALLS and (function != here or at_start or function == OUTSIDE):
        node = _child(trace, trace.node, function, trace.end)
        trace.nodes[node].calls += 1
        _push(trace, node, trace.end, sp, _RESERVED_FRAMES)
        return
    if flags & INDIRECT and _return(trace, address, sp, function, at_start):
        at_start = False
    node = trace.node
    if trace.nodes[node].function != function:
        trace.node = _child(trace, trace.nodes[node].parent, function, trace.nodes[node].site)
        if at_start:
            trace.nodes[trace.node].calls += 1


@njit
def enter_exception(machine: Any, number: Any, sp: Any) -> None:
    """Exception `number` is taken, its frame stacked down to `sp`; a call of the handler follows.

    What is charged until then, the entry itself, goes to a node named after the exception.
    """
    charge(machine)
    trace = machine.trace[0]
    node = _child(trace, trace.node, np.uint32(EXCEPTIONS + number), np.uint32(0))
    trace.nodes[node].calls += 1
    _push(trace, node, _SUSPENDED, sp, 1)
    trace.flags = CALLS
    trace.end = _HANDLER
    note_sp(machine, sp)


@njit
def enter_host_call(machine: Any) -> None:
    """The host calls a function, whatever the program was about."""
    charge(machine)
    trace = machine.trace[0]
    _push(trace, ROOT, _SUSPENDED, 0, 1)
    trace.flags = 0


@njit
def resume(machine: Any) -> None:
    """The exception, or the host's call, is over: back to what it interrupted."""
    charge(machine)
    trace = machine.trace[0]
    while trace.depth > 0:
        trace.depth -= 1
        frame = trace.frames[trace.depth]
        if frame.return_address == _SUSPENDED:
            trace.node = frame.node
            trace.flags = frame.flags
            trace.end = frame.end
            return


@njit
def note_sp(machine: Any, sp: Any) -> None:
    """SP came to be `sp`, at the start of the current block as far as time goes."""
    trace = machine.trace[0]
    if sp < trace.deepest:
        trace.deepest = sp
        trace.deepest_node = trace.node
        trace.deepest_cycle = trace.mark
    while trace.mark >= trace.span_cycles * MAX_SPANS:
        _widen(trace)
    span = trace.spans[trace.mark // trace.span_cycles]
    if span[0] == 0 or sp < span[0]:
        span[0] = sp
    span[1] = sp


@njit
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
